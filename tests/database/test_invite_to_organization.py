import hashlib
import re
from datetime import datetime, timedelta

import pytest

from tests.people import NOBODY, in_turn, refused


def invite(person, organization_id, email="dora@example.com", role="member"):
    return person.call(
        "invite_to_organization", organization_id=organization_id, email=email, role=role
    )


def invitations(person, organization_id):
    return person.call("list_invitations", organization_id=organization_id)


def test_a_token_is_shown_once_and_only_its_hash_is_kept(people, organization, admin):
    (ann,) = people("ann")
    northwind = organization(ann)

    made = invite(ann, northwind, "Dora@Example.com")

    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", made["token"])
    assert invitations(ann, northwind) == [
        {
            "invitation_id": made["invitation_id"],
            "organization_id": northwind,
            "email": "dora@example.com",
            "role": "member",
            "expires_at": made["expires_at"],
            "created_by": ann.id,
            "created_at": made["created_at"],
        }
    ]
    assert datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(
        made["created_at"]
    ) == timedelta(days=7)
    (row,) = admin.execute(
        "select to_jsonb(i), token_hash from public.organization_invitations as i where id = %s",
        (made["invitation_id"],),
    ).fetchall()
    assert row[1] == hashlib.sha256(made["token"].encode()).digest()
    assert made["token"] not in str(row[0])


def test_owners_invite_to_any_role_and_admins_members(people, organization):
    ann, ben, cy, dee = people("ann", "ben", "cy", "dee")
    northwind = organization(ann, {ben: "admin", cy: "member"})

    for role in ("owner", "admin", "member"):
        assert invite(ann, northwind, f"{role}@example.com", role)["role"] == role
        with refused("PT403", code="organization_role_too_low", role="member"):
            invite(cy, northwind, role=role)
        for organization_id in (northwind, NOBODY, None):
            with refused("PT404", code="organization_not_found"):
                invite(dee, organization_id, role=role)
    for role in ("owner", "admin"):
        with refused("PT403", code="organization_role_too_low", role="admin", required="owner"):
            invite(ben, northwind, role=role)
    invite(ben, northwind, "ben@example.com")

    assert [made["email"] for made in invitations(ann, northwind)] == [
        "owner@example.com",
        "admin@example.com",
        "member@example.com",
        "ben@example.com",
    ]


@pytest.mark.parametrize(
    "email",
    [
        "",
        "dora",
        "@example.com",
        "dora@",
        "dora@example@com",
        "do ra@example.com",
        " dora@example.com",
        "dora@example.com\n",
        "dora@example.com\r\nBcc: all@example.com",
        "dora@example.com\x01",
        "d" * 310 + "@example.com",
    ],
    ids=lambda email: repr(email[:12]),
)
def test_what_is_no_address_is_refused(people, organization, email):
    (ann,) = people("ann")
    northwind = organization(ann)

    with refused(
        "PT422", code="invalid_argument", constraint="organization_invitations_email_valid"
    ):
        invite(ann, northwind, email)

    assert invitations(ann, northwind) == []


def test_an_address_of_any_size_is_refused_unread(people, organization):
    (ann,) = people("ann")
    ann.connection.execute("set statement_timeout = 0")
    northwind = organization(ann)
    with refused(
        "PT422", code="invalid_argument", constraint="organization_invitations_email_valid"
    ):
        ann.rows(
            """
            select invite_to_organization(%s::uuid, repeat(repeat('D', 1000), 300000), 'member')
            """,
            northwind,
        )


def test_the_longest_address_and_an_unusual_one_are_taken(people, organization):
    (ann,) = people("ann")
    northwind = organization(ann)
    for email in ("d" * 308 + "@example.com", "a@b", "dörte+x'y@bücher.example"):
        assert invite(ann, northwind, email)["email"] == email


def test_a_role_must_be_known_and_nothing_null(people, organization):
    (ann,) = people("ann")
    northwind = organization(ann)

    for role in ("king", ""):
        with refused(
            "PT422", code="invalid_argument", constraint="organization_invitations_role_known"
        ):
            invite(ann, northwind, role=role)
    with refused("PT422", code="invalid_argument", argument="role"):
        invite(ann, northwind, role=None)
    with refused("PT422", code="invalid_argument", argument="email"):
        invite(ann, northwind, email=None)

    assert invitations(ann, northwind) == []


def test_inviting_again_replaces_the_invitation(people, organization, address):
    ann, ben = people("ann", "ben")
    northwind = organization(ann)
    first = invite(ann, northwind, address(ben))

    second = invite(ann, northwind, address(ben).upper(), "admin")

    assert [made["invitation_id"] for made in invitations(ann, northwind)] == [
        second["invitation_id"]
    ]
    with refused("PT404", code="invitation_not_found"):
        ben.call("accept_invitation", token=first["token"])
    assert ben.call("accept_invitation", token=second["token"])["role"] == "admin"


def test_an_admin_replaces_no_invitation_that_took_an_owner(people, organization, address):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "admin"})
    made = invite(ann, northwind, address(cy), "owner")

    with refused("PT403", code="organization_role_too_low", required="owner"):
        invite(ben, northwind, address(cy), "member")

    assert cy.call("accept_invitation", token=made["token"])["role"] == "owner"


def test_the_same_address_is_invited_to_two_organisations(people, organization, address):
    ann, ben = people("ann", "ben")
    tokens = [invite(ann, organization(ann), address(ben))["token"] for _ in range(2)]
    for token in tokens:
        ben.call("accept_invitation", token=token)
    assert len(ben.rows("select id from organizations")) == 2


def test_the_answer_does_not_tell_whether_there_is_an_account(people, organization, address):
    ann, ben = people("ann", "ben")
    northwind = organization(ann)

    stranger, somebody = invite(ann, northwind), invite(ann, northwind, address(ben))

    varying = ("invitation_id", "email", "created_at", "expires_at", "token")
    for key in varying:
        assert type(stranger.pop(key)) is type(somebody.pop(key))
    assert stranger == somebody
    member = invite(ann, northwind, address(ann))
    assert member["role"] == "member", "nor whether it is a member's"


def fill(admin, organization_id, inviter, count):
    admin.execute(
        """
        insert into public.organization_invitations
          (organization_id, email, role, token_hash, expires_at, created_by)
        select %s, n || '@example.org', 'member',
               sha256(convert_to(%s::text || n, 'UTF8')), '2020-01-01', %s
          from generate_series(1, %s) as n
        """,
        (organization_id, organization_id, inviter.id, count),
    )


def test_an_organisation_has_a_thousand_invitations(people, organization, admin):
    (ann,) = people("ann")
    northwind, other = organization(ann), organization(ann)
    fill(admin, northwind, ann, 999)
    last = invite(ann, northwind)

    with refused("PT403", code="quota_exceeded", quota=1000):
        invite(ann, northwind, "eve@example.com")

    invite(ann, northwind)  # takes the place of the one before
    invite(ann, other)
    assert len(invitations(ann, northwind)) == 1000
    with refused("PT404", code="invitation_not_found"):
        ann.call("revoke_invitation", invitation_id=last["invitation_id"])


def test_two_at_once_do_not_both_take_the_last_place(people, organization, admin):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "admin"})
    fill(admin, northwind, ann, 999)

    with refused("PT403", code="quota_exceeded"):
        in_turn(
            ann,
            lambda: invite(ann, northwind, "dora@example.com"),
            ben,
            lambda: invite(ben, northwind, "eve@example.com"),
        )


def test_two_who_invite_the_same_address_at_once_leave_one_invitation(people, organization):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "admin"})

    second = in_turn(ann, lambda: invite(ann, northwind), ben, lambda: invite(ben, northwind))

    (left,) = invitations(ann, northwind)
    assert left["invitation_id"] == second["invitation_id"]


def test_who_waited_for_their_own_demotion_invites_nobody(people, organization):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "owner"})

    with refused("PT403", code="organization_role_too_low", role="member"):
        in_turn(
            ann,
            lambda: ann.call(
                "set_organization_role", organization_id=northwind, user_id=ben.id, role="member"
            ),
            ben,
            lambda: invite(ben, northwind, role="owner"),
        )

    assert invitations(ann, northwind) == []


def test_nobody_invites_without_an_account(people, organization, admin, anon):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "owner"})
    with refused("42501"):
        invite(anon, northwind)
    ann.claims.pop("sub")
    with refused("PT401", code="not_signed_in"):
        invite(ann, northwind)
