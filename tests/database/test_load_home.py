from tests.samples import SMALLEST, small


def pin(person, composition_id, context="home", **arguments):
    return person.call(
        "pin_composition", context=context, composition_id=composition_id, **arguments
    )


def test_one_call_has_all_that_a_first_page_needs(people, organization, composition):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    piece = composition(ann, small(n=1), organization_id=northwind)
    ann.call("save_version", composition_id=piece.id, base_version=1, document=small(n=2))
    pin(ann, piece.id, scope="organization", position=3)
    pin(ben, piece.id, "route:/videos")
    acme = organization(ben)

    page = ben.call("load_home")

    assert page["home"] == ben.call("resolve_context", context="home")
    assert page["contexts"] == [
        {"context": "route:/videos", "scope": "me", "organization_id": None, "position": 0},
        {
            "context": "home",
            "scope": "organization",
            "organization_id": northwind,
            "position": 3,
        },
    ]
    assert page["organizations"] == [
        {"organization_id": northwind, "name": "Northwind", "role": "member"},
        {"organization_id": acme, "name": "Northwind", "role": "owner"},
    ]
    assert page["version"] == 2
    assert page.keys() == {"home", "contexts", "organizations", "etag", "version"}


def test_without_anything_there_is_an_empty_page(people):
    ann, ben = people("ann", "ben")

    page = ann.call("load_home")

    assert page == {
        "home": None,
        "contexts": [],
        "organizations": [],
        "etag": page["etag"],
        "version": 0,
    }
    assert page == ben.call("load_home"), "what is the same has one etag"
    assert ann.call("load_home", known_etags=[page["etag"]]) == page | {"unchanged": True}


def test_the_etag_stands_for_all_of_the_page(people, organization, composition, admin):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    piece = composition(ann, SMALLEST, organization_id=northwind)
    page = ben.call("load_home")

    def member(role):
        ann.call("set_organization_role", organization_id=northwind, user_id=ben.id, role=role)

    for change in (
        lambda: pin(ann, piece.id, scope="organization"),
        lambda: pin(ben, piece.id, "a"),
        lambda: ben.rows("update composition_pins set position = 1 returning 1"),
        lambda: ann.call("save_version", composition_id=piece.id, base_version=1, document=small()),
        lambda: member("admin"),
        lambda: admin.execute(
            "update public.organizations set name = 'Acme' where id = %s", (northwind,)
        ),
        lambda: organization(ben),
        lambda: ben.call("unpin_composition", context="a"),
    ):
        change()
        before, page = page, ben.call("load_home", known_etags=[page["etag"]])
        assert page["etag"] != before["etag"]
        assert "unchanged" not in page

    known = ben.call("load_home", known_etags=[page["etag"]])
    without = {key: value for key, value in page["home"].items() if key != "document"}
    assert known == page | {"home": without, "unchanged": True}


def test_contexts_are_there_whatever_is_pinned_in_them(people, organization, composition):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    piece = composition(ann, SMALLEST, organization_id=northwind)
    pin(ann, piece.id, scope="organization")
    before = ben.call("load_home")

    ann.call("delete_composition", composition_id=piece.id)

    page = ben.call("load_home")
    assert page["contexts"] == before["contexts"]
    assert (page["home"], page["version"]) == (None, 0)
