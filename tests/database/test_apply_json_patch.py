"""RFC 6902, case by case: what each operation does, and what is refused with nothing changed."""

import itertools
import json
import random

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo.samples import FOLDER, read_sample
from tests.database.conftest import one_kind
from tests.database.patches import canonical, one, read_cases
from tests.database.test_diff_versions import edited, json_values
from tests.people import Json, refused
from tests.samples import DEPTH_BOMB, NUMBER_BOMB, ZERO_BOMB

pytestmark = one_kind

CASES = read_cases("json_patch.cases")
SQLSTATES = {
    "invalid_patch": "PT422",
    "patch_path_not_found": "PT409",
    "patch_test_failed": "PT409",
}


@pytest.fixture
def apply(admin):
    """Carry out a patch on a document, both of them JSON texts: the text that comes out."""
    return lambda document, patch: one(
        admin, "select private.apply_json_patch(%s::jsonb, %s::jsonb)::text", document, patch
    )


@pytest.mark.parametrize("case", CASES)
def test_operations_do_what_the_rfc_says(apply, admin, case):
    document, patch, result = CASES[case]
    code, _, facts = result.partition(" ")
    if code in SQLSTATES:
        with refused(SQLSTATES[code], code=code, **json.loads(facts)):
            apply(document, patch)
    else:
        assert apply(document, patch) == canonical(admin, result)


def places(value, pointer=""):
    """The pointers to all there is in a value."""
    yield pointer
    if isinstance(value, dict):
        members = list(value.items())
    else:
        members = list(enumerate(value)) if isinstance(value, list) else []
    for key, member in members:
        yield from places(member, f"{pointer}/{key}")


def any_operation(choose, document, last):
    """An operation that can be carried out more often than not, mostly near the one before."""
    there = list(places(document))
    near = [place for place in there if place.startswith(last.rpartition("/")[0])]
    place = choose.choice(near if near and choose.random() < 0.7 else there)
    below = place + choose.choice(["/a", "/b", "/0", "/1", "/2", "/-"])
    return {
        "op": choose.choice(["add", "add", "remove", "replace", "replace", "move", "copy", "test"]),
        "path": choose.choice([place, place, below, below, below + "/a"]),
        "from": choose.choice(there),
        "value": choose.choice([1, 1.0, None, "x", [], {}, [1, [2]], {"a": {"b": [3, 4]}}]),
    }


@pytest.mark.parametrize("seed", range(30))
def test_many_operations_do_what_each_does_after_the_other(apply, seed):
    choose = random.Random(seed)
    first = json.dumps({"a": [{"a": 1, "b": [1, 2, 3]}, [[], {"b": {}}], 2], "b": {"a": {"0": 1}}})
    patch: list[Json] = []
    document, path = first, ""
    for _ in range(25):
        operation = any_operation(choose, json.loads(document), path)
        path = operation["path"]
        try:
            document = apply(document, json.dumps([operation]))
        except psycopg.Error as error:
            facts = json.loads(error.diag.message_detail or "")
            with refused(error.sqlstate or "", **facts | {"index": len(patch)}):
                apply(first, json.dumps([*patch, operation]))
        else:
            patch.append(operation)
    assert len(patch) >= 5
    assert apply(first, json.dumps(patch)) == document


# ---- what private.json_diff() finds is carried out exactly

AS_DIFFED = """
    select private.apply_json_patch(j.source, private.json_diff(j.source, j.target))::text
           = j.target::text
      from (select %s::jsonb as source, %s::jsonb as target) as j
"""


def test_every_sample_can_be_patched_from_its_first_version_to_its_last(admin):
    count = 0
    for file in sorted(FOLDER.glob("*.json")):
        for before, after in itertools.pairwise(read_sample(file).revisions):
            pair = (json.dumps(before.document), json.dumps(after.document))
            assert one(admin, AS_DIFFED, *pair) == "True"
            count += 1
    assert count > 100


def test_any_value_becomes_any_other_by_what_differs(admin):
    @settings(derandomize=True, deadline=None, max_examples=80, database=None)
    @given(json_values, json_values, st.integers(), st.integers(1, 20))
    def check(source, target, seed, edits):
        for after in (target, edited(source, seed, edits)):
            assert one(admin, AS_DIFFED, json.dumps(source), json.dumps(after)) == "True"

    check()


def test_ten_thousand_changes_are_carried_out_wherever_they_are(admin):
    def rows(count, text):
        return [{"id": n, "title": f"{text} {n}", "tags": ["a", "b"]} for n in range(count)]

    before: Json = {"cards": {f"c{n:04}": {"title": "x", "pad": "-" * 60} for n in range(4000)}}
    before["rows"] = rows(6000, "Video")
    after = {"cards": {key: card | {"title": "y"} for key, card in before["cards"].items()}}
    after["rows"] = [row for row in before["rows"] if row["id"] % 3] + rows(10, "New")
    pair = (json.dumps(before), json.dumps(after))
    assert int(one(admin, "select jsonb_array_length(private.json_diff(%s, %s))", *pair)) > 4000
    assert one(admin, AS_DIFFED, *pair) == "True"


# ---- hostile patches


def many(count, **operation):
    return json.dumps([operation] * count)


def copies(count, source, target):
    """Copies of what holds the copies: each as large as all before together."""
    return json.dumps(
        [{"op": "copy", "from": source, "path": target.format(n)} for n in range(count)]
    )


LARGE = json.dumps({"a": ["x" * 90_000] * 4, "b": ["y" * 90_000] * 4})
HOSTILE: dict[str, tuple[str, str, Json]] = {
    "numbers that print as gigabytes": (
        "{}",
        f'[{{"op": "add", "path": "/a", "value": {NUMBER_BOMB}}}]',
        {"problem": "number_out_of_range"},
    ),
    "zeros that print as gigabytes": (
        "{}",
        f'[{{"op": "test", "path": "/a", "value": {ZERO_BOMB}}}]',
        {"problem": "number_out_of_range"},
    ),
    "ten thousand levels": (
        "{}",
        f'[{{"op": "add", "path": "/a", "value": {DEPTH_BOMB}}}]',
        {"problem": "too_deep"},
    ),
    "one level more than a document has": (
        "{}",
        f'[{{"op": "add", "path": "", "value": {"[" * 66 + "]" * 66}}}]',
        {"problem": "too_deep"},
    ),
    "ten thousand levels of what is no operation": ("{}", DEPTH_BOMB, {"problem": "too_deep"}),
    "a million levels in a path": (
        "{}",
        json.dumps([{"op": "add", "path": "/" * 1_000_000, "value": 1}]),
        {"problem": "too_deep", "index": 0},
    ),
    "a pointer of escapes alone": (
        "{}",
        json.dumps([{"op": "remove", "path": "/" + "~1" * 500_000}]),
        {"code": "patch_path_not_found", "path": "/" + "~1" * 100},
    ),
    "a hundred thousand operations": (
        "{}",
        many(100_000, op="remove", path="/a"),
        {"problem": "too_large"},
    ),
    "a value as large as no document": (
        "{}",
        json.dumps([{"op": "add", "path": "/a", "value": "x" * 1_100_000}]),
        {"problem": "too_large"},
    ),
    "the whole doubled": ('{"a": "text"}', copies(40, "", "/x{}"), {"problem": "too_much_work"}),
    "a member doubled": ('{"a": {}}', copies(40, "/a", "/a/x{}"), {"problem": "too_much_work"}),
    "an array doubled": ('{"a": [1]}', copies(40, "/a", "/a/-"), {"problem": "too_much_work"}),
    "to and fro between large parts": (
        LARGE,
        json.dumps([{"op": "add", "path": f"/{'ab'[n % 2]}/-", "value": n} for n in range(20_000)]),
        {"problem": "too_much_work"},
    ),
    "from one large part to the other": (
        LARGE,
        json.dumps(
            [
                {"op": "move", "from": "/a/0", "path": "/b/0"},
                {"op": "move", "from": "/b/0", "path": "/a/0"},
            ]
            * 5000
        ),
        {"problem": "too_much_work"},
    ),
    "to and fro in a long array": (
        json.dumps([0] * 100_000),
        json.dumps([{"op": "add", "path": f"/{n % 2 * 99_999}", "value": n} for n in range(5000)]),
        {"problem": "too_much_work"},
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_patch_is_refused_before_it_costs_much(apply, case):
    document, patch, facts = HOSTILE[case]
    facts = {"code": "invalid_patch"} | facts
    with refused(SQLSTATES[facts["code"]], **facts) as detail:
        apply(document, patch)
    assert len(json.dumps(detail)) < 10_000
    # Before what is copied has doubled into hundreds of megabytes.
    assert not case.endswith("doubled") or detail["index"] <= 21


def test_long_patches_that_stay_in_place_are_carried_out(apply):
    text = json.dumps({"a": [], "b": "x" * 100_000})
    count = 10_000
    assert json.loads(apply(text, many(count, op="add", path="/a/-", value=0)))["a"] == [0] * count
    assert apply(text, many(count, op="test", path="/a", value=[])) == apply(text, "[]")
    adds = json.dumps([{"op": "add", "path": f"/k{n}", "value": 0} for n in range(count)])
    assert len(json.loads(apply("{}", adds))) == count


def test_a_document_of_all_that_is_allowed_is_patched_whole(apply, setting):
    deep = "[" * 65 + "]" * 65
    patch = f'[{{"op": "replace", "path": "", "value": {deep}}}]'
    assert apply("{}", patch) == deep
    inside = json.dumps([{"op": "add", "path": "/0" * 63 + "/-", "value": 1}])
    assert apply(deep, inside) == "[" * 64 + "[], 1" + "]" * 64

    setting("max_document_bytes", 100_000)
    large = f'"{"x" * 99_998}"'
    assert apply("{}", f'[{{"op": "replace", "path": "", "value": {large}}}]') == large
