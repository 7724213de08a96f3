"""Operators may set a limit as high as they like."""

import pytest
from psycopg.types.json import Jsonb

HIGHEST = 2**63 - 1


@pytest.fixture
def set_highest(admin):
    """Set settings to what is the most that they can hold."""
    saved = admin.execute("select name, value from private.settings").fetchall()

    def change(value):
        admin.execute("update private.settings set value = %s", (value,))

    yield change
    for name, value in saved:
        admin.execute("update private.settings set value = %s where name = %s", (value, name))


@pytest.mark.parametrize("value", [2**31 - 1, HIGHEST])
def test_all_goes_on_with_the_highest_values(
    people, organization, composition, service_role, set_highest, value
):
    (ann,) = people("ann")
    set_highest(value)

    piece = composition(ann)
    ann.call(
        "share_composition",
        composition_id=piece.id,
        role="viewer",
        organization_id=(northwind := organization(ann)),
    )
    ann.call("create_share_link", composition_id=piece.id, role="viewer")
    ann.call(
        "invite_to_organization", organization_id=northwind, email="dan@example.com", role="member"
    )
    usage = [{"composition_id": piece.id, "loads": 1}]
    assert service_role.call("record_usage", entries=Jsonb(usage)) == {"recorded": 1}
    assert service_role.call("purge_trash")["purged"] == 0
    assert service_role.call("purge_versions")["purged"] == 0
    assert ann.call("load_composition", composition_id=piece.id)["version"] == 1
