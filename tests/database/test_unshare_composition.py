from tests.people import in_turn, refused
from tests.samples import small


def test_what_is_unshared_is_gone_for_the_grantee(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    share = ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="editor")

    assert ann.call("unshare_composition", composition_id=piece.id, user_id=ben.id) == share

    with refused("PT404", code="composition_not_found"):
        ben.call("load_composition", composition_id=piece.id)
    with refused("PT404", code="share_not_found"):
        ann.call("unshare_composition", composition_id=piece.id, user_id=ben.id)


def test_a_grantee_gives_up_their_own_share_and_no_other(people, composition):
    ann, ben, cy, dee = people("ann", "ben", "cy", "dee")
    piece = composition(ann)
    for person in (ben, cy):
        ann.call("share_composition", composition_id=piece.id, user_id=person.id, role="editor")

    with refused("PT403", code="not_composition_owner"):
        ben.call("unshare_composition", composition_id=piece.id, user_id=cy.id)
    with refused("PT404", code="composition_not_found"):
        dee.call("unshare_composition", composition_id=piece.id, user_id=dee.id)
    ben.call("unshare_composition", composition_id=piece.id, user_id=ben.id)

    assert [s["user_id"] for s in ann.call("list_shares", composition_id=piece.id)] == [cy.id]


def test_an_organisation_loses_its_share(people, composition, organization):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    piece = composition(ann)
    ann.call("share_composition", composition_id=piece.id, organization_id=northwind, role="viewer")

    ann.call("unshare_composition", composition_id=piece.id, organization_id=northwind)

    with refused("PT404"):
        ben.call("load_composition", composition_id=piece.id)


def test_a_save_or_a_rename_that_waited_for_the_end_of_its_share_comes_to_nothing(
    people, composition
):
    ann, ben = people("ann", "ben")
    piece = composition(ann)

    def share():
        ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="editor")

    def unshare():
        ann.call("unshare_composition", composition_id=piece.id, user_id=ben.id)

    def save():
        ben.call("save_version", composition_id=piece.id, base_version=1, document=small())

    def rename():
        return ben.rows("update user_compositions set title = 'Mine' returning title")

    share()
    with refused("PT404", code="composition_not_found"):
        in_turn(ann, unshare, ben, save)
    share()
    assert in_turn(ann, unshare, ben, rename) == []

    loaded = ann.call("load_composition", composition_id=piece.id)
    assert (loaded["version"], loaded["title"]) == (1, "Video library")


def test_an_end_of_a_share_waits_for_a_save_under_way(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="editor")

    def save():
        ben.call("save_version", composition_id=piece.id, base_version=1, document=small())

    def unshare():
        ann.call("unshare_composition", composition_id=piece.id, user_id=ben.id)

    in_turn(ben, save, ann, unshare)

    assert ann.call("load_composition", composition_id=piece.id)["version"] == 2
    with refused("PT404"):
        ben.call("load_composition", composition_id=piece.id)
