"""What caches must forget is written down in the same transaction, and nothing else is."""

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.people import refused
from tests.samples import small


@pytest.fixture
def noted(admin):
    """What has been written to the outbox since the last look: ids of compositions and people."""

    def last():
        return admin.execute("select coalesce(max(o.id), 0) from private.cache_outbox as o")

    seen = last().fetchone()[0]

    def look():
        nonlocal seen
        rows = admin.execute(
            "select coalesce(o.composition_id, o.user_id)::text from private.cache_outbox as o"
            " where o.id > %s",
            (seen,),
        ).fetchall()
        seen = last().fetchone()[0]
        return sorted(id for (id,) in rows)

    return look


def test_nobody_reads_or_writes_the_outbox(around, all_denied):
    for table in ("cache_outbox", "secrets"):
        all_denied(
            around.people,
            [
                f"select from private.{table}",
                f"insert into private.{table} default values returning 1",
                f"delete from private.{table} returning 1",
            ],
        )


def test_a_write_through_a_function_notes_its_composition(people, composition, noted):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    assert noted() == [piece.id]

    for function, arguments in [
        ("save_version", {"base_version": 1, "document": small()}),
        ("share_composition", {"user_id": ben.id, "role": "viewer"}),
        ("share_composition", {"user_id": ben.id, "role": "editor"}),
        ("unshare_composition", {"user_id": ben.id}),
        ("delete_composition", {}),
        ("purge_composition", {}),
    ]:
        ann.call(function, composition_id=piece.id, **arguments)
        assert set(noted()) == {piece.id}, function


def test_a_change_of_a_membership_notes_the_person(people, organization, noted):
    ann, ben = people("ann", "ben")
    northwind = organization(ann)
    assert noted() == [ann.id]
    role = {"organization_id": northwind, "user_id": ben.id}

    ann.call("add_organization_member", role="member", **role)
    assert noted() == [ben.id]
    ann.call("set_organization_role", role="admin", **role)
    assert noted() == [ben.id]
    ben.call("leave_organization", organization_id=northwind)
    assert noted() == [ben.id]


def test_what_shows_nobody_anything_else_notes_nothing(
    people, composition, organization, service_role, admin, noted
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    piece = composition(ann)
    share = {"composition_id": piece.id, "user_id": ben.id, "role": "viewer"}
    ann.call("share_composition", **share)
    noted()

    ann.call("share_composition", **share)
    ann.call("create_share_link", composition_id=piece.id, role="viewer")
    ann.call("label_version", composition_id=piece.id, version=1, label="Good")
    ann.call("set_organization_role", organization_id=northwind, user_id=ben.id, role="member")
    service_role.call("record_usage", entries=Jsonb([{"composition_id": piece.id, "loads": 1}]))
    admin.execute(
        "update public.user_compositions set search_text = 'x' where id = %s", (piece.id,)
    )
    admin.execute(
        "update public.shared_compositions set created_by = null where composition_id = %s",
        (piece.id,),
    )
    admin.execute("update public.user_compositions set title = 'x' where false")

    assert noted() == []


def test_a_statement_notes_each_composition_once(people, composition, admin, noted):
    ann, ben, cleo = people("ann", "ben", "cleo")
    pieces = sorted(composition(ann, small()).id for _ in range(3))
    for person in (ben, cleo):
        ann.call("share_composition", composition_id=pieces[0], user_id=person.id, role="viewer")
    noted()

    ann.rows("update user_compositions set title = 'New' returning id")
    assert noted() == pieces
    admin.execute("delete from public.shared_compositions where composition_id = %s", (pieces[0],))
    assert noted() == pieces[:1]


def test_a_pin_notes_whose_it_is(people, organization, composition, noted):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    one, other = (composition(ann, small(), organization_id=northwind) for _ in range(2))
    noted()
    home = {"context": "home"}
    ours = home | {"scope": "organization", "organization_id": northwind}

    for person, scope, told in ((ben, home, [ben.id]), (ann, ours, sorted([ann.id, ben.id]))):
        for piece in (one, other):
            person.call("pin_composition", composition_id=piece.id, **scope)
            assert noted() == told
        person.call("pin_composition", composition_id=other.id, **scope)
        assert noted() == [], "nothing has changed"
        person.rows("update composition_pins set position = position + 1 returning 1")
        assert noted() == told
        person.rows("update composition_pins set position = position returning 1")
        assert noted() == []
        person.call("unpin_composition", **scope)
        assert noted() == told


def test_a_composition_that_goes_notes_for_whom_it_was_pinned(
    people, organization, composition, noted
):
    ann, ben, cleo = people("ann", "ben", "cleo")
    northwind = organization(ann, {ben: "member"})
    piece = composition(ann, small(), organization_id=northwind)
    share = {"composition_id": piece.id, "user_id": cleo.id, "role": "viewer"}
    ann.call("share_composition", **share)
    pin = {"context": "home", "composition_id": piece.id}
    ann.call("pin_composition", **pin, scope="organization")
    cleo.call("pin_composition", **pin)
    ann.call("delete_composition", composition_id=piece.id)
    noted()

    ann.call("purge_composition", composition_id=piece.id)

    assert set(noted()) == {piece.id, ann.id, ben.id, cleo.id}


def test_a_renamed_organisation_notes_its_members(people, organization, admin, noted):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    rename = "update public.organizations set name = %s where id = %s"
    noted()

    admin.execute(rename, ("Acme", northwind))
    assert noted() == sorted([ann.id, ben.id])
    admin.execute(rename, ("Acme", northwind))
    assert noted() == []


def test_a_refused_or_abandoned_write_notes_nothing(people, composition, noted):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    noted()

    with refused("PT404"):
        ben.call("delete_composition", composition_id=piece.id)
    with pytest.raises(psycopg.errors.CheckViolation):
        ann.rows("update user_compositions set title = '' where id = %s returning id", piece.id)

    assert noted() == []


def test_an_account_that_is_deleted_notes_the_person_and_all_that_was_theirs(
    people, composition, organization, admin, noted
):
    ann, ben = people("ann", "ben")
    northwind = organization(ben, {ann: "admin"})
    mine = composition(ann)
    ours = composition(ann, organization_id=northwind)
    theirs = composition(ben)
    ben.call("share_composition", composition_id=theirs.id, user_id=ann.id, role="viewer")
    noted()

    admin.execute("delete from auth.users where id = %s", (ann.id,))

    assert set(noted()) == {ann.id, mine.id, ours.id, theirs.id}


def test_an_account_that_has_nothing_is_noted_too(people, admin, noted):
    (ann,) = people("ann")
    noted()

    admin.execute("delete from auth.users where id = %s", (ann.id,))

    assert noted() == [ann.id]


def test_an_organisation_that_goes_notes_what_was_in_it_and_shared_with_it(
    people, composition, organization, noted
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    ours, theirs = composition(ann, organization_id=northwind), composition(ben)
    share = {"organization_id": northwind, "role": "viewer"}
    ben.call("share_composition", composition_id=theirs.id, **share)
    ben.call("leave_organization", organization_id=northwind)
    noted()

    ann.call("leave_organization", organization_id=northwind)

    assert set(noted()) == {ann.id, ours.id, theirs.id}


def test_what_others_inherit_is_noted(people, composition, organization, noted):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    piece = composition(ben, organization_id=northwind)
    noted()

    ben.call("leave_organization", organization_id=northwind)

    assert set(noted()) == {ben.id, piece.id}
    assert ann.call("load_composition", composition_id=piece.id)["owner_id"] == ann.id


def test_a_row_that_is_inserted_with_its_head_is_noted(people, composition, admin, noted):
    (ann,) = people("ann")
    piece = composition(ann)
    noted()

    with admin.transaction(force_rollback=True):
        (restored,) = admin.execute(
            "insert into public.user_compositions (owner_id, title, current_version, current_hash)"
            " select c.owner_id, c.title, c.current_version, c.current_hash"
            "   from public.user_compositions as c where c.id = %s returning id::text",
            (piece.id,),
        ).fetchone()
        assert noted() == [restored]


def due(admin):
    """Make all of the outbox due now, and of these tests alone."""
    admin.execute("update private.cache_outbox set due_at = now()")


@pytest.fixture
def outbox(admin):
    """An outbox without what other tests wrote."""
    admin.execute("delete from private.cache_outbox")


@pytest.mark.usefixtures("outbox")
def test_a_job_takes_what_is_due_and_acknowledges_it(people, composition, service_role, admin):
    (ann,) = people("ann")
    piece = composition(ann)
    assert service_role.call("pending_invalidations") == [], "the webhook goes first"
    due(admin)

    (taken,) = service_role.call("pending_invalidations")
    assert taken.keys() == {"id", "composition_id", "user_id", "created_at", "attempts"}
    assert (taken["composition_id"], taken["user_id"]) == (piece.id, None)
    assert service_role.call("pending_invalidations") == []

    acknowledge = {"ids": Jsonb([taken["id"], 999999999])}
    assert service_role.call("acknowledge_invalidations", **acknowledge) == {"acknowledged": 1}
    assert service_role.call("acknowledge_invalidations", **acknowledge) == {"acknowledged": 0}
    due(admin)
    assert service_role.call("pending_invalidations") == []


@pytest.mark.usefixtures("outbox")
def test_what_is_not_acknowledged_comes_again_later_and_later(
    people, composition, service_role, admin
):
    (ann,) = people("ann")
    composition(ann)
    waits = []

    for attempt in range(1, 6):
        due(admin)
        (taken,) = service_role.call("pending_invalidations")
        assert taken["attempts"] == attempt
        waits += admin.execute(
            "select round(extract(epoch from o.due_at - clock_timestamp()))::integer"
            "  from private.cache_outbox as o"
        ).fetchone()

    assert waits == [2, 4, 8, 8, 8]


@pytest.mark.usefixtures("outbox")
def test_two_jobs_at_once_share_the_work(people, composition, new_job, admin):
    (ann,) = people("ann")
    pieces = {composition(ann).id for _ in range(2)}
    due(admin)
    one, other = new_job(), new_job()

    with one.transaction():
        one.connection.execute("select public.pending_invalidations(1)")
        (rest,) = other.call("pending_invalidations")

    (first,) = admin.execute(
        "select composition_id::text from private.cache_outbox where id <> %s", (rest["id"],)
    ).fetchone()
    assert {first, rest["composition_id"]} == pieces


@pytest.mark.parametrize("row_limit", [0, 1001, -1, None])
def test_a_job_takes_a_bounded_number(service_role, row_limit):
    with refused("PT422", code="invalid_argument", argument="row_limit"):
        service_role.call("pending_invalidations", row_limit=row_limit)


@pytest.mark.parametrize(
    ("ids", "index"),
    [
        ({}, None),
        ("1", None),
        (None, None),
        ([*range(10001)], None),
        ([1, "2"], 1),
        ([1.5], 0),
        ([-1], 0),
        ([None], 0),
        ([10**18], 0),
        ([[1]], 0),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_are_no_ids_is_refused(service_role, ids, index):
    with refused("PT422", code="invalid_argument", argument="ids") as facts:
        service_role.call("acknowledge_invalidations", ids=Jsonb(ids))
    assert facts.get("index") == index


@pytest.mark.usefixtures("outbox")
def test_what_nobody_ever_took_is_forgotten(people, composition, service_role, admin):
    (ann,) = people("ann")

    def left():
        return admin.execute("select count(*) from private.cache_outbox").fetchone()[0]

    for forget in (
        lambda: service_role.call("pending_invalidations"),
        lambda: service_role.call("purge_trash"),
        lambda: admin.execute("select private.poke_overdue()"),
    ):
        composition(ann)
        admin.execute("update private.cache_outbox set created_at = now() - interval '47 hours'")
        forget()
        assert left() == 1
        admin.execute("update private.cache_outbox set created_at = now() - interval '49 hours'")
        forget()
        assert left() == 0


def test_people_may_not_do_what_jobs_do(around):
    for person in around.people.values():
        with refused("42501"):
            person.call("pending_invalidations")
        with refused("42501"):
            person.call("acknowledge_invalidations", ids=Jsonb([1]))
