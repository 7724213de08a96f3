import pytest

from tests.people import NOBODY, in_turn, refusal, refused


def revoke(person, invitation):
    return person.call("revoke_invitation", invitation_id=invitation["invitation_id"])


def test_an_invitation_ends(people, organization, invite):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "admin"})
    made, other = invite(ann, northwind, cy), invite(ann, northwind, ben)

    ended = revoke(ben, made)

    assert ended == {key: value for key, value in made.items() if key != "token"}
    with refused("PT404", code="invitation_not_found"):
        cy.call("accept_invitation", token=made["token"])
    with refused("PT404", code="invitation_not_found"):
        revoke(ben, made)
    (left,) = ann.call("list_invitations", organization_id=northwind)
    assert left["invitation_id"] == other["invitation_id"]


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_only_an_owner_ends_one_that_took_an_owner(people, organization, invite, role):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "admin"})
    made = invite(ann, northwind, cy, role)

    with refused("PT403", code="organization_role_too_low", role="admin", required="owner"):
        revoke(ben, made)

    assert len(ann.call("list_invitations", organization_id=northwind)) == 1
    assert revoke(ann, made)["role"] == role


def test_nobody_else_learns_that_there_is_an_invitation(people, organization, invite, anon):
    ann, ben, cy, dee = people("ann", "ben", "cy", "dee")
    northwind = organization(ann, {ben: "member"})
    organization(dee)
    made = invite(ann, northwind, cy)
    expected = refusal(ann, "revoke_invitation", invitation_id=NOBODY)
    assert (expected[0], expected[2]) == ("PT404", '{"code": "invitation_not_found"}')

    for person in (ben, cy, dee):
        for invitation_id in (made["invitation_id"], NOBODY, None):
            said = refusal(person, "revoke_invitation", invitation_id=invitation_id)
            assert said == expected
    with refused("42501"):
        revoke(anon, made)

    assert cy.call("accept_invitation", token=made["token"])["role"] == "member"
    with refused("PT404", code="invitation_not_found"):
        revoke(ann, made)
    dee.claims.pop("sub")
    with refused("PT401", code="not_signed_in"):
        revoke(dee, made)


def test_who_waited_for_the_invitation_to_be_used_is_too_late(people, organization, invite):
    ann, ben = people("ann", "ben")
    northwind = organization(ann)
    made = invite(ann, northwind, ben)

    with refused("PT404", code="invitation_not_found"):
        in_turn(
            ben,
            lambda: ben.call("accept_invitation", token=made["token"]),
            ann,
            lambda: revoke(ann, made),
        )

    assert len(ann.rows("select user_id from organization_members")) == 2


@pytest.mark.parametrize(
    ("function", "arguments", "sqlstate", "code"),
    [
        ("set_organization_role", {"role": "member"}, "PT403", "organization_role_too_low"),
        ("remove_organization_member", {}, "PT404", "organization_not_found"),
    ],
)
def test_who_waited_for_the_end_of_their_own_right_ends_nothing(
    people, organization, invite, function, arguments, sqlstate, code
):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "admin"})
    made = invite(ann, northwind, cy)

    with refused(sqlstate, code=code):
        in_turn(
            ann,
            lambda: ann.call(function, organization_id=northwind, user_id=ben.id, **arguments),
            ben,
            lambda: revoke(ben, made),
        )

    assert len(ann.call("list_invitations", organization_id=northwind)) == 1
