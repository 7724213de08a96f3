"""The policy matrix of organization_invitations: dashes only."""

import psycopg
import pytest


def test_nobody_reads_or_writes(around, all_denied):
    around.people["owner"].call(
        "invite_to_organization",
        organization_id=around.organization_id,
        email="dora@example.com",
        role="member",
    )
    statements = (
        "select email from organization_invitations",
        "select count(*) from organization_invitations",
        "insert into organization_invitations (email) values ('a@b') returning 1",
        "update organization_invitations set role = 'owner' returning 1",
        "delete from organization_invitations returning 1",
    )
    all_denied(around.people, statements)


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"role": "king"}, "organization_invitations_role_known"),
        ({"email": "Dora@example.com"}, "organization_invitations_email_valid"),
        ({"email": "dora"}, "organization_invitations_email_valid"),
        ({"token_hash": b"\0"}, "organization_invitations_token_hash_length"),
        ({"email": "first@example.com"}, "organization_invitations_email_once"),
        ({}, "organization_invitations_token_hash_once"),
    ],
)
def test_a_row_keeps_its_rules(around, admin, changes, constraint):
    insert = """
        insert into public.organization_invitations
          (organization_id, email, role, token_hash, expires_at, created_by)
        values (%(organization)s, %(email)s, %(role)s, %(token_hash)s, now(), %(created_by)s)
    """
    values = {
        "organization": around.organization_id,
        "email": "second@example.com",
        "role": "member",
        "token_hash": bytes(32),
        "created_by": around.people["owner"].id,
    }
    with admin.transaction(force_rollback=True):
        admin.execute(insert, values | {"email": "first@example.com"})
        with pytest.raises(psycopg.errors.IntegrityError) as caught:
            admin.execute(insert, values | changes)
        assert caught.value.diag.constraint_name == constraint


def test_invitations_go_with_their_organisation(people, organization, admin):
    (ann,) = people("ann")
    northwind = organization(ann)
    ann.call(
        "invite_to_organization", organization_id=northwind, email="d@example.com", role="member"
    )

    ann.call("leave_organization", organization_id=northwind)

    assert admin.execute(
        "select count(*) from public.organization_invitations where organization_id = %s",
        (northwind,),
    ).fetchone() == (0,)
