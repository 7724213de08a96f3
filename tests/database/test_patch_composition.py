"""A version by what is to change: whole, or not at all."""

import json
from typing import Any

import pytest

from tests.database.conftest import one_kind
from tests.people import NOBODY, Json, in_turn, refused
from tests.samples import NUMBER_BOMB, sample, small

pytestmark = one_kind


def add(path, value):
    return {"op": "add", "path": path, "value": value}


def patch(person, piece, operations, base_version=1, **arguments):
    return person.call(
        "patch_composition",
        composition_id=piece.id,
        base_version=base_version,
        patch=operations if isinstance(operations, dict) else json.dumps(operations),
        **arguments,
    )


def test_a_patch_becomes_the_head(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)

    patched = patch(
        ann,
        piece,
        [
            {"op": "test", "path": "/components/page-title/text", "value": "Video library"},
            {"op": "replace", "path": "/components/page-title/text", "value": "Leadership"},
        ],
        message="Shorter title",
        origin={"agent": "designer", "turn": "7"},
    )

    loaded = ann.call("load_composition", composition_id=piece.id)
    assert set(patched) == {"composition_id", "version", "content_hash", "title", "updated_at"}
    assert patched == {key: loaded[key] for key in patched}
    expected = sample()
    expected["components"]["page-title"]["text"] = "Leadership"
    assert (loaded["version"], loaded["document"]) == (2, expected)
    second = ann.call("get_version", composition_id=piece.id, version=2)
    assert (second["kind"], second["parent_version"], second["message"]) == (
        "save",
        1,
        "Shorter title",
    )
    assert second["origin"] == {"kind": "agent", "agent": "designer", "turn": "7"}


def test_a_merge_patch_sets_and_takes_away(people, composition):
    (ann,) = people("ann")
    piece = composition(ann, small(a=1, b={"c": 2, "d": 3}))

    patch(ann, piece, {"body": {"a": None, "b": {"c": 4}}}, format="merge-patch")

    loaded = ann.call("load_composition", composition_id=piece.id)
    assert loaded["document"] == small(b={"c": 4, "d": 3})


def test_what_diff_versions_finds_is_a_patch(people, composition):
    (ann,) = people("ann")
    piece = composition(ann, small(n=1, list=[1, 2, 3]))
    wanted = small(n=2, list=[1, 3, 4], more=True)
    ann.call("save_version", composition_id=piece.id, base_version=1, document=wanted)
    back = ann.call("diff_versions", composition_id=piece.id, from_version=2, to_version=1)

    patch(ann, piece, back["patch"], base_version=2)

    first, _, third = (
        ann.call("get_version", composition_id=piece.id, version=version) for version in (1, 2, 3)
    )
    assert third["content_hash"] == first["content_hash"]


def test_a_patch_for_a_version_that_is_not_the_head_is_stale(people, composition):
    (ann,) = people("ann")
    piece = composition(ann, small())
    patch(ann, piece, [add("/body/n", 1)])

    for base_version in (0, 1, 3, -1):
        with refused("PT409", code="version_conflict", head_version=2):
            patch(ann, piece, [add("/body/m", 1)], base_version=base_version)

    assert ann.call("load_composition", composition_id=piece.id)["document"] == small(n=1)


def test_a_stale_patch_is_merged_where_it_may_be(people, composition):
    (ann,) = people("ann")
    piece = composition(ann, small(n=1))
    patch(ann, piece, [add("/body/a", 1)])

    merged = patch(ann, piece, [add("/body/b", 2)], on_conflict="merge")
    assert (merged["version"], merged["merged"]) == (3, True)
    assert ann.call("load_composition", composition_id=piece.id)["document"] == small(n=1, a=1, b=2)

    flagged = patch(ann, piece, [add("/body/a", 3)], on_conflict="merge")
    assert (flagged["version"], flagged["merged"]) == (3, False)
    assert [conflict["path"] for conflict in flagged["conflicts"]] == ["/body/a"]
    kept = ann.call("get_version", composition_id=piece.id, version=flagged["conflict_version"])
    assert kept["document"] == small(n=1, a=3)
    with refused("PT409", code="version_conflict", head_version=3):
        patch(ann, piece, [add("/body/b", 2)], base_version=9, on_conflict="merge")


FAILURES: dict[str, tuple[Any, str, Json]] = {
    "a test that does not hold": (
        [add("/body/m", 1), {"op": "test", "path": "/body/n", "value": 2}],
        "PT409",
        {"code": "patch_test_failed", "index": 1, "path": "/body/n"},
    ),
    "a path that is not there": (
        [{"op": "remove", "path": "/body/n"}, {"op": "remove", "path": "/body/n"}],
        "PT409",
        {"code": "patch_path_not_found", "index": 1, "path": "/body/n", "found": "/body"},
    ),
    "no operation": ([add("/body/m", 1), {"op": "jump"}], "PT422", {"code": "invalid_patch"}),
    "no array": ({"op": "add"}, "PT422", {"code": "invalid_patch", "problem": "wrong_type"}),
    "a document that is none": (
        [add("/body/m", 1), {"op": "remove", "path": "/format"}],
        "PT422",
        {"code": "invalid_document"},
    ),
    "no document": (
        [{"op": "remove", "path": ""}],
        "PT422",
        {"code": "invalid_patch", "problem": "removes_everything"},
    ),
}


@pytest.mark.parametrize("on_conflict", ["reject", "merge"])
@pytest.mark.parametrize("case", FAILURES)
def test_a_failed_patch_changes_nothing(people, composition, admin, case, on_conflict):
    (ann,) = people("ann")
    marker = f"untouched {case} {on_conflict}"
    piece = composition(ann, small(n=1, marker=marker))

    def state():
        return (
            ann.call("load_composition", composition_id=piece.id),
            ann.call("list_versions", composition_id=piece.id),
            admin.execute("select count(*) from public.compositions").fetchone(),
            admin.execute("select count(*) from private.cache_outbox").fetchone(),
        )

    before = state()
    operations, sqlstate, facts = FAILURES[case]
    with refused(sqlstate, **facts):
        patch(ann, piece, operations, on_conflict=on_conflict)
    assert state() == before


def test_what_is_not_said_right_is_named(people, composition):
    (ann,) = people("ann")
    piece = composition(ann, small())
    with refused("PT422", code="invalid_argument", argument="base_version"):
        patch(ann, piece, [], base_version=None)
    for format in ("yaml", None):
        with refused(
            "PT422",
            code="invalid_argument",
            argument="format",
            allowed=["json-patch", "merge-patch"],
        ):
            patch(ann, piece, [], format=format)
    with refused("PT422", code="invalid_argument", argument="on_conflict"):
        patch(ann, piece, [], on_conflict="force")
    with refused("PT422", code="invalid_patch", problem="missing"):
        ann.call("patch_composition", composition_id=piece.id, base_version=1, patch=None)
    with refused(
        "PT422", code="invalid_argument", constraint="composition_versions_message_length"
    ):
        patch(ann, piece, [], message="x" * 1001)


def test_only_who_may_edit_may_patch_and_a_stranger_learns_nothing(around):
    def attempt(who, composition_id, **arguments):
        return around.people[who].call(
            "patch_composition",
            **{"composition_id": composition_id, "base_version": 1}
            | {"patch": json.dumps([add("/body/by", who)])}
            | arguments,
        )

    answers = []
    for composition_id in (around.composition_id, NOBODY):
        for arguments in ({}, {"base_version": 9}, {"patch": "[1]"}, {"format": "x"}):
            with refused("PT404", code="composition_not_found") as detail:
                attempt("stranger", composition_id, **arguments)
            answers.append(detail)
    assert all(answer == answers[0] for answer in answers)
    for who in ("viewer", "member"):
        for arguments in ({}, {"base_version": 9}, {"patch": "[1]"}):
            with refused("PT403", code="composition_read_only"):
                attempt(who, around.composition_id, **arguments)
    with refused("42501"):
        attempt("anon", around.composition_id)

    assert attempt("editor", around.composition_id)["version"] == 2


def test_what_is_in_the_trash_is_not_patched(people, composition):
    (ann,) = people("ann")
    piece = composition(ann, small())
    ann.call("delete_composition", composition_id=piece.id)
    with refused("PT410", code="composition_trashed"):
        patch(ann, piece, [add("/body/n", 1)])


def test_a_patcher_waits_for_the_one_before_and_sees_their_head(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann, small())
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="editor")

    with refused("PT409", code="version_conflict", head_version=2):
        in_turn(
            ann,
            lambda: patch(ann, piece, [add("/body/by", "ann")]),
            ben,
            lambda: patch(ben, piece, [add("/body/by", "ben")]),
        )


def test_a_bomb_in_a_patch_goes_off_nowhere(people, composition):
    (ann,) = people("ann")
    piece = composition(ann, small())
    for format, bomb in (
        ("json-patch", f'[{{"op": "add", "path": "/body/n", "value": {NUMBER_BOMB}}}]'),
        ("merge-patch", f'{{"body": {NUMBER_BOMB}}}'),
    ):
        with refused("PT422", code="invalid_patch", problem="number_out_of_range"):
            ann.call(
                "patch_composition",
                composition_id=piece.id,
                base_version=1,
                patch=bomb,
                format=format,
            )
