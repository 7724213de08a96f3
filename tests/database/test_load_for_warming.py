import pytest

from tests.people import NOBODY, refused
from tests.samples import small


def test_it_loads_what_every_viewer_loads(people, composition, service_role):
    ann, ben = people("ann", "ben")
    pieces = [composition(ann, small(n=n)).id for n in range(2)]
    for id in pieces:
        ann.call("share_composition", composition_id=id, user_id=ben.id, role="viewer")

    loaded = service_role.call("load_for_warming", composition_ids=pieces)

    assert loaded == [ben.call("load_composition", composition_id=id) for id in pieces]


def test_what_is_not_there_is_left_out(people, composition, service_role):
    (ann,) = people("ann")
    trashed, kept = composition(ann).id, composition(ann).id
    ann.call("delete_composition", composition_id=trashed)

    ids = [NOBODY, trashed, kept, None]
    (only,) = service_role.call("load_for_warming", composition_ids=ids)

    assert only["composition_id"] == kept
    assert service_role.call("load_for_warming", composition_ids=[]) == []


@pytest.mark.parametrize("ids", [None, [NOBODY] * 51], ids=["none", "too many"])
def test_it_loads_a_bounded_number(service_role, ids):
    with refused("PT422", code="invalid_argument", argument="composition_ids"):
        service_role.call("load_for_warming", composition_ids=ids)


def test_it_is_for_no_person(around):
    for person in around.people.values():
        with refused("42501"):
            person.call("load_for_warming", composition_ids=[])
