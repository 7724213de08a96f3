from tests.people import refused


def test_an_owner_sees_all_shares_and_a_grantee_those_that_concern_them(
    people, composition, organization
):
    ann, ben, cy, dee = people("ann", "ben", "cy", "dee")
    northwind = organization(ann, {cy: "member"})
    piece = composition(ann)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")
    ann.call("share_composition", composition_id=piece.id, organization_id=northwind, role="editor")

    def grantees(person):
        shares = person.call("list_shares", composition_id=piece.id)
        return [share["user_id"] or share["organization_id"] for share in shares]

    assert grantees(ann) == [ben.id, northwind]
    assert grantees(ben) == [ben.id]
    assert grantees(cy) == [northwind]
    with refused("PT404", code="composition_not_found"):
        dee.call("list_shares", composition_id=piece.id)


def test_an_admin_of_the_organisation_sees_all_shares(people, composition, organization):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "admin"})
    piece = composition(ann, organization_id=northwind)
    ann.call("share_composition", composition_id=piece.id, user_id=cy.id, role="viewer")

    assert len(ben.call("list_shares", composition_id=piece.id)) == 1


def test_links_are_shown_to_owners_and_whom_they_brought_to_both(people, composition):
    ann, ben, cy = people("ann", "ben", "cy")
    piece = composition(ann)
    link = ann.call("create_share_link", composition_id=piece.id, role="editor")
    ben.call("accept_share_link", token=link["token"])
    ann.call("share_composition", composition_id=piece.id, user_id=cy.id, role="viewer")

    by_owner = ann.call("list_shares", composition_id=piece.id)

    assert [(share["user_id"], share["link_id"]) for share in by_owner] == [
        (None, link["link_id"]),
        (ben.id, link["link_id"]),
        (cy.id, None),
    ]
    assert by_owner[0].keys() == by_owner[1].keys()
    assert not [key for key in by_owner[0] if "token" in key]
    assert ben.call("list_shares", composition_id=piece.id) == [by_owner[1]]
    assert cy.call("list_shares", composition_id=piece.id) == [by_owner[2]]
