"""The policy matrix of shared_compositions."""

import hashlib

import psycopg
import pytest

from tests.people import refused

EVERYONE = ["stranger", "viewer", "editor", "member", "admin", "owner"]


@pytest.mark.parametrize("who", EVERYONE)
def test_each_sees_what_the_matrix_says(around, who):
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


@pytest.mark.parametrize("who", EVERYONE)
def test_only_owners_select_a_link(around, who):
    token = around.people["owner"].call(
        "create_share_link", composition_id=around.composition_id, role="viewer"
    )["token"]

    rows = around.people[who].rows(
        "select token_hash from shared_compositions where token_hash is not null"
    )

    expected = [(hashlib.sha256(token.encode()).digest(),)]
    assert rows == (expected if who in ("admin", "owner") else [])


@pytest.mark.parametrize(
    ("columns", "constraint"),
    [
        ("null, null, null, null", "shared_compositions_one_grantee"),
        ("null, null, sha256('a'), null", None),
        ("%(id)s, null, sha256('a'), null", "shared_compositions_one_grantee"),
        ("null, null, '\\x00', null", "shared_compositions_token_hash_length"),
        ("null, null, sha256('a'), %(share)s", "shared_compositions_link_id_of_person"),
        ("%(id)s, null, null, null", "shared_compositions_grantee_once"),
        ("%(id)s, null, null, %(share)s", None),
        ("%(id)s, null, null, %(id)s", "shared_compositions_link_id_fkey"),
    ],
)
def test_a_row_is_for_one_grantee_once(around, admin, columns, constraint):
    viewer = around.people["viewer"].id
    (share,) = admin.execute(
        "select id from public.shared_compositions where user_id = %s", (viewer,)
    ).fetchone()
    insert = f"""
        insert into public.shared_compositions
          (composition_id, role, user_id, organization_id, token_hash, link_id)
        values (%(composition)s, 'viewer', {columns})
    """
    values = {"composition": around.composition_id, "id": viewer, "share": share}
    with admin.transaction(force_rollback=True):
        if constraint is None:
            admin.execute(insert, values)
        else:
            with pytest.raises(psycopg.errors.IntegrityError) as caught:
                admin.execute(insert, values)
            assert caught.value.diag.constraint_name == constraint
