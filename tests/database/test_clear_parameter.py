from tests.database.conftest import one_kind
from tests.database.test_set_parameter import DURATION, load, newest, turn
from tests.people import refused
from tests.samples import sample, small

pytestmark = one_kind


def clear(person, piece, name="duration", **arguments):
    return person.call("clear_parameter", composition_id=piece.id, name=name, **arguments)


def test_a_parameter_is_taken_away_and_the_message_says_so(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)
    turn(ann, piece, DURATION)

    written = clear(ann, piece, origin={"turn": "8"})

    assert written["version"] == 3
    assert load(ann, piece)["document"] == sample()
    version = newest(ann, piece)
    assert version["message"] == "Duration filter: under 10 minutes → none"
    assert version["origin"] == {"kind": "agent", "turn": "8"}


def test_what_is_not_there_is_not_taken_away(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)
    turn(ann, piece, DURATION)
    for name in ("duraton", "Duration"):
        with refused("PT404", code="parameter_not_found", nearest="duration"):
            clear(ann, piece, name=name)
    bare = composition(ann, small())
    with refused("PT404", code="parameter_not_found", allowed=[]):
        clear(ann, bare)
    with refused("PT422", code="invalid_argument", argument="name"):
        clear(ann, piece, name=None)
    with refused("PT409", code="version_conflict", head_version=2):
        clear(ann, piece, base_version=1)
    assert load(ann, piece)["version"] == 2


def test_a_viewer_is_without_a_filter_that_others_have(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    turn(ann, piece, DURATION)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")

    with refused("PT403", code="composition_read_only"):
        clear(ben, piece)
    layer = clear(ben, piece, scope="me")

    assert layer["sentences"] == ["Duration filter: under 10 minutes → none"]
    assert "duration" not in load(ben, piece)["document"]["parameters"]
    assert load(ann, piece)["document"]["parameters"]["duration"] == DURATION
    with refused("PT404", code="parameter_not_found"):
        clear(ben, piece, scope="me")


def test_what_was_set_for_oneself_is_taken_away_without_a_trace(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")
    turn(ben, piece, DURATION, scope="me")

    assert clear(ben, piece, scope="me")["state"] == "none"
    assert load(ben, piece)["document"] == load(ann, piece)["document"]
