"""What is wrong with a document, told before anything is saved."""

import json

import pytest
from psycopg.types.json import Jsonb

from tests.people import refused
from tests.samples import SMALLEST, sample, small

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


def tree(root="root", dialect="a2ui/0.9.1", **components):
    """A document of components."""
    return {
        "format": "composition/1",
        "dialect": dialect,
        "root": root,
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
