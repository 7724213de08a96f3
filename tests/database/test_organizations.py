"""The policy matrices of organizations and organization_members, and of the settings."""

import pytest

from tests.people import refused

MEMBERS = {"member", "admin", "owner"}
EVERYONE = ["stranger", "viewer", "editor", *sorted(MEMBERS)]


@pytest.mark.parametrize("who", EVERYONE)
def test_each_sees_what_the_matrix_says(around, who):
    person = around.people[who]
    organizations = person.rows("select id::text from organizations")
    roles = person.rows("select role from organization_members order by role")

    assert organizations == ([(around.organization_id,)] if who in MEMBERS else [])
    assert [role for (role,) in roles] == (["admin", "member", "owner"] if who in MEMBERS else [])


def test_nobody_writes(around, all_denied):
    statements = (
        "insert into organizations (name) values ('x') returning 1",
        "update organizations set name = 'x' returning 1",
        "delete from organizations returning 1",
        "insert into organization_members (role) values ('owner') returning 1",
        "update organization_members set role = 'owner' returning 1",
        "delete from organization_members returning 1",
        "select 1 from private.settings",
        "update private.settings set value = 1 returning 1",
    )
    all_denied(around.people, statements)


def test_anon_reads_nothing(around):
    for table in ("organizations", "organization_members"):
        with refused("42501"):
            around.people["anon"].rows(f"select 1 from {table}")
