"""The policy matrix of composition_pins."""

import psycopg
import pytest

from tests.people import in_turn, refused
from tests.samples import SMALLEST

EVERYONE = ["stranger", "viewer", "editor", "member", "admin", "owner"]


@pytest.fixture
def pinned(around):
    """What the organisation's is, pinned by the organisation, and by the viewer and the member."""
    pin = {"context": "home", "composition_id": around.composition_id}
    around.people["owner"].call("pin_composition", **pin, scope="organization")
    for who in ("viewer", "member"):
        around.people[who].call("pin_composition", **pin)
    return around


@pytest.mark.parametrize("who", EVERYONE)
def test_each_sees_what_the_matrix_says(pinned, who):
    me = pinned.people[who]
    rows = me.rows("select user_id::text, organization_id::text from composition_pins")

    mine, ours = (me.id, None), (None, pinned.organization_id)
    expected = {"viewer": {mine}, "member": {mine, ours}, "admin": {ours}, "owner": {ours}}
    assert set(rows) == expected.get(who, set())


@pytest.mark.parametrize("who", EVERYONE)
def test_each_moves_what_the_matrix_says(pinned, who):
    moved = pinned.people[who].rows(
        "update composition_pins set position = 7"
        " returning coalesce(organization_id, user_id)::text"
    )

    me, ours = pinned.people[who].id, pinned.organization_id
    expected = {"viewer": [me], "member": [me], "admin": [ours], "owner": [ours]}
    assert [id for (id,) in moved] == expected.get(who, [])


def test_nobody_writes_anything_else(pinned, all_denied):
    statements = (
        "insert into composition_pins (context) values ('home') returning 1",
        "insert into composition_pins (position) values (1) returning 1",
        *(
            f"update composition_pins set {column} = {column} returning 1"
            for column in ("id", "user_id", "organization_id", "context", "composition_id")
        ),
        "update composition_pins set created_at = now() returning 1",
        "delete from composition_pins returning 1",
    )
    all_denied(pinned.people, statements)


def test_anon_reads_nothing(pinned):
    with refused("42501"):
        pinned.people["anon"].rows("select 1 from composition_pins")


def test_with_its_composition_in_the_trash_a_pin_is_there_for_nobody(pinned):
    owner = pinned.people["owner"]
    owner.call("delete_composition", composition_id=pinned.composition_id)
    for who in EVERYONE:
        assert pinned.people[who].rows("select 1 from composition_pins") == []
        assert pinned.people[who].call("list_pins") == []

    owner.call("undelete_composition", composition_id=pinned.composition_id)
    assert len(pinned.people["member"].call("list_pins")) == 2


def test_a_pin_is_there_only_for_those_who_may_view_its_composition(
    people, organization, composition, admin
):
    ann, ben = people("ann", "ben")
    northwind, acme = organization(ann, {ben: "member"}), organization(ann)
    piece = composition(ann, SMALLEST, organization_id=northwind)
    ann.call("pin_composition", context="a", composition_id=piece.id, scope="organization")
    ben.call("pin_composition", context="a", composition_id=piece.id)
    assert len(ben.rows("select 1 from composition_pins")) == 2

    ann.call("transfer_composition", composition_id=piece.id, organization_id=acme)

    assert ben.rows("select 1 from composition_pins") == []
    assert len(ann.rows("select 1 from composition_pins")) == 1


def test_who_is_no_admin_any_more_moves_nothing(pinned):
    """Not even when the row was locked while the role was taken away."""
    admin, owner = pinned.people["admin"], pinned.people["owner"]

    def demote():
        owner.connection.execute("update composition_pins set position = 1")
        owner.connection.execute(
            "select public.set_organization_role(%s, %s, 'member')",
            (pinned.organization_id, admin.id),
        )

    moved = in_turn(
        *(owner, demote),
        *(admin, lambda: admin.rows("update composition_pins set position = 2 returning 1")),
    )

    assert moved == []
    assert [pin["position"] for pin in owner.call("list_pins")] == [1]


@pytest.mark.parametrize(
    ("columns", "constraint"),
    [
        ("null, null, 'a'", "composition_pins_one_owner"),
        ("%(user)s, %(organization)s, 'a'", "composition_pins_one_owner"),
        ("%(user)s, null, 'home'", "composition_pins_context_once"),
        ("null, %(organization)s, 'home'", "composition_pins_context_once"),
        ("%(user)s, null, 'Home'", "composition_pins_context_valid"),
        ("%(organization)s, null, 'a'", "composition_pins_user_id_fkey"),
        ("%(user)s, null, 'a'", None),
    ],
)
def test_a_row_is_of_one_owner_once(pinned, admin, columns, constraint):
    values = {
        "user": pinned.people["member"].id,
        "organization": pinned.organization_id,
        "composition": pinned.composition_id,
    }
    insert = f"""
        insert into public.composition_pins (user_id, organization_id, context, composition_id)
        values ({columns}, %(composition)s)
    """
    with admin.transaction(force_rollback=True):
        if constraint is None:
            admin.execute(insert, values)
        else:
            with pytest.raises(psycopg.errors.IntegrityError) as caught:
                admin.execute(insert, values)
            assert caught.value.diag.constraint_name == constraint


def count(admin, **where):
    ((column, value),) = where.items()
    return admin.execute(
        f"select count(*) from public.composition_pins where {column} = %s", (value,)
    ).fetchone()[0]


def test_pins_go_with_what_they_are_of(people, organization, composition, admin):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    ours = composition(ann, SMALLEST, organization_id=northwind)
    theirs = composition(ben, SMALLEST)
    share = {"composition_id": theirs.id, "organization_id": northwind, "role": "viewer"}
    ben.call("share_composition", **share)
    for context, piece in (("a", ours), ("b", theirs)):
        pin = {"context": context, "composition_id": piece.id}
        ann.call("pin_composition", **pin, scope="organization", organization_id=northwind)
        ben.call("pin_composition", **pin)
    assert count(admin, organization_id=northwind) == count(admin, user_id=ben.id) == 2

    ann.call("delete_composition", composition_id=ours.id)
    ann.call("purge_composition", composition_id=ours.id)
    assert count(admin, organization_id=northwind) == count(admin, user_id=ben.id) == 1

    ben.call("leave_organization", organization_id=northwind)
    assert count(admin, user_id=ben.id) == 1, "what is pinned is still theirs"
    ann.call("leave_organization", organization_id=northwind)
    assert count(admin, organization_id=northwind) == 0

    admin.execute("delete from auth.users where id = %s", (ben.id,))
    assert count(admin, user_id=ben.id) == count(admin, composition_id=theirs.id) == 0
