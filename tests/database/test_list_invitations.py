import pytest

from tests.people import NOBODY, refused


def invite(person, organization_id, email, role="member"):
    return person.call(
        "invite_to_organization", organization_id=organization_id, email=email, role=role
    )


def invitations(person, organization_id):
    return person.call("list_invitations", organization_id=organization_id)


@pytest.mark.parametrize("role", ["admin", "owner"])
def test_admins_and_owners_see_all_of_them_oldest_first_and_never_a_token(
    people, organization, admin, role
):
    ann, ben = people("ann", "ben")
    northwind, other = organization(ann, {ben: role}), organization(ann)
    made = [invite(ann, northwind, f"{n}@example.com", n) for n in ("owner", "member")]
    invite(ann, other, "else@example.com")
    admin.execute(
        """
        update public.organization_invitations set expires_at = '2020-01-01 00:00:00+00'
         where id = %s
        """,
        (made[0]["invitation_id"],),
    )

    listed = invitations(ben, northwind)

    assert [row["invitation_id"] for row in listed] == [row["invitation_id"] for row in made]
    assert listed[0]["expires_at"].startswith("2020"), "expired ones included"
    for row, whole in zip(listed, made, strict=True):
        assert row.keys() == whole.keys() - {"token"}
        assert whole["token"] not in str(row)


def test_members_and_strangers_do_not_see_them(people, organization, admin, anon):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "member"})
    invite(ann, northwind, "dora@example.com")

    with refused("PT403", code="organization_role_too_low", role="member", required="admin"):
        invitations(ben, northwind)
    for organization_id in (northwind, NOBODY, None):
        with refused("PT404", code="organization_not_found"):
            invitations(cy, organization_id)
    with refused("42501"):
        invitations(anon, northwind)
    ann.claims.pop("sub")
    with refused("PT401", code="not_signed_in"):
        invitations(ann, northwind)


def test_none_is_an_empty_list(people, organization):
    (ann,) = people("ann")
    assert invitations(ann, organization(ann)) == []
