from uuid import UUID

import pytest

from tests.people import NOBODY, Person, in_turn, refused
from tests.samples import SMALLEST, small


def transfer(person, composition_id, **arguments):
    return person.call("transfer_composition", composition_id=composition_id, **arguments)


def share(person, composition_id, **arguments):
    return person.call("share_composition", composition_id=composition_id, **arguments)


def state(admin, composition_id):
    """All that is stored about a composition and its shares."""
    return admin.execute(
        """
        select to_jsonb(c), (
                 select jsonb_agg(to_jsonb(s) order by s.id)
                   from public.shared_compositions as s
                  where s.composition_id = c.id
               )
          from public.user_compositions as c
         where c.id = %s
        """,
        (composition_id,),
    ).fetchone()


def test_a_person_gives_theirs_to_a_colleague(people, organization, composition):
    ann, ben = people("ann", "ben")
    organization(ann, {ben: "member"})
    piece = composition(ann)
    before = ann.call("load_composition", composition_id=piece.id)

    moved = transfer(ann, piece.id, user_id=ben.id)

    assert moved == {
        "composition_id": piece.id,
        "version": 1,
        "content_hash": before["content_hash"],
        "title": before["title"],
        "updated_at": moved["updated_at"],
        "owner_id": ben.id,
        "organization_id": None,
    }
    assert moved["updated_at"] > before["updated_at"]
    loaded = ben.call("load_composition", composition_id=piece.id)
    assert (loaded["owner_id"], loaded["role"]) == (ben.id, "owner")
    assert loaded["etag"] != before["etag"]
    assert ben.call("get_version", composition_id=piece.id, version=1)["author_id"] == ann.id
    with refused("PT404", code="composition_not_found"):
        ann.call("load_composition", composition_id=piece.id)


def test_the_former_owner_keeps_what_an_organisation_gives_them(people, organization, composition):
    ann, ben = people("ann", "ben")
    northwind = organization(ben, {ann: "member"})
    piece = composition(ann)

    moved = transfer(ann, piece.id, user_id=ben.id, organization_id=northwind)

    assert (moved["owner_id"], moved["organization_id"]) == (ben.id, northwind)
    assert ann.call("load_composition", composition_id=piece.id)["role"] == "viewer"


def test_a_share_to_the_new_owner_ends_and_others_stay(people, organization, composition):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "member"})
    piece = composition(ann)
    for person in (ben, cy):
        share(ann, piece.id, user_id=person.id, role="editor")
    share(ann, piece.id, organization_id=northwind, role="viewer")

    transfer(ann, piece.id, user_id=ben.id)

    left = ben.call("list_shares", composition_id=piece.id)
    assert {(s["user_id"], s["organization_id"]) for s in left} == {
        (cy.id, None),
        (None, northwind),
    }
    assert ann.call("load_composition", composition_id=piece.id)["role"] == "viewer"


def test_what_is_so_already_is_answered_and_not_changed(
    people, organization, composition, admin, setting
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    mine, ours = composition(ann), composition(ben, organization_id=northwind)
    share(ann, mine.id, user_id=ben.id, role="viewer")
    before = [state(admin, piece.id) for piece in (mine, ours)]
    setting("max_compositions_per_person", 1)

    assert transfer(ann, mine.id)["owner_id"] == ann.id
    assert transfer(ann, mine.id, user_id=ann.id)["owner_id"] == ann.id
    assert transfer(ben, ours.id, organization_id=northwind)["owner_id"] == ben.id
    assert transfer(ann, ours.id, user_id=ben.id, organization_id=northwind)["owner_id"] == ben.id

    assert [state(admin, piece.id) for piece in (mine, ours)] == before


@pytest.mark.parametrize("role", ["admin", "owner"])
def test_who_runs_an_organisation_lets_its_work_go(people, organization, composition, role):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "member", cy: role})
    southwind = organization(cy)
    to_its_creator, to_themselves, away = (
        composition(ben, organization_id=northwind) for _ in range(3)
    )

    assert transfer(cy, to_its_creator.id, user_id=ben.id)["owner_id"] == ben.id
    assert transfer(cy, to_themselves.id)["owner_id"] == cy.id
    assert transfer(cy, away.id, organization_id=southwind)["organization_id"] == southwind

    with refused("PT404", code="composition_not_found"):
        ann.call("load_composition", composition_id=to_its_creator.id)


def test_a_plain_member_takes_no_work_of_an_organisation_along(
    people, organization, composition, admin
):
    ann, ben = people("ann", "ben")
    northwind, southwind = organization(ann, {ben: "member"}), organization(ben)
    piece = composition(ben, organization_id=northwind)
    before = state(admin, piece.id)

    for arguments in (
        {},
        {"user_id": ann.id},
        {"organization_id": southwind},
        {"user_id": ben.id, "organization_id": southwind},
    ):
        with refused("PT403", code="organization_role_too_low", role="member", required="admin"):
            transfer(ben, piece.id, **arguments)

    assert state(admin, piece.id) == before
    moved = transfer(ben, piece.id, user_id=ann.id, organization_id=northwind)
    assert moved["owner_id"] == ann.id, "within the organisation, a creator hands it over"


@pytest.mark.parametrize(
    ("who", "sqlstate", "code"),
    [
        ("stranger", "PT404", "composition_not_found"),
        ("viewer", "PT403", "not_composition_owner"),
        ("editor", "PT403", "not_composition_owner"),
        ("member", "PT403", "not_composition_owner"),
    ],
)
def test_nobody_but_an_owner_transfers(around, admin, who, sqlstate, code):
    before = state(admin, around.composition_id)

    for arguments in ({}, {"organization_id": around.organization_id}, {"user_id": NOBODY}):
        with refused(sqlstate, code=code):
            transfer(around.people[who], around.composition_id, **arguments)

    assert state(admin, around.composition_id) == before


def test_anon_and_random_ids_are_refused(people, anon):
    (ann,) = people("ann")
    for composition_id in (NOBODY, None):
        with refused("PT404", code="composition_not_found"):
            transfer(ann, composition_id)
    with refused("42501"):
        transfer(anon, NOBODY)


def test_a_stranger_receives_nothing_and_is_not_told_from_nobody(
    people, organization, composition, admin
):
    ann, ben, cy = people("ann", "ben", "cy")
    organization(ann)
    organization(ben, {cy: "member"})
    piece = composition(ann)
    share(ann, piece.id, user_id=ben.id, role="editor")
    before, answers = state(admin, piece.id), []

    for user_id in (ben.id, cy.id, NOBODY):
        with refused("PT404", code="user_not_found") as detail:
            transfer(ann, piece.id, user_id=user_id)
        answers.append(detail)

    assert answers[0] == answers[1] == answers[2]
    assert state(admin, piece.id) == before


def test_into_an_organisation_both_must_be_members(people, organization, composition, admin):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind, southwind = organization(ann, {ben: "member"}), organization(cy, {ben: "member"})
    piece = composition(ann)
    before = state(admin, piece.id)

    for organization_id in (southwind, NOBODY):
        for user_id in (None, ben.id):
            with refused("PT404", code="organization_not_found"):
                transfer(ann, piece.id, user_id=user_id, organization_id=organization_id)
    for user_id in (cy.id, NOBODY):
        with refused("PT404", code="member_not_found"):
            transfer(ann, piece.id, user_id=user_id, organization_id=northwind)

    assert state(admin, piece.id) == before


def test_nothing_is_transferred_out_of_the_trash(people, organization, composition):
    ann, ben = people("ann", "ben")
    organization(ann, {ben: "member"})
    piece = composition(ann)
    ann.call("delete_composition", composition_id=piece.id)

    with refused("PT410", code="composition_trashed"):
        transfer(ann, piece.id, user_id=ben.id)


def test_a_full_receiver_receives_nothing(people, organization, composition, admin, setting):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    piece, _ = composition(ann), composition(ben)
    before = state(admin, piece.id)
    setting("max_compositions_per_person", 1)

    for organization_id in (None, northwind):
        with refused("PT403", code="quota_exceeded", quota=1):
            transfer(ann, piece.id, user_id=ben.id, organization_id=organization_id)

    assert state(admin, piece.id) == before


def test_of_two_transfers_at_once_one_takes_the_last_place(
    people, organization, composition, setting
):
    ann, ben, cy = people("ann", "ben", "cy")
    organization(ann, {ben: "member", cy: "member"})
    first, second = composition(ann), composition(cy)
    setting("max_compositions_per_person", 1)

    with refused("PT403", code="quota_exceeded"):
        in_turn(
            ann,
            lambda: transfer(ann, first.id, user_id=ben.id),
            cy,
            lambda: transfer(cy, second.id, user_id=ben.id),
        )

    assert cy.call("load_composition", composition_id=second.id)["role"] == "owner"


def test_two_who_give_to_each_other_at_once_do_not_wait_in_a_circle(
    people, organization, composition
):
    ann, ben = people("ann", "ben")
    organization(ann, {ben: "member"})
    from_ann, from_ben = composition(ann), composition(ben)
    ben.connection.execute("set lock_timeout = '5s'")

    with ann.transaction():
        transfer(ann, from_ann.id, user_id=ben.id)
        assert transfer(ben, from_ben.id, user_id=ann.id)["owner_id"] == ann.id

    assert ben.call("load_composition", composition_id=from_ann.id)["owner_id"] == ben.id


def test_what_is_transferred_to_who_is_being_removed_stays_with_the_organisation(
    people, organization, composition
):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(cy, {ann: "admin", ben: "member"})
    piece = composition(ann, organization_id=northwind)

    in_turn(
        ann,
        lambda: transfer(ann, piece.id, user_id=ben.id, organization_id=northwind),
        cy,
        lambda: cy.call("remove_organization_member", organization_id=northwind, user_id=ben.id),
    )

    assert cy.call("load_composition", composition_id=piece.id)["owner_id"] == cy.id
    with refused("PT404", code="composition_not_found"):
        ben.call("load_composition", composition_id=piece.id)


@pytest.mark.parametrize(
    ("to_organization", "code"), [(True, "member_not_found"), (False, "user_not_found")]
)
def test_a_transfer_that_waited_for_the_removal_of_its_receiver_comes_to_nothing(
    people, organization, composition, to_organization, code
):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(cy, {ann: "admin", ben: "member"})
    piece = composition(ann)

    with refused("PT404", code=code):
        in_turn(
            cy,
            lambda: cy.call(
                "remove_organization_member", organization_id=northwind, user_id=ben.id
            ),
            ann,
            lambda: transfer(
                ann,
                piece.id,
                user_id=ben.id,
                organization_id=northwind if to_organization else None,
            ),
        )

    assert ann.call("load_composition", composition_id=piece.id)["owner_id"] == ann.id


def test_an_admin_who_waited_for_their_demotion_takes_nothing(people, organization, composition):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "admin"})
    piece = composition(ben, organization_id=northwind)

    with refused("PT403", code="organization_role_too_low"):
        in_turn(
            ann,
            lambda: ann.call(
                "set_organization_role", organization_id=northwind, user_id=ben.id, role="member"
            ),
            ben,
            lambda: transfer(ben, piece.id),
        )


def test_of_two_transfers_of_one_composition_the_second_is_refused(
    people, organization, composition, postgres
):
    ann, ben, cy = people("ann", "ben", "cy")
    organization(ann, {ben: "member", cy: "member"})
    piece = composition(ann)
    twin = Person(postgres.url("authenticator"), UUID(ann.id))

    with refused("PT404", code="composition_not_found"):
        in_turn(
            ann,
            lambda: transfer(ann, piece.id, user_id=ben.id),
            twin,
            lambda: transfer(twin, piece.id, user_id=cy.id),
        )
    twin.connection.close()

    assert ben.call("load_composition", composition_id=piece.id)["owner_id"] == ben.id


def test_a_save_of_the_former_owner_that_waited_for_the_transfer_is_refused(
    people, organization, composition, postgres
):
    ann, ben = people("ann", "ben")
    organization(ann, {ben: "member"})
    piece = composition(ann, SMALLEST)
    twin = Person(postgres.url("authenticator"), UUID(ann.id))

    with refused("PT404", code="composition_not_found"):
        in_turn(
            ann,
            lambda: transfer(ann, piece.id, user_id=ben.id),
            twin,
            lambda: twin.call(
                "save_version", composition_id=piece.id, base_version=1, document=small()
            ),
        )
    twin.connection.close()

    assert ben.call("load_composition", composition_id=piece.id)["version"] == 1
