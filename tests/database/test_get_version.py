import pytest

from tests.people import refused
from tests.samples import small


def test_any_version_comes_back_whole(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)
    ann.call("save_version", composition_id=piece.id, base_version=1, document=small(n=2))

    assert ann.call("get_version", composition_id=piece.id, version=1)["document"] == piece.document
    assert ann.call("get_version", composition_id=piece.id, version=2)["document"] == small(n=2)


@pytest.mark.parametrize("version", [0, 2, -1, None])
def test_a_version_that_is_not_there_is_not_found(people, composition, version):
    (ann,) = people("ann")
    piece = composition(ann)
    with refused("PT404", code="version_not_found"):
        ann.call("get_version", composition_id=piece.id, version=version)


def test_a_stranger_cannot_tell_a_version_from_none(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    for version in (1, 2):
        with refused("PT404", code="composition_not_found"):
            ben.call("get_version", composition_id=piece.id, version=version)
