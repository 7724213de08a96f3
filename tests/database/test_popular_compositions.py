import datetime

import pytest
from psycopg.types.json import Jsonb

from tests.people import refused

TODAY = datetime.datetime.now(datetime.UTC).date()


@pytest.fixture(autouse=True)
def nothing_loaded_yet(admin):
    admin.execute("truncate public.composition_usage")


@pytest.fixture
def load(service_role):
    """Count loads of compositions: `load((piece, 3), …)`, some days ago."""

    def report(*counts, days_ago=0, hits=0):
        day = str(TODAY - datetime.timedelta(days=days_ago))
        entries = [
            {"composition_id": piece.id, "loads": loads, "hits": hits, "day": day}
            for piece, loads in counts
        ]
        service_role.call("record_usage", entries=Jsonb(entries))

    return report


def popular(job, **arguments):
    return [
        (row["composition_id"], row["loads"])
        for row in job.call("popular_compositions", **arguments)
    ]


def test_the_most_loaded_come_first_with_what_a_cache_needs(
    people, composition, service_role, load
):
    (ann,) = people("ann")
    few, many = composition(ann), composition(ann)
    load((few, 2), (many, 3), hits=1)
    load((few, 1), (many, 3), days_ago=6, hits=1)
    head = ann.call("load_composition", composition_id=many.id)

    rows = service_role.call("popular_compositions")

    assert [row["composition_id"] for row in rows] == [many.id, few.id]
    assert rows[0] == {
        "composition_id": many.id,
        "loads": 6,
        "hits": 2,
        "current_version": 1,
        "content_hash": head["content_hash"],
    }


def test_of_equals_the_smaller_id_comes_first(people, composition, service_role, load):
    (ann,) = people("ann")
    pieces = [composition(ann) for _ in range(5)]
    load(*((piece, 1) for piece in pieces))
    ids = sorted(piece.id for piece in pieces)
    assert popular(service_role) == [(id, 1) for id in ids]
    assert popular(service_role, row_limit=2) == [(id, 1) for id in ids[:2]]


def test_only_the_last_days_count(people, composition, service_role, load):
    (ann,) = people("ann")
    old, new = composition(ann), composition(ann)
    load((old, 9), days_ago=7)
    load((new, 1), days_ago=6)
    assert popular(service_role) == [(new.id, 1)]
    assert popular(service_role, days=8) == [(old.id, 9), (new.id, 1)]
    assert popular(service_role, days=6) == popular(service_role, days=1) == []
    assert popular(service_role, days=400) == [(old.id, 9), (new.id, 1)]


def test_nothing_of_the_trash_and_nothing_that_nobody_loaded(
    people, composition, service_role, load
):
    (ann,) = people("ann")
    trashed, idle, used = (composition(ann) for _ in range(3))
    load((trashed, 9), (idle, 0), (used, 1))
    ann.call("delete_composition", composition_id=trashed.id)
    assert popular(service_role) == [(used.id, 1)]

    ann.call("undelete_composition", composition_id=trashed.id)
    assert popular(service_role) == [(trashed.id, 9), (used.id, 1)]


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        *(({"row_limit": row_limit}, "row_limit") for row_limit in (0, 201, -1, None)),
        *(({"days": days}, "days") for days in (0, -1, 401, 2**31 - 1, None)),
    ],
)
def test_what_is_out_of_range_is_refused(service_role, arguments, argument):
    with refused("PT422", code="invalid_argument", argument=argument):
        service_role.call("popular_compositions", **arguments)


def test_people_may_not_ask(around, subtests):
    for who, person in around.people.items():
        with subtests.test(who=who), refused("42501"):
            person.call("popular_compositions")
