"""What is refused as a document, and that refusing it costs nothing."""

import json

import psycopg
import pytest

from bench.measure import private_memory
from demo.samples import FOLDER
from tests.people import refused
from tests.samples import DEPTH_BOMB, NUMBER_BOMB, SMALLEST, ZERO_BOMB, sample, small


def problems(person, document):
    """(code, path) of every problem that saving a document meets."""
    with refused("PT422", code="invalid_document") as detail:
        create(person, document)
    return [(problem["code"], problem["path"]) for problem in detail["problems"]]


def create(person, document):
    """Create a composition from JSON text or from an object."""
    text = document if isinstance(document, str) else json.dumps(document)
    with person.transaction():
        return person.connection.execute(
            "select public.create_composition('Hostile', %s::jsonb)", (text,)
        ).fetchone()[0]


@pytest.mark.parametrize(
    ("bomb", "code"),
    [
        (NUMBER_BOMB, "number_out_of_range"),
        (
            f'{{"format":"composition/1","dialect":"json","body":{{"a":{NUMBER_BOMB}}}}}',
            "number_out_of_range",
        ),
        (ZERO_BOMB, "number_out_of_range"),
        (DEPTH_BOMB, "too_deep"),
        (f'{{"format":"composition/1","dialect":"json","body":{{"a":{DEPTH_BOMB}}}}}', "too_deep"),
    ],
)
def test_a_bomb_is_refused_and_takes_no_memory(people, bomb, code):
    (ann,) = people("ann")
    create(ann, SMALLEST)  # what a first call costs is not the bomb's
    before = private_memory(ann.connection.info.backend_pid)

    assert problems(ann, bomb) == [(code, "")]

    # As text the number bomb is a gigabyte.
    assert private_memory(ann.connection.info.backend_pid) - before < 20_000_000


def test_a_zero_byte_is_refused(people):
    (ann,) = people("ann")
    with pytest.raises(psycopg.Error) as caught:
        create(ann, '{"format":"composition/1","dialect":"json","body":{"a":"\\u0000"}}')
    assert caught.value.sqlstate == "22P05"


@pytest.mark.parametrize(
    "number", ["1e15", "-1e15", "0", "0.0", "-0.0", "0e-15", "1e-15", "-1e-15", "0.5"]
)
def test_numbers_within_the_limits_come_back_as_they_were(people, number):
    (ann,) = people("ann")
    document = f'{{"format":"composition/1","dialect":"json","body":{{"n":{number}}}}}'

    made = create(ann, document)

    loaded = ann.call("load_composition", composition_id=made["composition_id"])
    assert loaded["document"]["body"]["n"] == json.loads(number)


@pytest.mark.parametrize(
    "number",
    ["1000000000000001", "-1000000000000001", "1e16", "9e-16", "-9e-16", "1e-300", "0e-16"],
)
@pytest.mark.parametrize("place", ['{"n":%s}', '{"a":[[{"b":%s}]]}', '{"a":["x",null,%s]}'])
def test_numbers_beyond_the_limits_are_refused_wherever_they_are(people, number, place):
    (ann,) = people("ann")
    body = place % number
    document = f'{{"format":"composition/1","dialect":"json","body":{body}}}'
    assert problems(ann, document) == [("number_out_of_range", "")]


def nested(levels):
    """A document of exactly so many levels; itself and body are the first two."""
    arrays = levels - 2
    return small(a=json.loads("[" * arrays + "1" + "]" * arrays))


def test_64_levels_are_accepted_and_65_are_not(people):
    (ann,) = people("ann")
    create(ann, nested(64))
    assert problems(ann, nested(65)) == [("too_deep", "")]


def test_a_mebibyte_of_text_is_accepted_and_one_byte_more_is_not(people):
    (ann,) = people("ann")
    room = 1_048_576 - len(json.dumps(small(a="")))
    create(ann, small(a="x" * room))
    assert problems(ann, small(a="x" * (room + 1))) == [("too_large", "")]


@pytest.mark.parametrize("filler", ["0", "{}", "[]", '""', "null"])
def test_what_is_far_too_large_is_refused_before_anything_reads_it(people, filler):
    (ann,) = people("ann")
    body = f'{{"a":[{",".join([filler] * 1_500_000)}],"deep":{DEPTH_BOMB},"big":1e300}}'
    document = f'{{"format":"composition/1","dialect":"json","body":{body}}}'
    assert problems(ann, document) == [("too_large", "")]


def test_5000_components_are_accepted_and_one_more_is_not(people):
    (ann,) = people("ann")

    def crowd(count):
        components = {f"c{number}": {"component": "Divider"} for number in range(count - 1)}
        root = {"component": "Column", "children": list(components)}
        return sample() | {"components": components | {"root": root}}

    create(ann, crowd(5000))
    assert problems(ann, crowd(5001)) == [("too_large", "/components")]


@pytest.mark.parametrize("document", ["null", "[]", "1", '"x"', "true"])
def test_a_document_is_an_object(people, document):
    (ann,) = people("ann")
    assert problems(ann, document) == [("wrong_type", "")]


def test_no_document_at_all_is_refused(people):
    (ann,) = people("ann")
    with refused("PT422", code="invalid_document"):
        ann.call("create_composition", title="Nothing", document=None)


def without(document, *keys):
    return {key: value for key, value in document.items() if key not in keys}


A2UI = {
    "format": "composition/1",
    "dialect": "a2ui/0.9.1",
    "root": "root",
    "components": {"root": {"component": "Text", "text": "Hello"}},
}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (A2UI | {"format": "composition/2"}, [("unknown_format", "/format")]),
        (without(A2UI, "format"), [("unknown_format", "/format")]),
        (A2UI | {"format": 1}, [("unknown_format", "/format")]),
        (A2UI | {"dialect": "a2ui/9"}, [("unknown_dialect", "/dialect")]),
        (A2UI | {"dialect": None}, [("unknown_dialect", "/dialect")]),
        (without(A2UI, "dialect"), [("unknown_dialect", "/dialect")]),
        (without(A2UI, "root"), [("missing_root", "/root")]),
        (A2UI | {"root": "other"}, [("missing_root", "/root")]),
        (A2UI | {"root": 1}, [("wrong_type", "/root")]),
        (without(A2UI, "components"), [("wrong_type", "/components")]),
        (A2UI | {"components": []}, [("wrong_type", "/components")]),
        (A2UI | {"body": {}}, [("unknown_key", "/body")]),
        (A2UI | {"title": "x"}, [("unknown_key", "/title")]),
        (A2UI | {"a/b~c": 1}, [("unknown_key", "/a~1b~0c")]),
        (A2UI | {"data": []}, [("wrong_type", "/data")]),
        (A2UI | {"sources": None}, [("wrong_type", "/sources")]),
        (A2UI | {"parameters": "x"}, [("wrong_type", "/parameters")]),
        (A2UI | {"ext": 1}, [("wrong_type", "/ext")]),
        (SMALLEST | {"body": []}, [("wrong_type", "/body")]),
        (without(SMALLEST, "body"), [("wrong_type", "/body")]),
        (SMALLEST | {"root": "x"}, [("unknown_key", "/root")]),
        (
            {"dialect": "json", "wild": 1, "ext": 2},
            [
                ("wrong_type", "/body"),
                ("wrong_type", "/ext"),
                ("unknown_format", "/format"),
                ("unknown_key", "/wild"),
            ],
        ),
    ],
)
def test_every_problem_of_the_envelope_is_named_at_its_path(people, document, expected):
    (ann,) = people("ann")
    assert problems(ann, document) == expected
    assert ann.call("list_my_compositions")["items"] == []


@pytest.mark.parametrize("dialect", ["a2ui/0.9.1", "json-render/1"])
def test_both_component_dialects_are_accepted(people, dialect):
    (ann,) = people("ann")
    create(ann, A2UI | {"dialect": dialect})


def test_a_thousand_unknown_keys_of_great_length_answer_briefly(people):
    (ann,) = people("ann")
    wild = {f"{number}{'x' * 1000}": 1 for number in range(1000)}

    with refused("PT422", code="invalid_document") as detail:
        create(ann, SMALLEST | wild)

    assert len(detail["problems"]) == 100
    assert len(json.dumps(detail)) < 60_000


def test_every_sample_comes_back_equal(people, composition):
    (ann,) = people("ann")
    names = sorted(path.stem for path in FOLDER.glob("*.json"))
    assert len(names) >= 24
    for name in names:
        piece = composition(ann, sample(name))
        loaded = ann.call("load_composition", composition_id=piece.id)
        assert loaded["document"] == sample(name)


def test_a_limit_is_a_row_that_an_operator_can_change(people, admin):
    (ann,) = people("ann")
    with admin.transaction(force_rollback=True):
        admin.execute("update private.settings set value = 3 where name = 'max_document_depth'")
        row = admin.execute(
            "select private.document_problems(%s::jsonb)", (json.dumps(nested(4)),)
        ).fetchone()
        assert [problem["code"] for problem in row[0]] == ["too_deep"]
    create(ann, nested(4))
