"""The policy matrix of composition_usage."""

import pytest
from psycopg.types.json import Jsonb

from tests.people import refused

OWNERS = {"admin", "owner"}
EVERYONE = ["stranger", "viewer", "editor", "member", "admin", "owner"]


@pytest.fixture(autouse=True)
def loaded(around, service_role):
    entries = [{"composition_id": around.composition_id, "loads": 3, "hits": 2}]
    service_role.call("record_usage", entries=Jsonb(entries))


@pytest.mark.parametrize("who", EVERYONE)
def test_each_sees_what_the_matrix_says(around, who):
    seen = around.people[who].rows(
        "select composition_id::text, loads, hits from composition_usage"
    )
    assert seen == ([(around.composition_id, 3, 2)] if who in OWNERS else [])


def test_an_owner_sees_the_counts_of_their_own_compositions_only(
    people, composition, around, service_role
):
    (ann,) = people("ann")
    piece = composition(ann)
    entries = [{"composition_id": piece.id, "loads": 1}]
    service_role.call("record_usage", entries=Jsonb(entries))
    assert ann.rows("select composition_id::text from composition_usage") == [(piece.id,)]


def test_in_the_trash_they_are_there_for_nobody(around):
    owner = around.people["owner"]
    owner.call("delete_composition", composition_id=around.composition_id)
    for who in EVERYONE:
        assert around.people[who].rows("select 1 from composition_usage") == []

    owner.call("undelete_composition", composition_id=around.composition_id)
    assert owner.rows("select loads from composition_usage") == [(3,)]


def test_they_go_with_their_composition(around, admin):
    owner = around.people["owner"]
    owner.call("delete_composition", composition_id=around.composition_id)
    owner.call("purge_composition", composition_id=around.composition_id)
    left = admin.execute(
        "select count(*) from public.composition_usage where composition_id = %s",
        (around.composition_id,),
    ).fetchone()
    assert left == (0,)


def test_nobody_does_anything_else(around, all_denied):
    statements = (
        "insert into composition_usage (composition_id, day) values (gen_random_uuid(), now())"
        " returning 1",
        "update composition_usage set loads = 0 returning 1",
        "update composition_usage set hits = 0 returning 1",
        "delete from composition_usage returning 1",
    )
    all_denied(around.people, statements)


def test_anon_and_jobs_read_nothing(around, service_role, all_denied):
    both = {"anon": around.people["anon"], "service_role": service_role}
    all_denied(both, ("select 1 from composition_usage", "select count(*) from composition_usage"))


def test_nobody_counts_below_zero(around, admin):
    for column in ("loads", "hits"):
        with refused("23514"):
            admin.execute(f"update public.composition_usage set {column} = -1")
