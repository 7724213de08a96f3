import pytest

from tests.database.conftest import one_kind
from tests.layers import add, fits, lay, shown
from tests.people import refused
from tests.samples import SMALLEST, small

pytestmark = one_kind


@pytest.fixture
def layered(around):
    """Layers of the organisation, its member, and the viewer and the editor from outside."""
    lay(around.people["admin"], around.composition_id, add("/body/ours", 1), scope="organization")
    for who in ("viewer", "editor", "member", "admin"):
        lay(around.people[who], around.composition_id, add("/body/mine", who))
    return around


def promote(around, who, **arguments):
    return around.people[who].call(
        "promote_layer", composition_id=around.composition_id, **arguments
    )


def test_an_editors_layer_becomes_a_version_and_is_gone(layered):
    made = promote(layered, "editor", message="Mine", origin={"agent": "designer"})

    assert (made["composition_id"], made["version"]) == (layered.composition_id, 2)
    editor = layered.people["editor"]
    assert shown(editor, layered.composition_id) == {"mine": "editor"}
    assert fits(editor, layered.composition_id) == []
    version = editor.call("get_version", composition_id=layered.composition_id, version=2)
    assert (version["kind"], version["message"]) == ("save", "Mine")
    assert version["origin"] == {"kind": "agent", "agent": "designer"}


def test_a_version_has_no_layer_of_the_organisation_in_it(layered):
    promote(layered, "admin")

    assert shown(layered.people["viewer"], layered.composition_id) == {"mine": "admin"}
    assert shown(layered.people["owner"], layered.composition_id) == {"ours": 1, "mine": "admin"}


def test_the_layer_of_an_organisation_becomes_a_version_for_everybody(layered):
    promote(layered, "owner", scope="organization")

    assert shown(layered.people["editor"], layered.composition_id) == {"ours": 1, "mine": "editor"}
    assert fits(layered.people["owner"], layered.composition_id) == []
    assert fits(layered.people["member"], layered.composition_id) == [("me", "applied", [])]


@pytest.mark.parametrize("who", ["viewer", "member"])
def test_a_viewers_layer_becomes_a_fork(layered, who):
    with refused("PT403", code="composition_read_only"):
        promote(layered, who)
    person = layered.people[who]
    before = shown(person, layered.composition_id)

    fork = promote(layered, who, into="fork", title="Mine")

    loaded = person.call("load_composition", composition_id=fork["composition_id"])
    assert (loaded["title"], loaded["role"], loaded["document"]["body"]) == (
        "Mine",
        "owner",
        before,
    )
    assert (loaded["forked_from_id"], loaded["forked_from_version"]) == (layered.composition_id, 1)
    assert person.call("get_layer", composition_id=layered.composition_id)["state"] == "none"
    assert shown(layered.people["editor"], layered.composition_id) == {"mine": "editor"}


def test_a_fork_goes_to_an_organisation_of_the_callers(layered, organization):
    member = layered.people["member"]

    fork = promote(layered, "member", into="fork", fork_organization_id=layered.organization_id)

    loaded = member.call("load_composition", composition_id=fork["composition_id"])
    assert loaded["organization_id"] == layered.organization_id
    elsewhere = organization(layered.people["stranger"])
    with refused("PT404", code="organization_not_found"):
        promote(layered, "viewer", into="fork", fork_organization_id=elsewhere)
    assert fits(layered.people["viewer"], layered.composition_id) == [("me", "applied", [])]


@pytest.mark.parametrize("into", ["version", "fork"])
def test_what_does_not_apply_whole_is_not_promoted(people, composition, into):
    (ann,) = people("ann")
    piece = composition(ann, small(a=1, b=1))
    lay(ann, piece.id, add("/body/a", 2), add("/body/b", 2))
    ann.call("save_version", composition_id=piece.id, base_version=1, document=small(a=3, b=1))

    with refused("PT409", code="layer_conflict") as facts:
        ann.call("promote_layer", composition_id=piece.id, into=into)

    assert [conflict["path"] for conflict in facts["conflicts"]] == ["/body/a"]
    assert fits(ann, piece.id) == [("me", "conflict", ["/body/a"])]
    ann.call("reset_layer", composition_id=piece.id, paths=["/body/a"])
    made = ann.call("promote_layer", composition_id=piece.id, into=into)
    assert shown(ann, made["composition_id"]) == {"a": 3, "b": 2}


@pytest.mark.parametrize("into", ["version", "fork"])
def test_without_a_layer_there_is_nothing_to_promote(people, composition, into):
    (ann,) = people("ann")
    piece = composition(ann, SMALLEST)

    with refused("PT404", code="layer_not_found"):
        ann.call("promote_layer", composition_id=piece.id, into=into)


@pytest.mark.parametrize(
    "arguments", [{"into": "branch"}, {"into": None}, {"title": "Mine"}, {"scope": "mine"}]
)
def test_what_is_no_choice_is_refused(layered, arguments):
    with refused("PT422", code="invalid_argument"):
        promote(layered, "editor", **arguments)
    assert fits(layered.people["editor"], layered.composition_id) == [("me", "applied", [])]
