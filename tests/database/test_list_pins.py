from tests.samples import SMALLEST


def test_own_pins_come_first_each_scope_in_order(people, organization, composition):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    ours = composition(ann, SMALLEST, organization_id=northwind, title="Ours")
    mine = composition(ben, SMALLEST, title="Mine")
    for context, position in (("b", 0), ("a", 0), ("c", -1)):
        pin = {"context": context, "position": position}
        ann.call("pin_composition", composition_id=ours.id, scope="organization", **pin)
        ben.call("pin_composition", composition_id=mine.id, **pin)

    pins = ben.call("list_pins")

    assert [pin["context"] for pin in pins] == ["c", "a", "b"] * 2
    assert pins[1] == {
        "context": "a",
        "scope": "me",
        "organization_id": None,
        "composition_id": mine.id,
        "position": 0,
        "title": "Mine",
        "role": "owner",
    }
    assert pins[4] == {
        "context": "a",
        "scope": "organization",
        "organization_id": northwind,
        "composition_id": ours.id,
        "position": 0,
        "title": "Ours",
        "role": "viewer",
    }
    assert [pin["scope"] for pin in ann.call("list_pins")] == ["organization"] * 3


def test_what_may_not_be_viewed_now_is_not_listed(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann, SMALLEST)
    share = {"composition_id": piece.id, "user_id": ben.id}
    ann.call("share_composition", **share, role="editor")
    ben.call("pin_composition", context="home", composition_id=piece.id)
    assert [pin["role"] for pin in ben.call("list_pins")] == ["editor"]

    ann.call("unshare_composition", **share)
    assert ben.call("list_pins") == []
