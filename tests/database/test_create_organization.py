import pytest

from tests.people import refused


def test_its_creator_owns_it(people):
    ann, ben = people("ann", "ben")

    made = ann.call("create_organization", name="Northwind")

    assert (made["name"], made["role"]) == ("Northwind", "owner")
    assert ann.rows("select name from organizations") == [("Northwind",)]
    assert ann.rows("select user_id::text, role from organization_members") == [(ann.id, "owner")]
    assert ben.rows("select name from organizations") == []


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("", {"constraint": "organizations_name_length"}),
        (" ", {"constraint": "organizations_name_length"}),
        ("x" * 201, {"constraint": "organizations_name_length"}),
        (None, {"argument": "name"}),
    ],
)
def test_a_name_has_1_to_200_characters(people, name, facts):
    (ann,) = people("ann")
    with refused("PT422", code="invalid_argument", **facts):
        ann.call("create_organization", name=name)
    assert ann.rows("select name from organizations") == []


def test_a_token_that_outlives_its_account_is_refused(people, admin, anon):
    (ann,) = people("ann")
    admin.execute("delete from auth.users where id = %s", (ann.id,))
    with refused("PT401", code="account_not_found"):
        ann.call("create_organization", name="Ghosts")
    with refused("42501"):
        anon.call("create_organization", name="Ghosts")
