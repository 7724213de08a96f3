"""What changed between two versions: exact as a patch, and readable."""

import itertools
import json
import random
from decimal import Decimal

import jsonpatch
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo.samples import FOLDER, read_sample
from tests.people import Json, refused
from tests.samples import exact, sample, small


def read(text):
    return json.loads(text, parse_float=Decimal)


@pytest.fixture
def diff(admin):
    """Diff two JSON texts, hold the patch to jsonpatch, and return it with the sentences."""

    def both(source, target):
        patch, sentences, stored_source, stored_target = admin.execute(
            """
            select private.json_diff(j.source, j.target)::text,
                   private.diff_sentences(j.source, j.target),
                   j.source::text, j.target::text
              from (select %s::jsonb as source, %s::jsonb as target) as j
            """,
            (source, target),
        ).fetchone()
        made = jsonpatch.apply_patch(read(stored_source), read(patch))
        assert exact(made) == exact(read(stored_target))
        assert bool(read(patch)) == bool(sentences) == (stored_source != stored_target)
        assert len(sentences) <= 50
        assert all(0 < len(sentence) < 1000 for sentence in sentences)
        whole = [{"op": "replace", "path": "", "value": read(stored_target)}]
        assert len(patch) <= len(json.dumps(whole, ensure_ascii=False, default=str))
        return read(patch), sentences

    return both


# ---- what a person gets


def test_a_patch_leads_from_one_version_to_the_other_in_either_direction(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)
    changed = sample()
    changed["parameters"]["duration"] = {
        "type": "filter",
        "field": "duration_seconds",
        "op": "lt",
        "value": 600,
        "label": "Under 10 minutes",
        "target": ["videos"],
    }
    ann.call("save_version", composition_id=piece.id, base_version=1, document=changed)

    there = ann.call("diff_versions", composition_id=piece.id, from_version=1, to_version=2)
    back = ann.call("diff_versions", composition_id=piece.id, from_version=2, to_version=1)
    same = ann.call("diff_versions", composition_id=piece.id, from_version=2, to_version=2)

    assert jsonpatch.apply_patch(piece.document, there["patch"]) == changed
    assert jsonpatch.apply_patch(changed, back["patch"]) == piece.document
    assert there == {
        "patch": [
            {
                "op": "add",
                "path": "/parameters/duration",
                "value": changed["parameters"]["duration"],
            }
        ],
        "sentences": ["Duration filter: none → under 10 minutes"],
    }
    assert back == {
        "patch": [{"op": "remove", "path": "/parameters/duration"}],
        "sentences": ["Duration filter: under 10 minutes → none"],
    }
    assert same == {"patch": [], "sentences": []}


def test_whoever_may_view_a_composition_sees_what_changed_and_nobody_else(around):
    owner = around.people["owner"]
    owner.call(
        "save_version", composition_id=around.composition_id, base_version=1, document=small(n=1)
    )
    versions = {"from_version": 1, "to_version": 2}
    for who in ("viewer", "editor", "member", "admin", "owner"):
        found = around.people[who].call(
            "diff_versions", composition_id=around.composition_id, **versions
        )
        assert found["sentences"] == ["Added to body at /n: 1"]
    with refused("PT404", code="composition_not_found"):
        around.people["stranger"].call(
            "diff_versions", composition_id=around.composition_id, **versions
        )
    with refused("42501"):
        around.people["anon"].call(
            "diff_versions", composition_id=around.composition_id, **versions
        )


def test_a_stranger_cannot_tell_a_version_from_none_nor_from_no_version_at_all(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    for version in (1, 2, None):
        with refused("PT404", code="composition_not_found"):
            ben.call("diff_versions", composition_id=piece.id, from_version=1, to_version=version)
    with refused("PT404", code="composition_not_found"):
        ben.call("diff_versions", composition_id=None, from_version=1, to_version=1)


@pytest.mark.parametrize("version", [0, 2, -1, 2147483647])
def test_a_version_that_is_not_there_is_not_found(people, composition, version):
    (ann,) = people("ann")
    piece = composition(ann)
    for pair in ((1, version), (version, 1), (version, version)):
        with refused("PT404", code="version_not_found"):
            ann.call(
                "diff_versions", composition_id=piece.id, from_version=pair[0], to_version=pair[1]
            )


@pytest.mark.parametrize(
    ("pair", "argument"),
    [((None, 1), "from_version"), ((1, None), "to_version"), ((None, None), "from_version")],
)
def test_both_versions_are_named(people, composition, pair, argument):
    (ann,) = people("ann")
    piece = composition(ann)
    with refused("PT422", code="invalid_argument", argument=argument):
        ann.call("diff_versions", composition_id=piece.id, from_version=pair[0], to_version=pair[1])


# ---- the patch


@pytest.mark.parametrize(
    ("source", "target", "patch"),
    [
        ("{}", "{}", []),
        ('{"a": 1}', '{"a": 1.0}', [("replace", "/a", Decimal("1.0"))]),
        ("[1.0]", "[1.00]", [("replace", "/0", Decimal("1.00"))]),
        ('{"a": 1}', '{"a": true}', [("replace", "/a", True)]),
        ('{"a": null}', "{}", [("remove", "/a")]),
        ("{}", '{"a": null}', [("add", "/a", None)]),
        ('{"a": "0"}', '{"a": 0}', [("replace", "/a", 0)]),
        ("1", "[]", [("replace", "", [])]),
        ("[]", "{}", [("replace", "", {})]),
        ("null", "false", [("replace", "", False)]),
        ('{"": {"": 1}, "x": "pad"}', '{"": {"": 2}, "x": "pad"}', [("replace", "//", 2)]),
        (
            '{"a/b": {"~": 1, "-": 2, "~1": 3, "pad": "%s"}}' % ("x" * 100),
            '{"a/b": {"~": 2, "-": 3, "pad": "%s"}}' % ("x" * 100),
            [("replace", "/a~1b/-", 3), ("replace", "/a~1b/~0", 2), ("remove", "/a~1b/~01")],
        ),
        ("[1, 2, 3]", "[0, 1, 2, 3]", [("add", "/0", 0)]),
        ("[1, 2, 3]", "[1, 2, 3, 4]", [("add", "/3", 4)]),
        ("[1, 2, 3]", "[1, 3]", [("remove", "/1")]),
        ("[[1, 2], 3]", "[[1, 2, 2], 3]", [("add", "/0/2", 2)]),
        ("[5, 5, 5]", "[5, 5]", [("remove", "/2")]),
        ('["ü", "日本"]', '["ü", "日本", "🙂"]', [("add", "/2", "🙂")]),
    ],
)
def test_a_patch_is_what_a_person_would_write(diff, source, target, patch):
    found, _ = diff(source, target)
    assert [tuple(operation.values()) for operation in ordered(found)] == patch


def ordered(patch):
    return [
        {key: operation[key] for key in ("op", "path", "value") if key in operation}
        for operation in patch
    ]


def test_one_element_at_the_front_of_a_hundred_is_one_operation(diff):
    hundred = [{"title": f"Video {number}"} for number in range(100)]
    new = {"title": "New"}
    patch, _ = diff(json.dumps(hundred), json.dumps([new, *hundred]))
    assert patch == [{"op": "add", "path": "/0", "value": new}]


def test_changes_far_apart_in_a_list_are_an_operation_each(diff):
    words = [f"word {number}" for number in range(2000)]
    edited = ["first", *words[:1000], "middle", *words[1001:1500], *words[1501:], "last"]
    patch, _ = diff(json.dumps(words), json.dumps(edited))
    assert [(operation["op"], operation["path"]) for operation in patch] == [
        ("add", "/0"),
        ("replace", "/1001"),
        ("remove", "/1501"),
        ("add", "/2000"),
    ]


def test_objects_with_an_id_are_followed_when_they_move_and_change(diff):
    panels = [{"id": n, "title": f"Panel {n}", "width": 12, "height": 8} for n in range(20)]
    moved = [panels[0], panels[7] | {"title": "Renamed"}, *panels[1:7], *panels[8:]]
    patch, _ = diff(json.dumps(panels), json.dumps(moved))
    assert len(patch) == 2

    shorter = [panel | {"height": 9} if panel["id"] == 9 else panel for panel in panels[3:]]
    patch, _ = diff(json.dumps(panels), json.dumps(shorter))
    assert [operation["path"] for operation in patch] == ["/0", "/0", "/0", "/6/height"]


def test_elements_that_two_changes_leave_in_place_are_looked_into(diff):
    cards = [{"type": "card", "title": f"Card {n}", "text": "x" * 50} for n in range(5)]
    edited = json.loads(json.dumps(cards))
    edited[1]["title"] = "Other"
    edited[3]["title"] = "Another"
    patch, _ = diff(json.dumps(cards), json.dumps(edited))
    assert [operation["path"] for operation in patch] == ["/1/title", "/3/title"]


def test_where_operations_are_longer_than_the_part_it_is_replaced(diff):
    source = {"keep": "x" * 500, "codes": [1, 2, 3, 4, 5, 6]}
    target = {"keep": "x" * 500, "codes": [9, 8, 7, 3, 1]}
    patch, _ = diff(json.dumps(source), json.dumps(target))
    assert patch == [{"op": "replace", "path": "/codes", "value": [9, 8, 7, 3, 1]}]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from([0, 1, 1.0, 0.0, -1, 1.5, 10**15])
    | st.text(alphabet='ab/~0-é🙂 "\\', max_size=4),
    lambda inner: (
        st.lists(inner, max_size=6)
        | st.lists(st.sampled_from([1, 1.0, 2, True]), max_size=12)
        | st.dictionaries(st.text(alphabet="ab/~0-", max_size=2), inner, max_size=5)
        | st.lists(
            st.fixed_dictionaries({"id": st.integers(0, 5), "v": inner}),
            max_size=6,
            unique_by=lambda item: item["id"],
        )
    ),
    max_leaves=20,
)


def mutate(value, choose):
    """The value after a small edit somewhere inside: another one, the old one is left alone."""
    if isinstance(value, list) and value:
        place = choose.randrange(len(value))
        before, here, after = value[:place], value[place], value[place + 1 :]
        return choose.choice(
            [
                lambda: [*before, mutate(here, choose), *after],
                lambda: [*before, *after],
                lambda: [*before, here, here, *after],
                lambda: [here, *before, *after],
                lambda: [*before, {"new": place}, here, *after],
            ]
        )()
    if isinstance(value, dict) and value:
        key = choose.choice(sorted(value))
        rest = {name: item for name, item in value.items() if name != key}
        return choose.choice(
            [
                lambda: {**rest, key: mutate(value[key], choose)},
                lambda: {**rest, key: mutate(value[key], choose)},
                lambda: rest,
                lambda: {**rest, key + "~": value[key]},
            ]
        )()
    return choose.choice([0, 1, 1.0, None, "", [], {}, [value]])


def edited(value, seed, edits):
    choose = random.Random(seed)
    for _ in range(edits):
        value = mutate(value, choose)
    return value


@pytest.mark.parametrize("wrap", [False, True], ids=["values", "documents"])
def test_any_value_is_patched_into_any_other(diff, wrap):
    def around(value):
        if not wrap:
            return json.dumps(value)
        keys = ("parameters", "components", "body", "sources", "data")
        return json.dumps({"format": "composition/1", **dict.fromkeys(keys, value)})

    @settings(derandomize=True, deadline=None, max_examples=80, database=None)
    @given(json_values, json_values, st.integers(), st.integers(1, 5))
    def check(source, target, seed, edits):
        diff(around(source), around(target))
        diff(around(source), around(edited(source, seed, edits)))

    check()


# ---- hostile values: bounded in time by the budget, and still exact


def numbered(count, **extra):
    return [{"id": number, **extra} for number in range(count)]


HOSTILE: Json = {
    "long lists without anything in common": ([0] * 50_000, [1] * 50_000),
    "long lists of other words": (
        [f"s{n}" for n in range(20_000)],
        [f"t{n}" for n in range(20_000)],
    ),
    "a long list and one at its front": ([0] * 50_000, [1] + [0] * 50_000),
    "a shuffled list": (
        list(range(20_000)),
        random.Random(1).sample(range(20_000), 20_000),
    ),
    "two values in random order": (
        random.Random(2).choices([0, 1], k=20_000),
        random.Random(3).choices([0, 1], k=20_000),
    ),
    "many objects that all changed": (numbered(15_000, x=1), numbered(15_000, x=2)),
    "many short lists to align": (
        [random.Random(n).choices("abc", k=300) for n in range(500)],
        [random.Random(-1 - n).choices("abc", k=300) for n in range(500)],
    ),
    "many keys that all changed": (
        {f"k{n}": 0 for n in range(20_000)},
        {f"k{n}": 1 for n in range(20_000)},
    ),
    "long keys above many changes": (
        {"k" * 200_000: {str(n): 0 for n in range(20_000)}},
        {"k" * 200_000: {str(n): 1 for n in range(20_000)}},
    ),
    "empty lists": ([[]] * 50_000, [{}] * 50_000),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_values_are_patched_exactly_too(diff, case):
    source, target = (json.dumps(value) for value in HOSTILE[case])
    diff(f'{{"dialect": "json", "body": {source}}}', f'{{"dialect": "json", "body": {target}}}')


def test_what_is_nested_too_deeply_is_replaced_rather_than_followed(diff, admin):
    def nested(levels, leaf):
        return '{"a":' * levels + leaf + "}" * levels

    patch, _ = diff(nested(60, "1"), nested(60, "2"))
    assert patch == [{"op": "replace", "path": "/a" * 60, "value": 2}]

    (path,) = admin.execute(
        "select private.json_diff(%s, %s) -> 0 ->> 'path'", (nested(5000, "1"), nested(5000, "2"))
    ).fetchone()
    assert path == "/a" * 100


def test_five_thousand_components_below_each_other_are_described(diff):
    def chain(count):
        return {
            "dialect": "a2ui/0.9.1",
            "root": "c0",
            "components": {
                f"c{n}": {"component": "Card", "child": f"c{n + 1}"} for n in range(count)
            },
        }

    _, sentences = diff(json.dumps(chain(1)), json.dumps(chain(5000)))
    assert sentences == ["Added Card “c1” to Card “c0” with 64 components inside"]


# ---- the sentences


def test_every_sample_can_be_followed_from_its_first_version_to_its_last(diff):
    count = 0
    for file in sorted(FOLDER.glob("*.json")):
        revisions = read_sample(file).revisions
        for before, after in itertools.pairwise(revisions):
            diff(json.dumps(before.document), json.dumps(after.document))
            count += 1
    assert count > 100


def document(**parts):
    return {"format": "composition/1", "dialect": "a2ui/0.9.1", "root": "root"} | parts


def parts(kind, before, after):
    return document(**{kind: before}), document(**{kind: after})


DURATION: Json = {
    "type": "filter",
    "field": "duration_seconds",
    "op": "lt",
    "value": 600,
    "label": "Under 10 minutes",
    "target": ["videos"],
}
UNLABELLED = {key: value for key, value in DURATION.items() if key != "label"}
NEWEST: Json = {"type": "sort", "field": "published", "direction": "desc", "target": ["videos"]}
PAGE: Json = {"type": "limit", "value": 24, "label": "Videos on a page"}


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ({}, {"duration": DURATION}, "Duration filter: none → under 10 minutes"),
        ({"duration": DURATION}, {}, "Duration filter: under 10 minutes → none"),
        ({}, {"duration": UNLABELLED}, "Duration filter: none → under 600"),
        (
            {"duration": UNLABELLED},
            {"duration": UNLABELLED | {"op": "gte", "value": 60}},
            "Duration filter: under 600 → at least 60",
        ),
        (
            {"duration": DURATION},
            {"duration": DURATION | {"value": 540}},
            "Changed Duration filter: value 600 → 540",
        ),
        (
            {"duration": DURATION},
            {"duration": DURATION | {"label": "Under 9 minutes", "value": 540, "target": ["all"]}},
            "Duration filter: under 10 minutes → under 9 minutes; target/0 “videos” → “all”",
        ),
        ({}, {"place": DURATION | {"label": "In New York"}}, "Place filter: none → In New York"),
        ({}, {"topic-filter": DURATION | {"label": "Craft"}}, "Topic filter: none → Craft"),
        ({}, {"newest": NEWEST}, "Newest order: none → by published, descending"),
        (
            {"payment-order": NEWEST | {"label": "Latest first"}},
            {"payment-order": NEWEST | {"label": "Largest first", "field": "amount"}},
            "Payment order: latest first → largest first",
        ),
        ({"how_many": PAGE}, {"how_many": PAGE | {"value": 12}}, "Videos on a page: 24 → 12"),
        ({}, {"rows": {"type": "limit", "value": 8}}, "Rows limit: none → 8"),
        ({}, {"odd": 5}, "Odd: none → 5"),
        ({"odd": [1]}, {"odd": None}, "Odd: 1 → null"),
        ({"odd": {"type": {}, "label": 1}}, {"odd": {"type": {}, "label": 1.0}}, None),
    ],
)
def test_a_parameter_is_described_by_what_it_does(diff, before, after, sentence):
    _, sentences = diff(*map(json.dumps, parts("parameters", before, after)))
    assert len(sentences) == 1
    assert sentence is None or sentences == [sentence]


TREE: Json = {
    "root": {"component": "Column", "children": ["head", "list", "foot"]},
    "head": {"component": "Row", "children": ["title", "find"]},
    "title": {"component": "Text", "text": "Videos", "variant": "h2"},
    "find": {"component": "TextField", "label": "Search"},
    "list": {"component": "List", "children": {"componentId": "row", "path": "/videos"}},
    "row": {"component": "Text", "text": {"path": "title"}},
    "foot": {"component": "Text", "text": "All lessons of the learning team, and " + "more " * 20},
}


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        (
            {"title": TREE["title"] | {"text": "Films"}},
            ["Changed Text “title”: text “Videos” → “Films”"],
        ),
        (
            {"title": {"component": "Heading", "text": "Films", "level": 2}},
            [
                "Changed Heading “title”: component “Text” → “Heading”; added level 2; "
                "text “Videos” → “Films”; and 1 more"
            ],
        ),
        (
            {"root": TREE["root"] | {"children": ["list", "foot", "head"]}},
            ["Changed Column “root”: moved “head”"],
        ),
        (
            {
                "root": TREE["root"] | {"children": ["head", "new", "list", "foot"]},
                "new": {"component": "Button", "child": "new-text"},
                "new-text": {"component": "Text", "text": "Play"},
            },
            ["Added Button “new” to Column “root” with 1 component inside: “Play”"],
        ),
        (
            {
                "root": TREE["root"] | {"children": ["list", "foot"]},
                "head": None,
                "title": None,
                "find": None,
            },
            ["Removed Row “head” from Column “root” with 2 components inside"],
        ),
        (
            {
                "root": TREE["root"] | {"children": ["head", "list", "foot", "find"]},
                "head": TREE["head"] | {"children": ["title"]},
            },
            ["Moved TextField “find” from Row “head” to Column “root”"],
        ),
        (
            {"head": TREE["head"] | {"children": ["title"]}},
            ["Took TextField “find” out of Row “head”"],
        ),
        (
            {"foot": {"component": "Text", "text": TREE["foot"]["text"] + "!"}},
            ["Changed Text “foot”: text “… more more more more ” → “… more more more more !”"],
        ),
        (
            {"foot": None},
            [
                "Removed Text “foot” from Column “root”: "
                "“All lessons of the learning team, and more more more more m…”"
            ],
        ),
        ({"odd": 1}, ["Added component “odd”"]),
        ({"odd": {"component": "", "text": ""}}, ["Added component “odd”"]),
    ],
)
def test_a_component_is_described_by_what_became_of_it(diff, changes, sentences):
    changed = {key: value for key, value in (TREE | changes).items() if value is not None}
    _, found = diff(*map(json.dumps, parts("components", TREE, changed)))
    assert found == sentences


@pytest.mark.parametrize(
    ("before", "after", "sentences"),
    [
        ({"root": "a"}, {"root": "b"}, ["Changed root: “a” → “b”"]),
        ({}, {"data": {"x": 1}}, ["Added data: x 1"]),
        ({"data": {"x": 1}}, {}, ["Removed data: x 1"]),
        (
            {"data": {"theme": "light", "videos": []}},
            {"data": {"theme": "dark", "videos": []}},
            ["Changed data at /theme: “light” → “dark”"],
        ),
        (
            {"data": {"theme": "light", "videos": [{"n": n, "pad": "x" * 60} for n in range(5)]}},
            {
                "data": {
                    "theme": "dark",
                    "videos": [{"n": -n - 1, "pad": "x" * 60} for n in range(5)],
                }
            },
            ["Changed data at /theme, /videos (5 changes)"],
        ),
        (
            {"sources": {"a": {"ref": "x"}, "b": {"ref": "y", "args": {"n": 1}}}},
            {"sources": {"c": {"ref": "z"}, "b": {"ref": "y", "args": {"n": 2}}}},
            ["Removed source “a”: x", "Changed source “b”: args/n 1 → 2", "Added source “c”: z"],
        ),
        ({"ext": {"a/b": 1}}, {"ext": {"a/b": 2}}, ["Changed ext at /a~1b: 1 → 2"]),
        (
            {"body": {"panels": [{"title": "CPU"}, {"title": "Disk"}], "x": "y" * 50}},
            {"body": {"panels": [{"title": "CPU load"}, {"title": "Disk"}], "x": "y" * 50}},
            ["Changed body at /panels/0/title: “CPU” → “CPU load”"],
        ),
        (
            {"body": {"panels": [{"title": "CPU"}]}},
            {"body": {"panels": [{"title": "Disk"}, {"title": "CPU"}]}},
            ["Added to body at /panels/0: “Disk”"],
        ),
        (
            {"dialect": "a2ui/0.9.1", "parameters": {}, "data": {}},
            {
                "dialect": "json-render/1",
                "parameters": {"n": {"type": "limit", "value": 1}},
                "data": 1,
            },
            [
                "N limit: none → 1",
                "Changed data: an empty object → 1",
                "Changed dialect: “a2ui/0.9.1” → “json-render/1”",
            ],
        ),
        ({"unknown": 1}, {"unknown": 2}, ["Changed the document at /unknown: 1 → 2"]),
    ],
)
def test_the_other_parts_are_described_by_path(diff, before, after, sentences):
    _, found = diff(json.dumps(before), json.dumps(after))
    assert found == sentences


def test_of_many_changes_the_last_sentence_says_how_many_more_there_are(diff):
    before = small(**{f"k{number:03}": "x" * 100 for number in range(200)})
    after = small(
        **{f"k{number:03}": "y" for number in range(120)}
        | {f"k{number:03}": "x" * 100 for number in range(120, 200)}
    )
    _, sentences = diff(json.dumps(before), json.dumps(after))
    assert len(sentences) == 50
    assert sentences[-1] == "… and 71 more changes"
    assert sentences[48].startswith("Changed body at /k048: ")
