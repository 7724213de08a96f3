"""One knob of a composition, for everyone or in a layer."""

import json

import pytest
from psycopg.types.json import Jsonb

from tests.database.conftest import one_kind
from tests.people import NOBODY, in_turn, refused
from tests.samples import DEPTH_BOMB, NUMBER_BOMB, sample, small

pytestmark = one_kind

DURATION = {
    "type": "filter",
    "field": "duration_seconds",
    "op": "lt",
    "value": 600,
    "label": "Under 10 minutes",
    "target": ["videos"],
}


def turn(person, piece, parameter, name="duration", **arguments):
    return person.call(
        "set_parameter", composition_id=piece.id, name=name, parameter=parameter, **arguments
    )


def load(person, piece, **arguments):
    return person.call("load_composition", composition_id=piece.id, **arguments)


def newest(person, piece):
    return person.call("list_versions", composition_id=piece.id)["items"][0]


def test_a_parameter_is_set_and_the_message_says_what_changed(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)

    written = turn(ann, piece, DURATION, origin={"agent": "designer"})

    assert set(written) == {"composition_id", "version", "content_hash", "title", "updated_at"}
    loaded = load(ann, piece)
    expected = sample()
    expected["parameters"]["duration"] = DURATION
    assert (loaded["version"], loaded["document"]) == (2, expected)
    version = newest(ann, piece)
    assert version["kind"] == "save"
    assert version["message"] == "Duration filter: none → under 10 minutes"
    assert version["origin"] == {"kind": "agent", "agent": "designer"}


def test_a_part_of_a_parameter_is_changed(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)
    turn(ann, piece, DURATION)

    turn(ann, piece, {"value": 900, "label": "Under 15 minutes"})
    parameters = load(ann, piece)["document"]["parameters"]
    assert parameters["duration"] == DURATION | {"value": 900, "label": "Under 15 minutes"}
    assert newest(ann, piece)["message"] == ("Duration filter: under 10 minutes → under 15 minutes")

    turn(ann, piece, {"label": None}, message="No label")
    parameters = load(ann, piece)["document"]["parameters"]
    assert parameters["duration"] == {
        key: value for key, value in DURATION.items() if key != "label"
    } | {"value": 900}
    assert newest(ann, piece)["message"] == "No label"

    turn(ann, piece, {"op": "eq", "value": None})
    assert load(ann, piece)["document"]["parameters"]["duration"]["value"] is None


def test_with_a_type_the_parameter_is_replaced_whole(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)
    turn(ann, piece, DURATION)

    whole = {"type": "limit", "value": 3, "target": ["videos"]}
    turn(ann, piece, whole)

    assert load(ann, piece)["document"]["parameters"]["duration"] == whole


def test_a_document_without_parameters_gets_its_first(people, composition):
    (ann,) = people("ann")
    piece = composition(ann, small())
    rows = {"type": "limit", "value": 8, "target": []}

    turn(ann, piece, rows, name="rows")

    assert load(ann, piece)["document"] == small() | {"parameters": {"rows": rows}}


def test_a_part_of_what_is_not_there_is_refused_with_what_is(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)
    turn(ann, piece, DURATION)
    names = sorted(load(ann, piece)["document"]["parameters"])

    with refused("PT404", code="parameter_not_found", allowed=names, nearest="duration"):
        turn(ann, piece, {"value": 900}, name="duraton")
    with refused("PT404", code="parameter_not_found", allowed=names, nearest=None):
        turn(ann, piece, {}, name="s3cret")

    assert load(ann, piece)["version"] == 2


@pytest.mark.parametrize(
    ("name", "parameter", "path"),
    [
        ("duration", DURATION | {"op": "under"}, "/parameters/duration/op"),
        ("duration", DURATION | {"target": ["vidoes"]}, "/parameters/duration/target/0"),
        ("duration", 600, "/parameters/duration"),
        ("duration", "type", "/parameters/duration"),
        ("duration", [DURATION], "/parameters/duration"),
    ],
)
def test_a_parameter_that_is_none_is_refused_as_a_document_is(
    people, composition, name, parameter, path
):
    (ann,) = people("ann")
    piece = composition(ann)
    with refused("PT422", code="invalid_document") as detail:
        turn(ann, piece, Jsonb(parameter), name=name)
    assert [problem["path"] for problem in detail["problems"]] == [path]
    assert load(ann, piece)["version"] == 1


@pytest.mark.parametrize("scope", ["composition", "me"])
@pytest.mark.parametrize(
    ("bomb", "code"),
    [
        (NUMBER_BOMB, "number_out_of_range"),
        (DEPTH_BOMB, "too_deep"),
        (json.dumps(["x" * 1_100_000]), "too_large"),
    ],
)
def test_a_bomb_in_a_parameter_goes_off_nowhere(people, composition, scope, bomb, code):
    (ann,) = people("ann")
    piece = composition(ann)
    for parameter in (f'{{"type": "limit", "value": {bomb}}}', f'{{"value": {bomb}}}', bomb):
        with refused("PT422", code="invalid_document") as detail:
            turn(ann, piece, parameter, name="how_many", scope=scope)
        assert [problem["code"] for problem in detail["problems"]] == [code]


def test_a_field_that_no_row_has_is_refused(people, composition):
    (ann,) = people("ann")
    document = sample()
    document["sources"]["videos"]["fields"] = ["duration_seconds", "published", "title", "topic"]
    for parameter in document["parameters"].values():
        if parameter.get("field"):
            document["sources"]["videos"]["fields"].append(parameter["field"])
    fields = document["sources"]["videos"]["fields"]
    document["sources"]["videos"]["fields"] = sorted(set(fields))
    piece = composition(ann, document)

    turn(ann, piece, DURATION)
    with refused("PT422", code="invalid_document") as detail:
        turn(ann, piece, DURATION | {"field": "duration"})
    (problem,) = detail["problems"]
    assert problem["path"] == "/parameters/duration/field"
    assert problem["allowed"] == sorted(set(fields))


def test_a_knob_is_turned_on_the_head_or_on_the_version_that_was_seen(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="editor")
    turn(ann, piece, DURATION)

    assert turn(ben, piece, {"value": 60}, base_version=2)["version"] == 3
    for base_version in (0, 1, 2, 9):
        with refused("PT409", code="version_conflict", head_version=3):
            turn(ben, piece, {"value": 90}, base_version=base_version)

    answer = in_turn(
        ann,
        lambda: turn(ann, piece, {"value": 120}),
        ben,
        lambda: turn(ben, piece, {"label": "Short"}),
    )
    assert answer["version"] == 5, "the second waited, and nothing of the first is lost"
    knob = load(ann, piece)["document"]["parameters"]["duration"]
    assert (knob["value"], knob["label"]) == (120, "Short")


def test_what_is_not_said_right_is_named(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)
    for name in (None, "", "a b", "a/b", "größe", "x" * 65, "x\n"):
        with refused("PT422", code="invalid_argument", argument="name"):
            turn(ann, piece, DURATION, name=name)
    with refused("PT422", code="invalid_argument", argument="parameter"):
        turn(ann, piece, None)
    for scope in ("everyone", None):
        with refused(
            "PT422",
            code="invalid_argument",
            argument="scope",
            allowed=["composition", "me", "organization"],
        ):
            turn(ann, piece, DURATION, scope=scope)
    for scope in ("composition", "me"):
        with refused("PT422", code="invalid_argument", argument="organization_id"):
            turn(ann, piece, DURATION, scope=scope, organization_id=NOBODY)
    with refused("PT422", code="invalid_argument", argument="origin"):
        turn(ann, piece, DURATION, origin={"agent": 1})


def test_a_viewer_turns_a_knob_for_themselves_alone(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")

    with refused("PT403", code="composition_read_only"):
        turn(ben, piece, DURATION)
    layer = turn(ben, piece, DURATION, scope="me")

    assert (layer["scope"], layer["version"], layer["state"]) == ("me", 1, "applied")
    assert layer["sentences"] == ["Duration filter: none → under 10 minutes"]
    assert load(ben, piece)["document"]["parameters"]["duration"] == DURATION
    assert "duration" not in load(ann, piece)["document"]["parameters"]

    turn(ben, piece, {"value": 60, "label": None}, scope="me")
    turn(ann, piece, {"type": "limit", "value": 3, "target": ["videos"]}, name="rows")
    knobs = load(ben, piece)["document"]["parameters"]
    assert (knobs["duration"]["value"], knobs["rows"]["value"]) == (60, 3)
    with refused("PT404", code="parameter_not_found", nearest="duration"):
        turn(ben, piece, {"value": 60}, name="duratoin", scope="me")
    with refused("PT404", code="version_not_found"):
        turn(ben, piece, {"value": 60}, scope="me", base_version=9)
    with refused("PT422", code="invalid_document"):
        turn(ben, piece, {"op": "under"}, scope="me")


def test_an_admin_turns_a_knob_for_the_members(around):
    piece = around
    rows = {"type": "limit", "value": 8, "target": []}

    def attempt(who):
        return around.people[who].call(
            "set_parameter",
            composition_id=around.composition_id,
            name="rows",
            parameter=rows,
            scope="organization",
        )

    with refused("PT404", code="composition_not_found"):
        attempt("stranger")
    with refused("PT404", code="organization_not_found"):
        attempt("viewer")
    with refused("PT403", code="organization_role_too_low"):
        attempt("member")
    assert attempt("admin")["organization_id"] == piece.organization_id

    shown = {
        who: around.people[who]
        .call("load_composition", composition_id=around.composition_id)["document"]
        .get("parameters")
        for who in ("viewer", "member", "owner")
    }
    assert shown == {"viewer": None, "member": {"rows": rows}, "owner": {"rows": rows}}


def test_a_stranger_learns_nothing(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    for parameter in (DURATION, {"value": 1}):
        for scope in ("composition", "me", "organization", "none"):
            with refused("PT404", code="composition_not_found"):
                turn(ben, piece, parameter, scope=scope)
