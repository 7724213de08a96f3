import datetime
import uuid

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.people import in_turn, refused

TODAY = datetime.datetime.now(datetime.UTC).date()
AN_ID = str(uuid.UUID(int=7))


def record(job, *entries):
    return job.call("record_usage", entries=Jsonb(entries))["recorded"]


def usage(admin: psycopg.Connection, piece):
    return admin.execute(
        "select day, loads, hits from public.composition_usage where composition_id = %s"
        " order by day",
        (piece.id,),
    ).fetchall()


def entry(piece, loads=1, **more):
    return {"composition_id": piece.id, "loads": loads} | more


@pytest.fixture
def piece(people, composition):
    (ann,) = people("ann")
    return composition(ann)


def test_reports_add_up_by_day(piece, service_role, admin):
    yesterday = TODAY - datetime.timedelta(days=1)

    assert record(service_role, entry(piece, 5, hits=3)) == 1
    assert record(service_role, entry(piece, 2), entry(piece, 4, day=str(yesterday))) == 2
    assert record(service_role, entry(piece, 0, hits=None, day=None)) == 1

    assert usage(admin, piece) == [(yesterday, 4, 0), (TODAY, 7, 3)]


def test_one_report_may_name_a_composition_several_times(piece, service_role, admin):
    same = entry(piece, 3) | {"composition_id": piece.id.upper()}
    assert record(service_role, entry(piece, 1, hits=1), same, entry(piece, 2, day=str(TODAY))) == 3
    assert usage(admin, piece) == [(TODAY, 6, 1)]


def test_what_is_gone_is_passed_over(piece, people, composition, service_role, admin):
    (ann,) = people("ann")
    purged = composition(ann)
    ann.call("delete_composition", composition_id=purged.id)
    assert record(service_role, entry(purged), entry(piece)) == 2

    ann.call("purge_composition", composition_id=purged.id)
    unknown = {"composition_id": str(uuid.uuid4()), "loads": 9}
    assert record(service_role, entry(purged), entry(piece), unknown) == 1
    assert usage(admin, piece) == [(TODAY, 2, 0)]
    assert usage(admin, purged) == []


def test_an_empty_report_and_a_full_one_are_taken(piece, service_role, admin):
    assert record(service_role) == 0
    assert record(service_role, *[entry(piece, 999_999_999)] * 1000) == 1000
    assert usage(admin, piece) == [(TODAY, 999_999_999_000, 0)]


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        1,
        "x",
        [],
        {},
        {"loads": 1},
        {"composition_id": AN_ID},
        {"composition_id": None, "loads": 1},
        {"composition_id": 7, "loads": 1},
        {"composition_id": "x", "loads": 1},
        {"composition_id": AN_ID, "loads": 1, "user_id": AN_ID},
        *({"composition_id": AN_ID, "loads": loads} for loads in (None, -1, 0.5, "1", True, [1])),
        {"composition_id": AN_ID, "loads": 1_000_000_000},
        {"composition_id": AN_ID, "loads": 10**100},
        *({"composition_id": AN_ID, "loads": 1, "hits": hits} for hits in (-1, 0.5, "1", False)),
        *(
            {"composition_id": AN_ID, "loads": 1, "day": day}
            for day in (
                20261124,
                "",
                "today",
                "infinity",
                "2026-02-31",
                f"{TODAY} 12:00",
                str(TODAY + datetime.timedelta(days=1)),
                str(TODAY - datetime.timedelta(days=401)),
                "0001-01-01",
            )
        ),
    ],
)
def test_one_wrong_entry_and_nothing_is_recorded(piece, service_role, admin, wrong):
    with refused("PT422", code="invalid_argument", argument="entries", index=1):
        record(service_role, entry(piece), wrong, None)
    assert usage(admin, piece) == []


@pytest.mark.parametrize(
    "entries", [None, {}, "x", 1, [{"composition_id": AN_ID, "loads": 1}] * 1001]
)
def test_a_report_is_a_list_of_at_most_1000(service_role, entries):
    with refused("PT422", code="invalid_argument", argument="entries", index=None):
        service_role.call("record_usage", entries=Jsonb(entries))
    with refused("PT422", code="invalid_argument", argument="entries"):
        service_role.call("record_usage", entries=None)


def test_the_oldest_day_is_kept_and_what_is_older_is_forgotten_in_passing(
    piece, service_role, admin
):
    oldest = TODAY - datetime.timedelta(days=400)
    record(service_role, entry(piece, 1, day=str(oldest)))
    admin.execute(
        """
        insert into public.composition_usage (composition_id, day, loads)
        select %s, current_date - 400 - g, 1 from generate_series(1, 2500) as g
        """,
        (piece.id,),
    )

    record(service_role)
    assert len(usage(admin, piece)) == 501
    record(service_role)
    assert usage(admin, piece) == [(oldest, 1, 0)]


def test_the_setting_says_how_old_counts_get(piece, service_role, setting, admin):
    record(service_role, entry(piece, 1, day=str(TODAY - datetime.timedelta(days=2))))
    setting("usage_days", 1)
    with refused("PT422", code="invalid_argument", index=0):
        record(service_role, entry(piece, 1, day=str(TODAY - datetime.timedelta(days=2))))
    record(service_role)
    assert usage(admin, piece) == []


def test_two_reports_in_opposite_order_wait_for_each_other_in_turn(
    people, composition, service_role, new_job, admin
):
    (ann,) = people("ann")
    pieces = [composition(ann) for _ in range(2)]
    other = new_job()
    there, back = [entry(p) for p in pieces], [entry(p) for p in reversed(pieces)]

    in_turn(
        service_role,
        lambda: service_role.connection.execute("select public.record_usage(%s)", (Jsonb(there),)),
        other,
        lambda: record(other, *back),
    )

    for piece in pieces:
        assert usage(admin, piece) == [(TODAY, 2, 0)]


def test_counts_are_taken_in_the_order_of_ids(people, composition, service_role, admin):
    (ann,) = people("ann")
    pieces = [composition(ann) for _ in range(6)]
    record(service_role, *(entry(p) for p in pieces))
    ids = [p.id for p in pieces]

    # The order in which the rows were written is the order in which they were locked.
    written = admin.execute(
        "select composition_id::text from public.composition_usage where composition_id = any (%s)"
        " order by ctid",
        (ids,),
    ).fetchall()
    assert [id for (id,) in written] == sorted(ids)


def test_what_is_purged_while_a_report_waits_is_passed_over(
    people, composition, piece, service_role, admin
):
    (ben,) = people("ben")
    going = composition(ben)
    ben.call("delete_composition", composition_id=going.id)

    recorded = in_turn(
        ben,
        lambda: ben.call("purge_composition", composition_id=going.id),
        service_role,
        lambda: record(service_role, entry(going), entry(piece)),
    )

    assert recorded == 1
    assert usage(admin, piece) == [(TODAY, 1, 0)]


def test_a_report_holds_no_save_up(people, composition, service_role):
    (ann,) = people("ann")
    piece = composition(ann)
    with service_role.transaction():
        service_role.connection.execute("select public.record_usage(%s)", (Jsonb([entry(piece)]),))
        ann.connection.execute("set lock_timeout = '1s'")
        saved = ann.call(
            "save_version",
            composition_id=piece.id,
            base_version=1,
            document=piece.document | {"ext": {}},
        )
    assert saved["version"] == 2


def test_people_may_not_report(around, subtests):
    for who, person in around.people.items():
        with subtests.test(who=who), refused("42501"):
            record(person, {"composition_id": around.composition_id, "loads": 1})
