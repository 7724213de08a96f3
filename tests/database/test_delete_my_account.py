import pytest

from tests.people import in_turn, refused


def test_a_person_deletes_their_account_and_all_that_hangs_on_it(
    people, composition, organization, address, admin
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "owner"})
    mine = composition(ann).id
    ours = composition(ann, organization_id=northwind).id

    assert ann.call("delete_my_account", email=address(ann).upper()) == {
        "user_id": ann.id,
        "owner_ids": [ben.id],
    }

    assert admin.execute("select from auth.users where id = %s", (ann.id,)).fetchall() == []
    assert ben.call("load_composition", composition_id=ours)["owner_id"] == ben.id
    with refused("PT404", code="composition_not_found"):
        ann.call("load_composition", composition_id=mine)
    with refused("PT401", code="account_not_found"):
        ann.call("delete_my_account", email=f"ann-{ann.id}@example.com")


@pytest.mark.parametrize("whose", ["nobody's", "somebody else's", "none", "a pattern"])
def test_another_address_deletes_nothing(people, composition, address, whose):
    ann, ben = people("ann", "ben")
    it = {"composition_id": composition(ann).id}
    emails = {"nobody's": "x@example.com", "somebody else's": address(ben), "none": None}

    with refused("PT422", code="invalid_argument", argument="email"):
        ann.call("delete_my_account", email=emails.get(whose, "%"))

    assert ann.call("load_composition", **it)["owner_id"] == ann.id


def test_an_account_without_an_address_is_deleted_without_one(people, admin):
    (ann,) = people("ann")
    admin.execute("update auth.users set email = null where id = %s", (ann.id,))
    with refused("PT422", code="invalid_argument", argument="email"):
        ann.call("delete_my_account", email="")

    assert ann.call("delete_my_account", email=None) == {"user_id": ann.id, "owner_ids": []}


def test_from_two_devices_at_once_it_is_deleted_once(people, twin, address):
    (ann,) = people("ann")
    phone, email = twin(ann), address(ann)

    with refused("PT401", code="account_not_found"):
        in_turn(
            ann,
            lambda: ann.call("delete_my_account", email=email),
            phone,
            lambda: phone.call("delete_my_account", email=email),
        )


def test_it_is_for_nobody_without_an_account(anon):
    with refused("42501"):
        anon.call("delete_my_account", email=None)
