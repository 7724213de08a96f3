import pytest

from tests.database.conftest import one_kind
from tests.layers import add, lay
from tests.people import Json, refused

pytestmark = one_kind

NONE: Json = {
    "state": "none",
    "base_version": None,
    "updated_at": None,
    "version": 1,
    "paths": [],
    "changes": [],
    "patch": [],
    "sentences": [],
}


def test_without_a_layer_there_is_none(around):
    viewer = around.people["viewer"]

    layer = viewer.call("get_layer", composition_id=around.composition_id)

    about = {"composition_id": around.composition_id, "scope": "me", "organization_id": None}
    assert layer == NONE | about


@pytest.mark.parametrize("who", ["member", "admin", "owner"])
def test_members_see_the_layer_of_their_organisation(around, who):
    ours = {"composition_id": around.composition_id, "scope": "organization"}
    made = lay(
        around.people["owner"], around.composition_id, add("/body/ours", 1), scope="organization"
    )

    assert around.people[who].call("get_layer", **ours) == made
    assert made["organization_id"] == around.organization_id
    named = ours | {"organization_id": around.organization_id}
    assert around.people[who].call("get_layer", **named) == made


@pytest.mark.parametrize("who", ["viewer", "editor"])
def test_others_do_not_know_the_organisation(around, who):
    with refused("PT404", code="organization_not_found"):
        around.people[who].call(
            "get_layer", composition_id=around.composition_id, scope="organization"
        )
