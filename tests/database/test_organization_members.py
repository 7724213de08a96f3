"""What the four functions that change a membership allow, by the role of who calls."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.people import NOBODY, in_turn, refused, wait_until_blocked
from tests.samples import SMALLEST


def members(person, organization_id):
    return dict(
        person.rows(
            "select user_id::text, role from organization_members where organization_id = %s",
            organization_id,
        )
    )


def add(person, organization_id, user_id, role):
    return person.call(
        "add_organization_member", organization_id=organization_id, user_id=user_id, role=role
    )


def set_role(person, organization_id, user_id, role):
    return person.call(
        "set_organization_role", organization_id=organization_id, user_id=user_id, role=role
    )


def remove(person, organization_id, user_id):
    return person.call(
        "remove_organization_member", organization_id=organization_id, user_id=user_id
    )


def test_owners_add_any_role_and_admins_add_members(people, organization):
    ann, ben, cy, dee, eve = people("ann", "ben", "cy", "dee", "eve")
    northwind = organization(ann, {ben: "admin", cy: "member"})

    added = add(ben, northwind, dee.id, "member")
    assert (added["user_id"], added["role"]) == (dee.id, "member")
    for role in ("admin", "owner"):
        with refused("PT403", code="organization_role_too_low", role="admin", required="owner"):
            add(ben, northwind, eve.id, role)
    for role in ("member", "admin", "owner"):
        with refused("PT403", code="organization_role_too_low", role="member"):
            add(cy, northwind, eve.id, role)
        for organization_id in (northwind, NOBODY):
            with refused("PT404", code="organization_not_found"):
                add(eve, organization_id, eve.id, role)
    add(ann, northwind, eve.id, "owner")

    assert members(cy, northwind) == {
        ann.id: "owner",
        ben.id: "admin",
        cy.id: "member",
        dee.id: "member",
        eve.id: "owner",
    }


def test_a_member_is_added_once_and_must_have_an_account_and_a_known_role(people, organization):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})

    with refused("PT409", code="already_member"):
        add(ann, northwind, ben.id, "admin")
    with refused("PT404", code="user_not_found"):
        add(ann, northwind, NOBODY, "member")
    with refused("PT422", code="invalid_argument", argument="user_id"):
        add(ann, northwind, None, "member")
    with refused("PT422", code="invalid_argument", constraint="organization_members_role_known"):
        add(ann, northwind, NOBODY, "king")

    assert members(ann, northwind) == {ann.id: "owner", ben.id: "member"}


@pytest.mark.parametrize("role", ["admin", "member"])
def test_nobody_rises_by_themselves(people, organization, role):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: role})

    for wanted in ("owner", "admin", "member"):
        with refused("PT403", code="organization_role_too_low"):
            set_role(ben, northwind, ben.id, wanted)
        with refused("PT403", code="organization_role_too_low"):
            set_role(ben, northwind, ann.id, wanted)
    with refused("42501"):
        ben.rows("update organization_members set role = 'owner' returning 1")

    assert members(ann, northwind)[ben.id] == role


def test_an_owner_changes_roles(people, organization):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "member"})

    assert set_role(ann, northwind, ben.id, "admin")["role"] == "admin"
    with refused("PT404", code="member_not_found"):
        set_role(ann, northwind, cy.id, "admin")
    with refused("PT422", code="invalid_argument", constraint="organization_members_role_known"):
        set_role(ann, northwind, ben.id, "king")
    with refused("PT422", code="invalid_argument", argument="role"):
        set_role(ann, northwind, ben.id, None)

    assert members(ann, northwind) == {ann.id: "owner", ben.id: "admin"}


def test_admins_remove_members_and_owners_remove_anyone(people, organization):
    ann, ben, cy, dee = people("ann", "ben", "cy", "dee")
    northwind = organization(ann, {ben: "admin", cy: "admin", dee: "member"})

    with refused("PT403", code="organization_role_too_low"):
        remove(dee, northwind, ben.id)
    for above in (ann, cy):
        with refused("PT403", code="organization_role_too_low"):
            remove(ben, northwind, above.id)
    assert remove(ben, northwind, dee.id)["user_id"] == dee.id
    remove(ann, northwind, cy.id)
    with refused("PT404", code="member_not_found"):
        remove(ann, northwind, cy.id)
    with refused("PT404", code="organization_not_found"):
        remove(cy, northwind, ben.id)

    assert members(ann, northwind) == {ann.id: "owner", ben.id: "admin"}


def test_an_organisation_keeps_an_owner(people, organization):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "admin"})

    with refused("PT409", code="last_owner"):
        ann.call("leave_organization", organization_id=northwind)
    with refused("PT409", code="last_owner"):
        set_role(ann, northwind, ann.id, "member")
    with refused("PT409", code="last_owner"):
        remove(ann, northwind, ann.id)

    set_role(ann, northwind, ben.id, "owner")
    assert ann.call("leave_organization", organization_id=northwind)["role"] == "owner"
    assert members(ben, northwind) == {ben.id: "owner"}
    with refused("PT404", code="organization_not_found"):
        ann.call("leave_organization", organization_id=northwind)


def test_of_two_owners_who_leave_at_once_one_stays(people, organization):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "owner", cy: "member"})

    def leave(person):
        person.call("leave_organization", organization_id=northwind)

    with refused("PT409", code="last_owner"):
        in_turn(ann, lambda: leave(ann), ben, lambda: leave(ben))

    assert members(ben, northwind) == {ben.id: "owner", cy.id: "member"}


def test_of_two_owners_who_step_down_at_once_one_stays(people, organization):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "owner"})

    with refused("PT409", code="last_owner"):
        in_turn(
            ann,
            lambda: set_role(ann, northwind, ann.id, "member"),
            ben,
            lambda: set_role(ben, northwind, ben.id, "member"),
        )

    assert members(ann, northwind) == {ann.id: "member", ben.id: "owner"}


@pytest.mark.parametrize("how", ["demoted", "removed"])
def test_of_two_owners_who_turn_on_each_other_at_once_one_stays(people, organization, how):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "owner", cy: "member"})

    def turn_on(person, other):
        if how == "demoted":
            set_role(person, northwind, other.id, "member")
        else:
            remove(person, northwind, other.id)

    sqlstate, code = {
        "demoted": ("PT403", "organization_role_too_low"),
        "removed": ("PT404", "organization_not_found"),
    }[how]
    with refused(sqlstate, code=code):
        in_turn(ann, lambda: turn_on(ann, ben), ben, lambda: turn_on(ben, ann))

    assert members(cy, northwind)[ann.id] == "owner"
    assert members(cy, northwind).get(ben.id) == ("member" if how == "demoted" else None)


def test_an_owner_who_leaves_while_the_other_one_is_removed_stays(people, organization, twin):
    ann, ben, cy = people("ann", "ben", "cy")
    phone = twin(ann)
    northwind = organization(ann, {ben: "owner", cy: "member"})

    with refused("PT409", code="last_owner"):
        in_turn(
            ann,
            lambda: remove(ann, northwind, ben.id),
            phone,
            lambda: phone.call("leave_organization", organization_id=northwind),
        )

    assert members(cy, northwind) == {ann.id: "owner", cy.id: "member"}


def test_a_promotion_that_waited_for_the_removal_finds_no_member(people, organization, twin):
    ann, ben = people("ann", "ben")
    phone = twin(ann)
    northwind = organization(ann, {ben: "member"})

    with refused("PT404", code="member_not_found"):
        in_turn(
            ann,
            lambda: remove(ann, northwind, ben.id),
            phone,
            lambda: set_role(phone, northwind, ben.id, "owner"),
        )

    assert members(ann, northwind) == {ann.id: "owner"}


def test_a_removal_by_an_admin_that_waited_for_the_promotion_is_refused(people, organization):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "admin", cy: "member"})

    with refused("PT403", code="organization_role_too_low"):
        in_turn(
            ann,
            lambda: set_role(ann, northwind, cy.id, "admin"),
            ben,
            lambda: remove(ben, northwind, cy.id),
        )

    assert members(ann, northwind)[cy.id] == "admin"


def test_of_two_who_add_the_same_person_at_once_the_first_gives_the_role(people, organization):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "owner"})

    with refused("PT409", code="already_member"):
        in_turn(
            ann,
            lambda: add(ann, northwind, cy.id, "member"),
            ben,
            lambda: add(ben, northwind, cy.id, "owner"),
        )

    assert members(ann, northwind)[cy.id] == "member"


def test_an_owner_who_waited_for_the_account_of_the_other_one_to_go_stays(
    people, organization, admin
):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "owner", cy: "member"})

    with ThreadPoolExecutor(1) as pool:
        with admin.transaction():
            admin.execute("delete from auth.users where id = %s", (ann.id,))
            waiting = pool.submit(ben.call, "leave_organization", organization_id=northwind)
            wait_until_blocked(admin, ben.connection)
        with refused("PT409", code="last_owner"):
            waiting.result(10)

    assert members(cy, northwind) == {ben.id: "owner", cy.id: "member"}


def test_an_account_that_goes_after_the_other_owner_left_has_an_heir(
    people, organization, postgres
):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "owner", cy: "member"})
    other = psycopg.connect(postgres.url("supabase_admin"), autocommit=True)

    with ThreadPoolExecutor(1) as pool, other:
        with ben.transaction():
            ben.call("leave_organization", organization_id=northwind)
            waiting = pool.submit(other.execute, "delete from auth.users where id = %s", (ann.id,))
            wait_until_blocked(ben.connection, other)
        waiting.result(10)

    assert members(cy, northwind) == {cy.id: "owner"}


def test_who_waited_for_their_own_demotion_is_refused(people, organization):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "owner"})

    with refused("PT403", code="organization_role_too_low", role="member"):
        in_turn(
            ann,
            lambda: set_role(ann, northwind, ben.id, "member"),
            ben,
            lambda: add(ben, northwind, cy.id, "owner"),
        )

    assert members(ann, northwind) == {ann.id: "owner", ben.id: "member"}


def test_a_stranger_is_refused_without_waiting_for_anyone(people, organization):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "member"})
    cy.connection.execute("set lock_timeout = '1s'")

    with ann.transaction():
        set_role(ann, northwind, ben.id, "admin")
        with refused("PT404", code="organization_not_found"):
            add(cy, northwind, cy.id, "member")


def test_work_stays_when_its_owner_leaves(people, organization, composition):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "member", cy: "owner"})
    ours = composition(ben, organization_id=northwind)
    mine = composition(ben)

    ben.call("leave_organization", organization_id=northwind)

    with refused("PT404", code="composition_not_found"):
        ben.call("load_composition", composition_id=ours.id)
    assert ben.rows("select id::text from user_compositions") == [(mine.id,)]
    assert cy.call("load_composition", composition_id=ours.id)["owner_id"] == ann.id


def test_work_stays_when_its_owner_is_removed_while_creating_it(people, organization, composition):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    made = []

    in_turn(
        ben,
        lambda: made.append(composition(ben, SMALLEST, organization_id=northwind)),
        ann,
        lambda: remove(ann, northwind, ben.id),
    )

    assert ann.call("load_composition", composition_id=made[0].id)["owner_id"] == ann.id
    with refused("PT404"):
        ben.call("load_composition", composition_id=made[0].id)


def test_who_is_removed_before_creating_creates_nothing(people, organization, composition):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})

    with refused("PT404", code="organization_not_found"):
        in_turn(
            ann,
            lambda: remove(ann, northwind, ben.id),
            ben,
            lambda: composition(ben, SMALLEST, organization_id=northwind),
        )

    assert ben.call("list_my_compositions")["items"] == []
    assert ann.call("list_my_compositions")["items"] == []


@pytest.mark.parametrize(
    ("how", "sqlstate"), [("removed", "PT404"), ("demoted", "PT403"), ("share", "PT404")]
)
def test_a_save_that_waited_for_the_end_of_a_membership_is_refused(
    people, organization, composition, how, sqlstate
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "admin"})
    if how == "share":
        piece = composition(ann)
        ann.call(
            "share_composition", composition_id=piece.id, organization_id=northwind, role="editor"
        )
    else:
        piece = composition(ann, organization_id=northwind)

    def end():
        if how == "demoted":
            set_role(ann, northwind, ben.id, "member")
        else:
            remove(ann, northwind, ben.id)

    def save():
        ben.call("save_version", composition_id=piece.id, base_version=1, document=SMALLEST)

    with refused(sqlstate):
        in_turn(ann, end, ben, save)

    assert ann.call("load_composition", composition_id=piece.id)["version"] == 1


def test_the_last_member_takes_the_organisation_along(people, organization, composition):
    (ann,) = people("ann")
    northwind = organization(ann)
    composition(ann, organization_id=northwind)
    mine = composition(ann)

    with refused("PT409", code="last_owner"):
        set_role(ann, northwind, ann.id, "member")
    ann.call("leave_organization", organization_id=northwind)

    assert ann.rows("select id from organizations") == []
    assert ann.rows("select id::text from user_compositions") == [(mine.id,)]


def test_work_stays_when_the_account_of_its_owner_is_deleted(
    people, organization, composition, admin
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    ours = composition(ann, organization_id=northwind)
    mine = composition(ann)

    admin.execute("delete from auth.users where id = %s", (ann.id,))

    assert members(ben, northwind) == {ben.id: "owner"}, "the last owner has an heir"
    assert ben.call("load_composition", composition_id=ours.id)["owner_id"] == ben.id
    assert ben.call("get_version", composition_id=ours.id, version=1)["author_id"] is None
    assert admin.execute(
        "select count(*) from public.user_compositions where id = %s", (mine.id,)
    ).fetchone() == (0,)


def test_an_organisation_goes_with_its_last_member(people, organization, composition, admin):
    (ann,) = people("ann")
    northwind = organization(ann)
    composition(ann, organization_id=northwind)

    admin.execute("delete from auth.users where id = %s", (ann.id,))

    for query in (
        "select count(*) from public.organizations where id = %s",
        "select count(*) from public.user_compositions where organization_id = %s",
    ):
        assert admin.execute(query, (northwind,)).fetchone() == (0,)


def test_anon_reaches_no_function(anon):
    for function, arguments in [
        ("add_organization_member", {"organization_id": NOBODY, "user_id": NOBODY, "role": "x"}),
        ("set_organization_role", {"organization_id": NOBODY, "user_id": NOBODY, "role": "x"}),
        ("remove_organization_member", {"organization_id": NOBODY, "user_id": NOBODY}),
        ("leave_organization", {"organization_id": NOBODY}),
    ]:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            anon.call(function, **arguments)


def test_the_list_of_a_persons_organisations_is_what_their_memberships_say(
    people, organization, admin
):
    ann, ben = people("ann", "ben")
    for founder in (ann, ben, ann):
        other = ben if founder is ann else ann
        organization(founder, {other: "member"})
    first, second, third = (
        id for (id,) in ben.rows("select id::text from organizations order by created_at")
    )
    ben.call("leave_organization", organization_id=first)
    ann.call("remove_organization_member", organization_id=third, user_id=ben.id)

    assert ben.rows("select organization_ids::text[] from private.member_organizations") == [
        ([second],)
    ]
    ann.call("leave_organization", organization_id=second)
    assert ben.rows("select organization_ids::text[] from private.member_organizations") == [
        ([second],)
    ]
    assert (
        admin.execute(
            """
        select o.user_id, array(select unnest(o.organization_ids) order by 1)
          from private.member_organizations as o where cardinality(o.organization_ids) > 0
        except
        select m.user_id, array_agg(m.organization_id order by m.organization_id)
          from organization_members as m group by m.user_id
        """
        ).fetchall()
        == []
    )
    admin.execute("delete from auth.users where id = %s", [ben.id])
    assert ben.rows("select 1 from private.member_organizations") == []


def test_an_account_is_deleted_while_somebody_ends_its_membership(
    people, organization, admin, postgres
):
    ann, ben = people("ann", "ben")
    _, last = sorted(organization(ann, {ben: "member"}) for _ in range(2))
    another = psycopg.connect(postgres.url("supabase_admin"))

    with ThreadPoolExecutor(2) as pool, another:
        # As a save of ben's does, so that the removal stops between its two locks.
        another.execute(
            "select 1 from organization_members"
            " where user_id = %s and organization_id = %s for share",
            [ben.id, last],
        )
        removed = pool.submit(
            ann.call, "remove_organization_member", organization_id=last, user_id=ben.id
        )
        wait_until_blocked(another, ann.connection)
        deleted = pool.submit(admin.execute, "delete from auth.users where id = %s", [ben.id])
        wait_until_blocked(another, admin, by=ann.connection)
        another.rollback()
        removed.result(10)
        deleted.result(10)
