"""What is wrong with a document, told before anything is saved."""

import itertools
import json

import pytest
from psycopg.types.json import Jsonb

from tests.people import refused
from tests.samples import SMALLEST, sample

ROWS = {"componentId": "row", "path": "/rows"}
LEAF = {"component": "Text", "text": "Hello"}
DIALECTS = ["a2ui/0.9.1", "json-render/1"]


@pytest.fixture
def ann(people):
    return people("ann")[0]


def validate(person, document):
    return person.call("validate_document", document=Jsonb(document))


def found(person, document):
    """(code, path) of every problem."""
    answer = validate(person, document)
    assert answer["valid"] == (answer["problems"] == [])
    return [(problem["code"], problem["path"]) for problem in answer["problems"]]


def only(person, document):
    """The one problem that there is, without its words for people."""
    (problem,) = validate(person, document)["problems"]
    assert problem.pop("message")
    return problem


def tree(dialect="a2ui/0.9.1", **components):
    """A document of components under one that is called root."""
    return {
        "format": "composition/1",
        "dialect": dialect,
        "root": "root",
        "components": components,
    }


def column(*children, **more):
    return {"component": "Column", "children": list(children), **more}


def card(child):
    return {"component": "Card", "child": child}


def with_parameter(sources=("videos",), **parameter):
    """A document with one parameter."""
    return SMALLEST | {
        "sources": {name: {"ref": "content.videos", "into": "/videos"} for name in sources},
        "parameters": {"knob": parameter},
    }


def with_source(**source):
    return SMALLEST | {"sources": {"videos": source}}


FILTER = {"type": "filter", "field": "seconds", "op": "lt", "value": 600, "target": ["videos"]}
SORT = {"type": "sort", "field": "title", "direction": "asc", "target": ["videos"]}
LIMIT = {"type": "limit", "value": 20, "target": ["videos"]}


def without(values, *keys):
    return {key: value for key, value in values.items() if key not in keys}


def test_it_says_valid_and_saves_nothing(ann):
    assert validate(ann, sample()) == {"valid": True, "problems": []}
    assert ann.call("list_my_compositions")["items"] == []


def test_a_refused_save_names_the_same_problems(ann, composition):
    broken = tree(root=column("lst"), lst2=LEAF) | {"wild": 1}
    problems = validate(ann, broken)["problems"]
    assert len(problems) >= 2
    piece = composition(ann)

    with refused("PT422", code="invalid_document", problems=problems):
        ann.call("save_version", composition_id=piece.id, base_version=1, document=broken)
    with refused("PT422", code="invalid_document", problems=problems):
        ann.call("create_composition", title="Broken", document=broken)


def test_anon_may_not_ask(anon):
    with refused("42501"):
        anon.call("validate_document", document=SMALLEST)


def test_no_document_at_all_is_invalid(ann):
    assert ann.call("validate_document", document=None)["valid"] is False


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_way_to_name_a_child_is_followed(ann, dialect):
    document = tree(
        dialect=dialect,
        root=column("card", "list", "tabs", "modal", "theirs"),
        card=card("button"),
        button={"component": "Button", "child": "label", "action": {"event": {"name": "go"}}},
        label=LEAF,
        list={"component": "List", "children": {"componentId": "row", "path": "/rows"}},
        row={"component": "Row", "children": []},
        tabs={
            "component": "Tabs",
            "tabs": [{"title": "A", "child": "a"}, {"title": "B", "child": "b"}],
        },
        a=LEAF,
        b=LEAF,
        modal={"component": "Modal", "trigger": "open", "content": "inside"},
        open=LEAF,
        inside=LEAF,
        theirs={"component": "Grid", "children": ["x"], "child": "y", "tabs": [{"child": "z"}]},
        x={"component": "Grid", "children": {"componentId": "w", "path": "/w"}},
        y=LEAF,
        z=LEAF,
        w=LEAF,
    )
    assert found(ann, document) == []


@pytest.mark.parametrize(
    "component",
    [
        {"component": "Text", "text": "root"},
        {"component": "Text", "text": {"path": "root"}, "content": "root", "trigger": "root"},
        {
            "component": "Button",
            "action": {"event": {"name": "root", "context": {"child": "root"}}},
        },
        {"component": "Family", "child": {"path": "/kids/0"}},
        {"component": "Family", "child": None, "children": None, "tabs": None},
        {"component": "Family", "children": [{"name": "root"}, 1, None]},
        {"component": "Family", "children": {"componentId": "root"}},
        {"component": "Family", "children": "root", "tabs": ["root", {"child": 1}, {}]},
        {"component": "Column", "weight": 1},
        {"component": "Column", "children": []},
        {"component": "Tabs", "tabs": []},
        {"component": "Modal"},
        {"component": "__proto__", "id": "root", "child ": "root"},
    ],
)
def test_what_is_not_a_child_is_not_taken_for_one(ann, component):
    assert found(ann, tree(root=column("it"), it=component)) == []


ID = "the id of a component"
LIST = "an array of ids, or {componentId, path}"


@pytest.mark.parametrize(
    ("component", "place", "expected"),
    [
        ({"component": "Column", "children": "leaf"}, "children", LIST),
        ({"component": "Row", "children": None}, "children", LIST),
        ({"component": "List", "children": {"componentId": "leaf"}}, "children", LIST),
        ({"component": "List", "children": {"componentId": 1, "path": "/x"}}, "children", LIST),
        ({"component": "List", "children": {"componentId": "leaf", "path": 1}}, "children", LIST),
        ({"component": "Column", "children": ["leaf", 7]}, "children/1", ID),
        ({"component": "Column", "children": [["leaf"]]}, "children/0", ID),
        ({"component": "Card", "child": None}, "child", ID),
        ({"component": "Button", "child": {"path": "/label"}}, "child", ID),
        ({"component": "Modal", "trigger": 1}, "trigger", ID),
        ({"component": "Modal", "content": ["leaf"]}, "content", ID),
        ({"component": "Tabs", "tabs": {}}, "tabs", "an array of {title, child}"),
        ({"component": "Tabs", "tabs": ["leaf"]}, "tabs/0", ID),
        ({"component": "Tabs", "tabs": [{"title": "A"}]}, "tabs/0/child", ID),
        ({"component": "Tabs", "tabs": [{"title": "A", "child": {}}]}, "tabs/0/child", ID),
    ],
)
def test_a_child_of_another_shape_is_named_with_what_is_expected(ann, component, place, expected):
    # What it might have led to is not called unreachable.
    document = tree(root=column("it"), it=component, leaf=LEAF)
    assert only(ann, document) == {
        "code": "wrong_type",
        "path": f"/components/it/{place}",
        "expected": expected,
    }


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("components", "expected"),
    [
        ({"root": {}}, [("missing_component", "/components/root/component")]),
        ({"root": {"component": ""}}, [("missing_component", "/components/root/component")]),
        ({"root": {"component": None}}, [("wrong_type", "/components/root/component")]),
        ({"root": {"component": ["Text"]}}, [("wrong_type", "/components/root/component")]),
        # What a modal would lead to is not called unreachable.
        (
            {"root": {"trigger": "a", "content": "b"}, "a": LEAF, "b": LEAF},
            [("missing_component", "/components/root/component")],
        ),
        ({"root": "Text"}, [("wrong_type", "/components/root")]),
        ({"root": []}, [("wrong_type", "/components/root")]),
        ({"root": ["children", "component"]}, [("wrong_type", "/components/root")]),
        ({"root": None, "left": LEAF}, [("wrong_type", "/components/root")]),
        (
            {"root": column("a/b", "a~b", "ü", ""), "a/b": LEAF, "a~b": LEAF, "ü": LEAF, "": LEAF},
            [
                ("bad_component_id", "/components/"),
                ("bad_component_id", "/components/a~0b"),
                ("bad_component_id", "/components/a~1b"),
                ("bad_component_id", "/components/ü"),
            ],
        ),
        (
            {"root": column("x" * 65, "a\nb", "a "), "x" * 65: LEAF, "a\nb": LEAF, "a ": LEAF},
            [
                ("bad_component_id", "/components/a\nb"),
                ("bad_component_id", "/components/a "),
                ("bad_component_id", "/components/" + "x" * 65),
            ],
        ),
        ({"root": column("x" * 64, "_-9"), "x" * 64: LEAF, "_-9": LEAF}, []),
        ({"root": column("__proto__"), "__proto__": LEAF}, []),
        ({"root": card("nothing")}, [("unresolved_child", "/components/root/child")]),
        (
            {"root": column("a", "gone", "", "lost"), "a": LEAF},
            [
                ("unresolved_child", "/components/root/children/1"),
                ("unresolved_child", "/components/root/children/2"),
                ("unresolved_child", "/components/root/children/3"),
            ],
        ),
        ({"root": column("a", "a"), "a": LEAF}, [("two_parents", "/components/root/children/1")]),
        (
            {"root": column("a", "b"), "a": card("c"), "b": card("c"), "c": LEAF},
            [("two_parents", "/components/b/child")],
        ),
        (
            {"root": column("a"), "a": LEAF, "left": column("a", "root")},
            [
                ("two_parents", "/components/left/children/0"),
                ("two_parents", "/components/left/children/1"),
                ("unreachable_component", "/components/left"),
            ],
        ),
        # A template is used by several lists, and a trigger stands elsewhere; neither holds.
        (
            {
                "root": column("one", "two", "button", "dialogue"),
                "one": {"component": "List", "children": ROWS},
                "two": {"component": "List", "children": ROWS},
                "row": LEAF,
                "button": LEAF,
                "dialogue": {"component": "Modal", "trigger": "button", "content": "text"},
                "text": LEAF,
            },
            [],
        ),
        (
            {
                "root": column("dialogue", "button", "button"),
                "button": LEAF,
                "dialogue": {"component": "Modal", "trigger": "button", "content": "button"},
            },
            [
                ("two_parents", "/components/root/children/1"),
                ("two_parents", "/components/root/children/2"),
            ],
        ),
        (
            {
                "root": column("one", "left"),
                "one": {"component": "List", "children": ROWS},
                "left": {"component": "List", "children": ROWS},
                "row": {"component": "List", "children": ROWS},
                "over": {"component": "List", "children": ROWS},
            },
            [
                ("child_cycle", "/components/row/children/componentId"),
                ("unreachable_component", "/components/over"),
            ],
        ),
        ({"root": card("root")}, [("child_cycle", "/components/root/child")]),
        (
            {"root": card("a"), "a": card("b"), "b": card("a")},
            [("child_cycle", "/components/b/child")],
        ),
        (
            {"root": column("z"), "z": column("y", "x"), "y": card("root"), "x": card("z")},
            [("child_cycle", "/components/x/child"), ("child_cycle", "/components/y/child")],
        ),
        # A circle beside the tree, and what hangs below it: once.
        (
            {"root": LEAF, "a": LEAF, "x": card("y"), "y": column("x", "a")},
            [("child_cycle", "/components/y/children/0")],
        ),
        ({"root": LEAF, "self": card("self")}, [("child_cycle", "/components/self/child")]),
        ({"root": LEAF, "left": LEAF}, [("unreachable_component", "/components/left")]),
        # Only the uppermost, whatever their order.
        (
            {"root": LEAF, "c": column("a", "b"), "a": LEAF, "b": card("d"), "d": LEAF, "z": LEAF},
            [
                ("unreachable_component", "/components/c"),
                ("unreachable_component", "/components/z"),
            ],
        ),
        # Without its root a tree is still looked at; all of it being unreachable is no news.
        ({}, [("missing_root", "/root")]),
        ({"rot": column("a"), "a": LEAF}, [("missing_root", "/root")]),
        (
            {"top": column("a", "b", "a"), "a": card("gone"), "b": card("b")},
            [
                ("missing_root", "/root"),
                ("child_cycle", "/components/b/child"),
                ("two_parents", "/components/top/children/2"),
                ("unresolved_child", "/components/a/child"),
            ],
        ),
    ],
)
def test_every_problem_of_the_tree_is_named_at_its_path(ann, dialect, components, expected):
    assert sorted(found(ann, tree(dialect=dialect, **components))) == sorted(expected)


def test_the_entries_of_a_list_are_counted_in_their_order(ann):
    ids = [f"c{number}" for number in range(12)]
    document = tree(root=column(*ids, "c3"), **dict.fromkeys(ids, LEAF))
    assert found(ann, document) == [("two_parents", "/components/root/children/12")]


FIELD = "the name of a field"
KEYS = {
    "filter": ["type", "field", "op", "value", "label", "target"],
    "sort": ["type", "field", "direction", "label", "target"],
    "limit": ["type", "value", "label", "target"],
}
OPS = ["eq", "ne", "lt", "lte", "gt", "gte", "in", "contains"]


@pytest.mark.parametrize(
    "parameter",
    [
        FILTER,
        SORT,
        LIMIT,
        SORT | {"direction": "desc", "label": ""},
        LIMIT | {"target": []},
        LIMIT | {"value": 1, "label": "One"},
        *(
            FILTER | {"op": op, "value": value}
            for op in ("lt", "lte", "gt", "gte")
            for value in (0, "2024-01-01")
        ),
        *(
            FILTER | {"op": op, "value": value}
            for op in ("eq", "ne")
            for value in (1, "", True, None)
        ),
        *(FILTER | {"op": "in", "value": value} for value in ([], ["a", 1, False])),
        FILTER | {"op": "contains", "value": ""},
    ],
)
def test_a_parameter_of_each_form_is_valid_in_every_dialect(ann, parameter):
    document = with_parameter(**parameter)
    assert found(ann, document) == []
    parts = {key: document[key] for key in ("sources", "parameters")}
    for dialect in DIALECTS:
        assert found(ann, tree(dialect=dialect, root=LEAF) | parts) == []


@pytest.mark.parametrize(
    ("parameter", "key", "facts"),
    [
        ({}, "type", {"allowed": list(KEYS)}),
        ({"tpye": "filter"}, "type", {"allowed": list(KEYS)}),
        (FILTER | {"type": "filtr"}, "type", {"allowed": list(KEYS), "nearest": "filter"}),
        (FILTER | {"type": "Limits"}, "type", {"allowed": list(KEYS), "nearest": "limit"}),
        (FILTER | {"type": None}, "type", {"allowed": list(KEYS)}),
        (FILTER | {"type": ["filter"]}, "type", {"allowed": list(KEYS)}),
        (FILTER | {"op": "gtee"}, "op", {"allowed": OPS, "nearest": "gte"}),
        (FILTER | {"op": "like"}, "op", {"allowed": OPS}),
        (FILTER | {"op": "LT"}, "op", {"allowed": OPS, "nearest": "lt"}),
        (FILTER | {"op": 1, "value": []}, "op", {"allowed": OPS}),
        (without(FILTER, "op"), "op", {"allowed": OPS}),
        (SORT | {"direction": "down"}, "direction", {"allowed": ["asc", "desc"]}),
        (SORT | {"direction": "as"}, "direction", {"allowed": ["asc", "desc"], "nearest": "asc"}),
        (FILTER | {"wild": 1}, "wild", {"allowed": KEYS["filter"]}),
        (
            without(FILTER, "field") | {"feild": "x"},
            "feild",
            {"allowed": KEYS["filter"], "nearest": "field"},
        ),
        (SORT | {"value": 1}, "value", {"allowed": KEYS["sort"]}),
        (LIMIT | {"lable": "x"}, "lable", {"allowed": KEYS["limit"], "nearest": "label"}),
        (without(SORT, "field"), "field", {"expected": FIELD}),
        (FILTER | {"field": ""}, "field", {"expected": FIELD}),
        (FILTER | {"field": {"path": "/x"}}, "field", {"expected": FIELD}),
        (FILTER | {"label": None}, "label", {"expected": "string"}),
        (without(FILTER, "value"), "value", {"expected": "a string or a number"}),
        (FILTER | {"value": True}, "value", {"expected": "a string or a number"}),
        (
            FILTER | {"op": "eq", "value": {}},
            "value",
            {"expected": "a string, a number, true, false or null"},
        ),
        (
            FILTER | {"op": "in", "value": "a"},
            "value",
            {"expected": "an array of strings, numbers or booleans"},
        ),
        (
            FILTER | {"op": "in", "value": [["a"]]},
            "value",
            {"expected": "an array of strings, numbers or booleans"},
        ),
        (FILTER | {"op": "contains", "value": 1}, "value", {"expected": "string"}),
        *(
            (LIMIT | {"value": value}, "value", {"expected": "a whole number from 1 on"})
            for value in (0, -1, 1.5, "10", None, [1])
        ),
        (without(LIMIT, "target"), "target", {"expected": "an array of names of sources"}),
        (LIMIT | {"target": "videos"}, "target", {"expected": "an array of names of sources"}),
        (LIMIT | {"target": ["videos", 1]}, "target/1", {"expected": "the name of a source"}),
    ],
)
def test_a_bad_parameter_is_named_with_what_is_good(ann, parameter, key, facts):
    assert only(ann, with_parameter(**parameter)) == {
        "code": "bad_parameter",
        "path": f"/parameters/knob/{key}",
        **facts,
    }


def test_a_parameter_is_an_object_with_a_name(ann):
    form = "1 to 64 of A-Z a-z 0-9 _ -"
    document = SMALLEST | {"parameters": {"knob": [], "a/b": without(LIMIT, "target"), "": None}}
    problems = validate(ann, document)["problems"]
    assert [(p["code"], p["path"], p["expected"]) for p in problems] == [
        ("bad_parameter", "/parameters/", form),
        ("bad_parameter", "/parameters/", "object"),
        ("bad_parameter", "/parameters/a~1b", form),
        ("bad_parameter", "/parameters/a~1b/target", "an array of names of sources"),
        ("bad_parameter", "/parameters/knob", "object"),
    ]


def test_a_target_that_is_no_source_is_named_with_those_that_are(ann):
    assert only(ann, with_parameter(["videos", "people"], **LIMIT | {"target": ["vidoes"]})) == {
        "code": "unknown_source",
        "path": "/parameters/knob/target/0",
        "allowed": ["people", "videos"],
        "nearest": "videos",
    }
    assert only(ann, with_parameter([], **LIMIT)) == {
        "code": "unknown_source",
        "path": "/parameters/knob/target/0",
        "allowed": [],
    }
    assert found(ann, without(with_parameter(**LIMIT), "sources")) == [
        ("unknown_source", "/parameters/knob/target/0")
    ]


def with_fields(fields, **parameter):
    document = with_parameter(["videos", "people"], **FILTER | {"target": ["videos"]} | parameter)
    document["sources"]["videos"]["fields"] = fields
    return document


FIELDS = ["duration_seconds", "title", "topic"]


@pytest.mark.parametrize(
    "document",
    [
        with_fields(FIELDS, field="topic"),
        with_fields(FIELDS, field="tpoic", target=["people"]),
        with_fields(FIELDS, field="anything", target=[]),
        with_fields(["x" * 200, "ö", " ", "a/b"], field="a/b"),
        with_fields([f"f{n}" for n in range(200)], field="f199"),
        SMALLEST | {"sources": {"videos": {"ref": "v", "into": "/v", "fields": []}}},
    ],
)
def test_a_field_that_a_source_has_or_of_which_it_says_nothing_is_fine(ann, document):
    assert found(ann, document) == []


@pytest.mark.parametrize(
    ("fields", "parameter", "facts"),
    [
        (FIELDS, {"field": "tpoic"}, {"allowed": FIELDS, "nearest": "topic"}),
        (FIELDS, {"field": "views", "target": ["people", "videos"]}, {"allowed": FIELDS}),
        ([], {"field": "topic"}, {"allowed": []}),
        (
            [f"f{n}" for n in range(200)],
            {"field": "f200"},
            {"allowed": [f"f{n}" for n in range(20)], "nearest": "f100"},
        ),
    ],
)
def test_a_field_that_no_row_has_is_named_with_those_there_are(ann, fields, parameter, facts):
    assert only(ann, with_fields(fields, **parameter)) == {
        "code": "bad_parameter",
        "path": "/parameters/knob/field",
        **facts,
    }


def test_a_sort_is_held_to_the_fields_too_and_of_two_sources_one_is_told(ann):
    document = with_parameter(
        ["videos", "people"], **SORT | {"field": "age", "target": ["videos", "people"]}
    )
    document["sources"]["videos"]["fields"] = FIELDS
    document["sources"]["people"]["fields"] = ["name"]
    assert only(ann, document)["allowed"] == ["name"]


@pytest.mark.parametrize(
    "fields",
    [
        "topic",
        None,
        {"topic": 1},
        ["topic", "topic"],
        ["topic", ""],
        ["topic", 1],
        ["topic", None],
        ["x" * 201],
        [f"f{n}" for n in range(201)],
    ],
)
def test_fields_of_another_form_are_told_and_hold_no_parameter(ann, fields):
    assert only(ann, with_fields(fields)) == {
        "code": "wrong_type",
        "path": "/sources/videos/fields",
        "expected": "an array of at most 200 different strings, of 1 to 200 characters",
    }


def test_of_many_sources_the_first_twenty_are_named(ann):
    many = [f"source-{number:03}" for number in range(500)]
    problem = only(ann, with_parameter(many, **LIMIT | {"target": ["source-4999"]}))
    assert problem["allowed"] == many[:20]
    assert problem["nearest"] == "source-499"


def test_targets_are_not_looked_up_among_sources_that_are_none(ann):
    assert found(ann, with_parameter(**LIMIT) | {"sources": []}) == [("wrong_type", "/sources")]


SOURCE = {"ref": "content.videos", "into": "/videos", "args": {"topic": "leadership"}}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (SOURCE, []),
        (without(SOURCE, "args"), []),
        (SOURCE | {"into": "/a~1b/0/~0"}, []),
        ({}, [("wrong_type", "/sources/videos/into"), ("wrong_type", "/sources/videos/ref")]),
        (SOURCE | {"ref": ""}, [("wrong_type", "/sources/videos/ref")]),
        (SOURCE | {"ref": 1}, [("wrong_type", "/sources/videos/ref")]),
        (SOURCE | {"into": ""}, [("wrong_type", "/sources/videos/into")]),
        (SOURCE | {"into": "videos"}, [("wrong_type", "/sources/videos/into")]),
        (SOURCE | {"into": "/a~2"}, [("wrong_type", "/sources/videos/into")]),
        (SOURCE | {"into": ["/videos"]}, [("wrong_type", "/sources/videos/into")]),
        (SOURCE | {"args": []}, [("wrong_type", "/sources/videos/args")]),
        (SOURCE | {"args": None}, [("wrong_type", "/sources/videos/args")]),
        (SOURCE | {"arguments": {}}, [("unknown_key", "/sources/videos/arguments")]),
        (without(SOURCE, "into") | {"Into": "/x"}, [("unknown_key", "/sources/videos/Into")]),
        (
            without(SOURCE, "into") | {"wild": "/x"},
            [("wrong_type", "/sources/videos/into"), ("unknown_key", "/sources/videos/wild")],
        ),
    ],
)
def test_every_problem_of_a_source_is_named_at_its_path(ann, source, expected):
    assert found(ann, with_source(**source)) == expected


def test_a_source_is_an_object_with_a_name(ann):
    document = SMALLEST | {"sources": {"a": None, "b": "x", "a b": SOURCE, "x" * 65: SOURCE}}
    assert found(ann, document) == [
        ("wrong_type", "/sources/a"),
        ("unknown_key", "/sources/a b"),
        ("wrong_type", "/sources/b"),
        ("unknown_key", "/sources/" + "x" * 65),
    ]


def test_a_misspelt_key_of_a_source_comes_with_the_right_one(ann):
    problem = only(ann, with_source(**without(SOURCE, "ref"), Ref="content.videos"))
    assert problem == {
        "code": "unknown_key",
        "path": "/sources/videos/Ref",
        "allowed": ["ref", "into", "args", "fields"],
        "nearest": "ref",
    }


def test_a_name_in_ext_is_namespace_and_name(ann):
    good = {"acme.maps/route": None, "a/b": [{"root": 1}], "A-1/_.": "x"}
    assert found(ann, SMALLEST | {"ext": good}) == []
    bad = {"acme": 1, "a/b/c": 1, "/a": 1, "a/": 1, "a b/c": 1, f"{'x' * 65}/y": 1}
    assert sorted(found(ann, SMALLEST | {"ext": bad})) == sorted(
        ("unknown_key", "/ext/" + name.replace("/", "~1")) for name in bad
    )


MANY = 5000


def crowd(*children):
    """As many components as there may be, all but some of them children of the root."""
    leaves = [f"c{number}" for number in range(MANY - 1)]
    return tree(root=column(*leaves, *children), **dict.fromkeys(leaves, LEAF))


def chain(last):
    """As many components as there may be, each the child of the one before."""
    ids = ["root", *(f"c{number}" for number in range(1, MANY))]
    cards = {id: card(child) for id, child in itertools.pairwise(ids)}
    return tree(**cards, **{ids[-1]: last})


@pytest.mark.parametrize(
    ("document", "count", "first"),
    [
        (crowd(), 0, None),
        (chain(LEAF), 0, None),
        (chain(card("root")), 1, ("child_cycle", "/components/c4999/child")),
        (chain(card("gone")), 1, ("unresolved_child", "/components/c4999/child")),
        (crowd(*["c7"] * MANY), 100, ("two_parents", "/components/root/children/4999")),
        (crowd(*["root"] * MANY), 100, ("child_cycle", "/components/root/children/4999")),
        (crowd(*["gone"] * MANY), 100, ("unresolved_child", "/components/root/children/4999")),
        (crowd(*[None] * MANY), 100, ("wrong_type", "/components/root/children/4999")),
        (
            tree(root=LEAF, **{f"c{number}": LEAF for number in range(MANY - 1)}),
            100,
            ("unreachable_component", "/components/c0"),
        ),
        (
            tree(root=LEAF, **{f"c{number}": card(f"c{number}") for number in range(MANY - 1)}),
            100,
            ("child_cycle", "/components/c0/child"),
        ),
        (tree(**{f"c {number}": None for number in range(MANY)}), 100, ("missing_root", "/root")),
        (
            tree(root=column(*["x" * 60 + str(number) for number in range(MANY - 1)]))
            | {"sources": {"y" * 60 + str(number): 1 for number in range(MANY)}},
            100,
            ("unresolved_child", "/components/root/children/0"),
        ),
        (
            SMALLEST | {"sources": {str(number): {} for number in range(50_000)}},
            100,
            ("wrong_type", "/sources/0/into"),
        ),
        (
            SMALLEST | {"parameters": {str(number): {} for number in range(50_000)}},
            100,
            ("bad_parameter", "/parameters/0/type"),
        ),
        (
            SMALLEST | {"ext": dict.fromkeys(map(str, range(50_000)), 0)},
            100,
            ("unknown_key", "/ext/0"),
        ),
        (
            {
                "format": "composition/1",
                "dialect": "json",
                "body": {},
                "sources": {"v": {"ref": "v", "into": "/v", "fields": ["a" * 200] * 1}},
                "parameters": {
                    str(number): FILTER | {"target": ["v", "v"]} for number in range(8_000)
                },
            },
            100,
            ("bad_parameter", "/parameters/0/field"),
        ),
        (
            with_parameter(["v"], **LIMIT | {"target": ["w"] * 100_000}),
            100,
            ("unknown_source", "/parameters/knob/target/0"),
        ),
        (with_source(**dict.fromkeys(map(str, range(50_000)), 0)), 100, None),
        (with_parameter(**LIMIT, **dict.fromkeys(map(str, range(50_000)), 0)), 100, None),
    ],
)
def test_what_is_huge_gets_a_short_answer(ann, document, count, first):
    problems = validate(ann, document)["problems"]
    assert len(problems) == count
    if first is not None:
        assert (problems[0]["code"], problems[0]["path"]) == first
    assert len(json.dumps(problems)) < 60_000


def test_an_id_of_fifty_thousand_letters_is_not_sent_back(ann):
    secret = "s3cret" * 8_000
    document = tree(
        root=column(secret[1:], "short"),
        **{secret: card(secret), "left": card(secret) | {"text": "s3cret"}},
    ) | {
        "parameters": {secret: {"type": secret}},
        "sources": {secret: {"ref": 1, "into": secret, secret: secret}},
        "ext": {secret: secret},
        secret: secret,
    }
    answer = validate(ann, document)
    assert {problem["code"] for problem in answer["problems"]} == {
        "bad_component_id",
        "bad_parameter",
        "child_cycle",
        "unknown_key",
        "unresolved_child",
        "wrong_type",
    }
    assert len(json.dumps(answer)) < 8_000


def test_nothing_but_names_of_keys_is_quoted_back(ann):
    """What a document says is its owner's; an answer may end in a log."""
    secret = "s3cret"
    document = tree(
        root=column(secret, {"text": secret}, text=secret),
        list={"component": "List", "children": {"componentId": secret}},
        other={"component": [secret]},
        third=secret,
    ) | {
        "dialect": secret,
        "format": secret,
        "sources": {"a": {"ref": [secret], "into": secret, "args": secret}},
        "parameters": {
            "b": FILTER | {"op": secret, "field": [secret], "label": [secret], "target": [secret]},
            "c": {"type": secret},
        },
        "ext": {"d": secret},
        "data": secret,
    }
    answer = validate(ann, document)
    assert len(answer["problems"]) >= 12
    assert secret not in json.dumps(answer)


@pytest.mark.parametrize(
    "hole",
    ["format", "dialect", "root", "components", "data", "sources", "parameters", "ext", "body"],
)
@pytest.mark.parametrize("filler", [None, [], {}, "", 0, True, [[]], [None], {"": None}])
def test_a_hole_in_any_place_gets_an_answer(ann, hole, filler):
    document = sample() | {hole: filler}
    answer = validate(ann, document)
    allowed = hole in ("data", "sources", "parameters", "ext") and isinstance(filler, dict)
    assert answer["valid"] <= allowed
