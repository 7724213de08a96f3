import pytest

from tests.people import in_turn, refused
from tests.samples import small


def labels(person, composition_id):
    """Labels by version, as the list shows them."""
    items = person.call("list_versions", composition_id=composition_id)["items"]
    return {item["version"]: item["label"] for item in items}


def test_a_label_is_set_shown_everywhere_and_removed(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)
    ann.call("save_version", composition_id=piece.id, base_version=1, document=small())
    assert labels(ann, piece.id) == {1: None, 2: None}

    labelled = ann.call(
        "label_version", composition_id=piece.id, version=1, label="As shown to Ben"
    )

    shown = ann.call("get_version", composition_id=piece.id, version=1)
    assert shown.pop("document") == piece.document
    assert labelled == shown
    assert labels(ann, piece.id) == {1: "As shown to Ben", 2: None}
    removed = ann.call("label_version", composition_id=piece.id, version=1, label=None)
    assert removed == labelled | {"label": None}
    assert labels(ann, piece.id) == {1: None, 2: None}


def test_a_label_changes_nothing_that_is_loaded(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)
    before = ann.call("load_composition", composition_id=piece.id)

    ann.call("label_version", composition_id=piece.id, version=1, label="First")

    assert ann.call("load_composition", composition_id=piece.id) == before


@pytest.mark.parametrize("label", ["x", "x" * 100, "Überblick ✓"])
def test_labels_of_1_to_100_characters_are_kept_as_they_are(people, composition, label):
    (ann,) = people("ann")
    piece = composition(ann)
    assert (
        ann.call("label_version", composition_id=piece.id, version=1, label=label)["label"] == label
    )


@pytest.mark.parametrize("label", ["", " \n\t", "x" * 101])
def test_a_label_that_is_blank_or_too_long_is_refused(people, composition, label):
    (ann,) = people("ann")
    piece = composition(ann)
    ann.call("label_version", composition_id=piece.id, version=1, label="First")

    with refused("PT422", code="invalid_argument", constraint="composition_versions_label_length"):
        ann.call("label_version", composition_id=piece.id, version=1, label=label)

    assert labels(ann, piece.id) == {1: "First"}


@pytest.mark.parametrize("version", [0, 2, -1, 2147483647, None])
def test_a_version_that_is_not_there_cannot_be_labelled(people, composition, version):
    (ann,) = people("ann")
    piece = composition(ann)
    with refused("PT404", code="version_not_found"):
        ann.call("label_version", composition_id=piece.id, version=version, label="x")
    assert labels(ann, piece.id) == {1: None}


def test_editors_and_owners_label_and_nobody_else_does(around):
    expected = {
        "stranger": ("PT404", "composition_not_found"),
        "viewer": ("PT403", "composition_read_only"),
        "member": ("PT403", "composition_read_only"),
        "anon": ("42501", None),
    }
    label = {"composition_id": around.composition_id, "version": 1}
    for who, (sqlstate, code) in expected.items():
        with refused(sqlstate, **({"code": code} if code else {})):
            around.people[who].call("label_version", label=who, **label)
    assert labels(around.people["owner"], around.composition_id) == {1: None}

    for who in ("editor", "admin", "owner"):
        assert around.people[who].call("label_version", label=who, **label)["label"] == who


def test_no_composition_at_all_is_not_found(people):
    (ann,) = people("ann")
    with refused("PT404", code="composition_not_found"):
        ann.call("label_version", composition_id=None, version=1, label="x")


def test_who_loses_the_role_while_waiting_sets_no_label(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="editor")

    with refused("PT404", code="composition_not_found"):
        in_turn(
            ann,
            lambda: ann.connection.execute(
                "select public.unshare_composition(%s, user_id => %s)", (piece.id, ben.id)
            ),
            ben,
            lambda: ben.call("label_version", composition_id=piece.id, version=1, label="Mine"),
        )
    assert labels(ann, piece.id) == {1: None}
