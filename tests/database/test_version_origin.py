from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.database.conftest import one_kind
from tests.people import Json, refused
from tests.samples import small

pytestmark = one_kind

TURN = {"kind": "agent", "agent": "designer", "conversation": "c-1", "turn": "c-1/7"}
KINDS = ["user", "agent", "sync", "import"]
KEYS = ["kind", "agent", "conversation", "turn"]


def calls(piece: Any) -> dict[str, Json]:
    """A call of each function that makes a version, by its name."""
    here = {"composition_id": piece.id}
    return {
        "create_composition": {"title": "New", "document": small(n=2)},
        "fork_composition": here,
        "save_version": here | {"base_version": 1, "document": small(n=2)},
        "restore_version": here | {"version": 1},
    }


def newest(person, written):
    return person.call(
        "get_version", composition_id=written["composition_id"], version=written["version"]
    )


def test_a_version_remembers_the_turn_that_made_it(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)
    facts: Json = {
        "fork_composition": {"forked_from": {"composition_id": piece.id, "version": 1}},
        "restore_version": {"kind": "restore", "version": 1},
    }

    for function, arguments in calls(piece).items():
        version = newest(ann, ann.call(function, **arguments, origin=TURN))
        assert version["origin"] == TURN | facts.get(function, {})
        assert version["author_id"] == ann.id


@pytest.mark.parametrize(
    ("origin", "stored"),
    [
        (None, {"kind": "user"}),
        ({}, {"kind": "user"}),
        *[({"kind": kind}, {"kind": kind}) for kind in KINDS],
        *[({key: "x"}, {"kind": "agent", key: "x"}) for key in KEYS[1:]],
        ({"kind": "user", "turn": "t" * 200}, {"kind": "user", "turn": "t" * 200}),
    ],
)
def test_what_is_not_said_is_filled_in(people, composition, origin, stored):
    (ann,) = people("ann")
    piece = composition(ann)
    saved = ann.call("save_version", **calls(piece)["save_version"], origin=origin)
    assert newest(ann, saved)["origin"] == stored


@pytest.mark.parametrize(
    ("origin", "facts"),
    [
        ({"actor": "ann"}, {"key": "actor", "allowed": KEYS}),
        ({"a" * 300: "ann"}, {"key": "a" * 200, "allowed": KEYS}),
        ({"": "ann"}, {"key": "", "allowed": KEYS}),
        ({"kind": "restore"}, {"key": "kind", "allowed": KINDS}),
        ({"kind": None}, {"key": "kind", "allowed": KINDS}),
        ({"turn": ""}, {"key": "turn"}),
        ({"turn": "t" * 201}, {"key": "turn"}),
        ({"agent": 7}, {"key": "agent"}),
        ({"conversation": ["c-1"]}, {"key": "conversation"}),
        (Jsonb([]), {}),
        (Jsonb("user"), {}),
        (Jsonb(7), {}),
        (Jsonb(None), {}),
    ],
)
def test_an_origin_that_says_anything_else_changes_nothing(people, composition, origin, facts):
    (ann,) = people("ann")
    piece = composition(ann)
    facts = {"code": "invalid_argument", "argument": "origin"} | facts

    for function, arguments in calls(piece).items():
        with refused("PT422", **facts) as detail:
            ann.call(function, **arguments, origin=origin)
        assert detail == facts

    assert ann.rows("select version from composition_versions") == [(1,)]
