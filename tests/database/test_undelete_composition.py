import pytest

from tests.people import refused


@pytest.mark.parametrize("who", ["owner", "admin"])
def test_it_comes_back_with_its_history_and_its_shares(around, who):
    composition_id, owner = around.composition_id, around.people["owner"]
    owner.call("restore_version", composition_id=composition_id, version=1)
    before = {
        name: person.call("load_composition", composition_id=composition_id)
        for name, person in around.people.items()
        if name not in ("anon", "stranger")
    }
    owner.call("delete_composition", composition_id=composition_id)

    back = around.people[who].call("undelete_composition", composition_id=composition_id)

    assert back["version"] == 2
    for name, loaded in before.items():
        after = around.people[name].call("load_composition", composition_id=composition_id)
        assert after["updated_at"] > loaded["updated_at"] and after["etag"] != loaded["etag"]
        for key in ("updated_at", "etag"):
            del after[key], loaded[key]
        assert after == loaded
    assert len(owner.call("list_versions", composition_id=composition_id)["items"]) == 2


@pytest.mark.parametrize("who", ["stranger", "viewer", "editor", "member"])
def test_nobody_else_takes_it_out(around, who):
    around.people["owner"].call("delete_composition", composition_id=around.composition_id)

    with refused("PT404", code="composition_not_found"):
        around.people[who].call("undelete_composition", composition_id=around.composition_id)

    with refused("PT410", code="composition_trashed"):
        around.people["owner"].call("load_composition", composition_id=around.composition_id)


@pytest.mark.parametrize(
    ("who", "sqlstate", "code"),
    [
        ("stranger", "PT404", "composition_not_found"),
        ("viewer", "PT403", "not_composition_owner"),
        ("editor", "PT403", "not_composition_owner"),
        ("owner", "PT409", "composition_not_trashed"),
    ],
)
def test_what_is_not_in_the_trash_stays_as_it_is(around, who, sqlstate, code):
    with refused(sqlstate, code=code):
        around.people[who].call("undelete_composition", composition_id=around.composition_id)
