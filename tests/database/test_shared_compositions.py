"""The policy matrix of shared_compositions."""

import pytest

from tests.people import refused

EVERYONE = ["stranger", "viewer", "editor", "member", "admin", "owner"]


@pytest.mark.parametrize("who", EVERYONE)
def test_select(around, who):
    expected = {
        "viewer": ["viewer"],
        "editor": ["editor"],
        "admin": ["editor", "viewer"],
        "owner": ["editor", "viewer"],
    }
    rows = around.people[who].rows("select role from shared_compositions order by role")
    assert [role for (role,) in rows] == expected.get(who, [])


def test_nobody_writes(around, all_denied):
    statements = (
        "insert into shared_compositions (role) values ('editor') returning 1",
        "update shared_compositions set role = 'editor' returning 1",
        "update shared_compositions set expires_at = null returning 1",
        "delete from shared_compositions returning 1",
    )
    all_denied(around.people, statements)


def test_anon_reads_nothing(around):
    with refused("42501"):
        around.people["anon"].rows("select 1 from shared_compositions")
