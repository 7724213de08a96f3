from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.people import in_turn, refusal, refused, wait_until_blocked


def accept(person, token):
    return person.call("accept_invitation", token=token)


def members(person, organization_id):
    return dict(
        person.rows(
            "select user_id::text, role from organization_members where organization_id = %s",
            organization_id,
        )
    )


def demote(person, organization_id, user_id, role="member"):
    person.call(
        "set_organization_role", organization_id=organization_id, user_id=user_id, role=role
    )


def remove(person, organization_id, user_id):
    person.call("remove_organization_member", organization_id=organization_id, user_id=user_id)


@pytest.mark.parametrize("role", ["member", "admin", "owner"])
def test_who_accepts_is_a_member_in_the_role_of_the_invitation(
    people, organization, composition, invite, role
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann)
    piece = composition(ann, organization_id=northwind)
    token = invite(ann, northwind, ben, role)["token"]
    with refused("PT404"):
        ben.call("load_composition", composition_id=piece.id)

    member = accept(ben, token)

    assert member.keys() == {"organization_id", "user_id", "role", "created_at"}
    assert (member["organization_id"], member["user_id"], member["role"]) == (
        northwind,
        ben.id,
        role,
    )
    assert members(ann, northwind) == {ann.id: "owner", ben.id: role}
    loaded = ben.call("load_composition", composition_id=piece.id)
    assert loaded["role"] == ("viewer" if role == "member" else "owner")
    assert ann.call("list_invitations", organization_id=northwind) == []


def test_an_invitation_is_used_once(people, organization, invite):
    ann, ben = people("ann", "ben")
    northwind = organization(ann)
    token = invite(ann, northwind, ben)["token"]
    accept(ben, token)

    with refused("PT404", code="invitation_not_found"):
        accept(ben, token)
    ben.call("leave_organization", organization_id=northwind)
    with refused("PT404", code="invitation_not_found"):
        accept(ben, token)


def test_the_address_is_the_one_of_the_account_whatever_its_case(
    people, organization, invite, admin
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann)
    token = invite(ann, northwind, ben)["token"]
    admin.execute("update auth.users set email = upper(email) where id = %s", (ben.id,))

    accept(ben, token)

    assert members(ann, northwind)[ben.id] == "member"


def test_an_address_claimed_by_the_session_counts_for_nothing(
    people, organization, invite, address
):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann)
    token = invite(ann, northwind, ben)["token"]
    cy.claims["email"] = address(ben)

    with refused("PT404", code="invitation_not_found"):
        accept(cy, token)


def test_an_account_without_an_address_accepts_nothing(people, organization, invite, admin):
    ann, ben = people("ann", "ben")
    northwind = organization(ann)
    token = invite(ann, northwind, ben)["token"]
    admin.execute("update auth.users set email = null where id = %s", (ben.id,))

    with refused("PT404", code="invitation_not_found"):
        accept(ben, token)


def test_every_token_that_lets_nobody_in_gets_the_same_answer(
    people, organization, invite, address, admin
):
    ann, ben, cy, dee = people("ann", "ben", "cy", "dee")
    northwind = organization(ann)
    used = invite(ann, northwind, ben)["token"]
    accept(ben, used)
    expired = invite(ann, northwind, cy)["token"]
    admin.execute(
        "update public.organization_invitations set expires_at = now() where organization_id = %s",
        (northwind,),
    )
    revoked = ann.call(
        "invite_to_organization",
        organization_id=organization(ann),
        email=address(cy),
        role="member",
    )
    ann.call("revoke_invitation", invitation_id=revoked["invitation_id"])
    for_another = invite(ann, northwind, dee)["token"]
    expected = refusal(cy, "accept_invitation", token="A" * 43)
    assert (expected[0], expected[2]) == ("PT404", '{"code": "invitation_not_found"}')

    tokens = (used, expired, revoked["token"], for_another, "", None, "ä" * 43, "A" * 10_000_000)
    for token in tokens:
        assert refusal(cy, "accept_invitation", token=token) == expected
    assert members(ann, northwind) == {ann.id: "owner", ben.id: "member"}
    accept(dee, for_another)


def test_a_token_of_a_link_is_none_of_an_invitation(people, organization, composition, invite):
    ann, ben = people("ann", "ben")
    link = ann.call("create_share_link", composition_id=composition(ann).id, role="viewer")
    with refused("PT404", code="invitation_not_found"):
        accept(ben, link["token"])
    with refused("PT404", code="link_not_found"):
        ben.call("open_share_link", token=invite(ann, organization(ann), ben)["token"])


@pytest.mark.parametrize("role", ["member", "admin", "owner"])
def test_a_member_keeps_their_role_and_the_invitation_stays(people, organization, invite, role):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "admin"})
    token = invite(ann, northwind, ben, role)["token"]

    with refused("PT409", code="already_member"):
        accept(ben, token)

    assert members(ann, northwind)[ben.id] == "admin"
    assert len(ann.call("list_invitations", organization_id=northwind)) == 1


@pytest.mark.parametrize("how", ["leaves", "is removed"])
def test_the_end_of_a_membership_ends_an_open_invitation_of_the_same_person(
    people, organization, invite, how
):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "member"})
    token, of_another = (
        invite(ann, northwind, ben, "owner")["token"],
        invite(ann, northwind, cy)["token"],
    )

    if how == "leaves":
        ben.call("leave_organization", organization_id=northwind)
    else:
        remove(ann, northwind, ben.id)

    with refused("PT404", code="invitation_not_found"):
        accept(ben, token)
    accept(cy, of_another)
    assert members(ann, northwind) == {ann.id: "owner", cy.id: "member"}
    accept(ben, invite(ann, northwind, ben)["token"])


@pytest.mark.parametrize(
    ("role", "left_with", "accepted"),
    [
        ("owner", "owner", True),
        ("owner", "admin", False),
        ("owner", "member", False),
        ("admin", "admin", False),
        ("member", "admin", True),
        ("member", "member", False),
        ("member", "nothing", False),
        ("member", "no account", False),
    ],
)
def test_an_invitation_is_worth_what_its_maker_may_still_do(
    people, organization, invite, admin, role, left_with, accepted
):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "owner"})
    token = invite(ben, northwind, cy, role)["token"]

    if left_with == "no account":
        admin.execute("delete from auth.users where id = %s", (ben.id,))
    elif left_with == "nothing":
        remove(ann, northwind, ben.id)
    else:
        demote(ann, northwind, ben.id, left_with)

    if accepted:
        assert accept(cy, token)["role"] == role
    else:
        with refused("PT404", code="invitation_not_found"):
            accept(cy, token)
        assert cy.id not in members(ann, northwind)


def test_nobody_rises_or_returns_by_an_invitation_of_their_own_to_another_address(
    people, organization, invite
):
    ann, ben, ben_again = people("ann", "ben", "ben")
    northwind = organization(ann, {ben: "owner"})
    token = invite(ben, northwind, ben_again, "owner")["token"]

    demote(ann, northwind, ben.id)
    with refused("PT404", code="invitation_not_found"):
        accept(ben_again, token)
    remove(ann, northwind, ben.id)
    with refused("PT404", code="invitation_not_found"):
        accept(ben_again, token)

    assert members(ann, northwind) == {ann.id: "owner"}


def test_nobody_accepts_without_an_account(people, organization, invite, anon):
    ann, ben = people("ann", "ben")
    token = invite(ann, organization(ann), ben)["token"]
    with refused("42501"):
        accept(anon, token)
    ben.claims.pop("sub")
    with refused("PT401", code="not_signed_in"):
        accept(ben, token)


def test_two_devices_that_accept_at_once_make_one_membership(people, organization, invite, twin):
    ann, ben = people("ann", "ben")
    phone = twin(ben)
    northwind = organization(ann)
    token = invite(ann, northwind, ben)["token"]

    with refused("PT404", code="invitation_not_found"):
        in_turn(ben, lambda: accept(ben, token), phone, lambda: accept(phone, token))

    assert members(ann, northwind) == {ann.id: "owner", ben.id: "member"}


def test_of_two_accounts_with_one_address_one_accepts(people, organization, invite, address, admin):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann)
    token = invite(ann, northwind, ben)["token"]
    admin.execute("update auth.users set email = %s where id = %s", (address(ben), cy.id))

    with refused("PT404", code="invitation_not_found"):
        in_turn(ben, lambda: accept(ben, token), cy, lambda: accept(cy, token))

    assert members(ann, northwind) == {ann.id: "owner", ben.id: "member"}


@pytest.mark.parametrize("how", ["demoted", "removed", "revoked", "replaced", "added"])
def test_who_waited_for_the_end_of_the_invitation_stays_out(
    people, organization, invite, how, address
):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "admin"})
    token = invite(ben, northwind, cy)["token"]
    (invitation,) = ann.call("list_invitations", organization_id=northwind)

    def end():
        if how == "demoted":
            demote(ann, northwind, ben.id)
        elif how == "removed":
            remove(ann, northwind, ben.id)
        elif how == "revoked":
            ann.call("revoke_invitation", invitation_id=invitation["invitation_id"])
        elif how == "replaced":
            invite(ann, northwind, cy, "owner")["token"]
        else:
            ann.call(
                "add_organization_member",
                organization_id=northwind,
                user_id=cy.id,
                role="member",
            )

    code = ("PT409", "already_member") if how == "added" else ("PT404", "invitation_not_found")
    with refused(code[0], code=code[1]):
        in_turn(ann, end, cy, lambda: accept(cy, token))

    assert members(ann, northwind).get(cy.id) == ("member" if how == "added" else None)


def test_who_demotes_waits_for_who_is_accepting(people, organization, invite):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "owner"})
    token = invite(ben, northwind, cy, "owner")["token"]

    in_turn(cy, lambda: accept(cy, token), ann, lambda: demote(ann, northwind, ben.id))

    assert members(ann, northwind) == {ann.id: "owner", ben.id: "member", cy.id: "owner"}


def test_who_waited_for_the_last_member_to_leave_finds_no_organisation(
    people, organization, invite, admin
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann)
    token = invite(ann, northwind, ben)["token"]

    with refused("PT404", code="invitation_not_found"):
        in_turn(
            ann,
            lambda: ann.call("leave_organization", organization_id=northwind),
            ben,
            lambda: accept(ben, token),
        )

    assert admin.execute(
        "select count(*) from public.organizations where id = %s", (northwind,)
    ).fetchone() == (0,)


def test_the_last_owner_who_waited_for_a_new_member_may_not_leave(people, organization, invite):
    ann, ben = people("ann", "ben")
    northwind = organization(ann)
    token = invite(ann, northwind, ben)["token"]

    with refused("PT409", code="last_owner"):
        in_turn(
            ben,
            lambda: accept(ben, token),
            ann,
            lambda: ann.call("leave_organization", organization_id=northwind),
        )

    assert members(ann, northwind) == {ann.id: "owner", ben.id: "member"}


def test_who_waited_for_the_account_of_the_maker_to_go_stays_out(
    people, organization, invite, admin
):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "admin"})
    token = invite(ben, northwind, cy)["token"]

    with ThreadPoolExecutor(1) as pool:
        with admin.transaction():
            admin.execute("delete from auth.users where id = %s", (ben.id,))
            waiting = pool.submit(accept, cy, token)
            wait_until_blocked(admin, cy.connection)
        with refused("PT404", code="invitation_not_found"):
            waiting.result(10)

    assert members(ann, northwind) == {ann.id: "owner"}


def test_an_organisation_passes_to_who_accepted_while_the_last_account_went(
    people, organization, invite, postgres
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann)
    token = invite(ann, northwind, ben)["token"]
    other = psycopg.connect(postgres.url("supabase_admin"), autocommit=True)

    with ThreadPoolExecutor(1) as pool, other:
        with ben.transaction():
            accept(ben, token)
            waiting = pool.submit(other.execute, "delete from auth.users where id = %s", (ann.id,))
            wait_until_blocked(ben.connection, other)
        waiting.result(10)

    assert members(ben, northwind) == {ben.id: "owner"}


def test_who_is_not_invited_is_refused_without_waiting_for_anyone(people, organization, invite):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "member"})
    cy.connection.execute("set lock_timeout = '1s'")
    token = invite(ann, northwind, ben)["token"]

    with ann.transaction():
        demote(ann, northwind, ben.id, "admin")
        with refused("PT404", code="invitation_not_found"):
            accept(cy, token)
