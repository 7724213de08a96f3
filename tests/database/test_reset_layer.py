import pytest

from tests.database.conftest import one_kind
from tests.layers import add, fits, lay, shown
from tests.people import NOBODY, refused
from tests.samples import exact, small

pytestmark = one_kind


@pytest.fixture
def layered(people, composition):
    """A composition that ben, who may view it, has changed in many ways."""
    ann, ben = people("ann", "ben")
    rows = [{"id": name, "n": 1, "text": "x" * 50} for name in "abc"]
    piece = composition(
        ann, small(title="t", gone=1, rows=rows, names=["x", "y", "z"], deep={"a": {"b": 1.0}})
    )
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")
    lay(
        ben,
        piece.id,
        add("/body/title", "mine"),
        {"op": "remove", "path": "/body/gone"},
        add("/body/rows/1/n", 2),
        {"op": "remove", "path": "/body/rows/2"},
        add("/body/rows/0", {"id": "d", "n": 4}),
        add("/body/names", ["z", "x", "w"]),
        add("/body/deep/a/b", 1),
        add("/body/new", {"a/b": 1, "c": 2}),
    )
    return ann, ben, piece


CHANGES = [
    "/body/deep/a/b",
    "/body/gone",
    "/body/names/w",
    "/body/names/y",
    "/body/names",
    "/body/new",
    "/body/rows/b/n",
    "/body/rows/c",
    "/body/rows/d",
    "/body/title",
]


def test_its_changes_are_named_by_paths_with_ids(layered):
    _, ben, piece = layered

    assert ben.call("get_layer", composition_id=piece.id)["changes"] == CHANGES


def test_everything_is_taken_back_byte_for_byte(layered):
    _, ben, piece = layered

    layer = ben.call("reset_layer", composition_id=piece.id)

    assert (layer["state"], layer["changes"]) == ("none", [])
    loaded = ben.call("load_composition", composition_id=piece.id)
    assert loaded == ben.call("load_composition", composition_id=piece.id, layered=False)
    assert ben.call("reset_layer", composition_id=piece.id)["state"] == "none", "again is no fault"


@pytest.mark.parametrize("order", [1, -1])
def test_the_last_change_that_is_taken_back_takes_the_layer_along(layered, order):
    _, ben, piece = layered
    while changes := ben.call("get_layer", composition_id=piece.id)["changes"]:
        before = shown(ben, piece.id)
        layer = ben.call("reset_layer", composition_id=piece.id, paths=changes[::order][:1])
        assert exact(shown(ben, piece.id)) != exact(before)
        assert len(layer["changes"]) <= len(changes)

    plain = ben.call("load_composition", composition_id=piece.id, layered=False)
    assert ben.call("load_composition", composition_id=piece.id) == plain
    assert repr(plain["document"]["body"]["deep"]) == "{'a': {'b': 1.0}}"


def test_a_path_takes_back_what_is_at_it_and_below_it(layered):
    _, ben, piece = layered

    ben.call(
        "reset_layer", composition_id=piece.id, paths=["/body/rows", "/body/names", "/body/new/c"]
    )

    assert ben.call("get_layer", composition_id=piece.id)["changes"] == [
        "/body/deep/a/b",
        "/body/gone",
        "/body/new",
        "/body/title",
    ]
    body = shown(ben, piece.id)
    assert [row["id"] for row in body["rows"]] == ["a", "b", "c"]
    assert body["new"] == {"a/b": 1}


def test_a_conflict_is_taken_back_by_its_path(layered):
    ann, ben, piece = layered
    document = ann.call("load_composition", composition_id=piece.id)["document"]
    del document["body"]["rows"][1]
    document["body"]["title"] = document["body"]["new"] = {"a/b": 3}
    ann.call("save_version", composition_id=piece.id, base_version=1, document=document)
    layer = ben.call("get_layer", composition_id=piece.id)
    assert layer["paths"] == ["/body/new/a~1b", "/body/rows/b", "/body/title"]

    ben.call("reset_layer", composition_id=piece.id, paths=layer["paths"])

    assert fits(ben, piece.id) == [("me", "applied", [])]


@pytest.mark.parametrize(
    "paths", [["/body/rows/a"], ["/body/title", "/bod"], ["/body/names/0"], ["/body/new/x"]]
)
def test_what_is_no_change_is_refused_with_what_is(layered, paths):
    _, ben, piece = layered

    with refused("PT404", code="layer_path_not_found", index=len(paths) - 1, paths=CHANGES):
        ben.call("reset_layer", composition_id=piece.id, paths=paths)

    assert ben.call("get_layer", composition_id=piece.id)["changes"] == CHANGES


@pytest.mark.parametrize("paths", [[None], ["/body/title"] * 501])
def test_paths_that_are_none_are_refused(layered, paths):
    _, ben, piece = layered
    with refused("PT422", code="invalid_argument", argument="paths"):
        ben.call("reset_layer", composition_id=piece.id, paths=paths)


def test_parts_that_need_each_other_go_together(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")
    text = {"component": "Text", "text": "mine"}
    lay(ben, piece.id, add("/components/mine", text), add("/components/root/children/-", "mine"))
    changes = ["/components/mine", "/components/root/children/mine"]
    assert ben.call("get_layer", composition_id=piece.id)["changes"] == changes

    for path in changes:
        with refused("PT422", code="invalid_document"):
            ben.call("reset_layer", composition_id=piece.id, paths=[path])
    assert ben.call("reset_layer", composition_id=piece.id, paths=changes)["state"] == "none"


def test_a_layer_of_nobody_is_not_found(layered):
    _, ben, _ = layered
    with refused("PT404", code="composition_not_found"):
        ben.call("reset_layer", composition_id=NOBODY)
