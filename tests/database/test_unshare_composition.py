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


def test_all_that_a_person_came_to_ends_at_once(people, composition):
    ann, ben, cy = people("ann", "ben", "cy")
    piece = composition(ann)
    links = [
        ann.call("create_share_link", composition_id=piece.id, role=role)
        for role in ("viewer", "editor")
    ]
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")
    for link in links:
        ben.call("accept_share_link", token=link["token"])
    cy.call("accept_share_link", token=links[0]["token"])

    ended = ann.call("unshare_composition", composition_id=piece.id, user_id=ben.id)

    assert (ended["role"], ended["link_id"]) == ("editor", links[1]["link_id"])
    with refused("PT404", code="composition_not_found"):
        ben.call("load_composition", composition_id=piece.id)
    left = ann.call("list_shares", composition_id=piece.id)
    assert [share["user_id"] for share in left] == [None, None, cy.id]
    assert ben.call("accept_share_link", token=links[0]["token"])["role"] == "viewer"


def test_who_came_by_a_link_gives_up_their_own_share(people, composition):
    ann, ben, cy = people("ann", "ben", "cy")
    piece = composition(ann)
    link = ann.call("create_share_link", composition_id=piece.id, role="editor")
    for person in (ben, cy):
        person.call("accept_share_link", token=link["token"])

    with refused("PT403", code="not_composition_owner"):
        ben.call("unshare_composition", composition_id=piece.id, user_id=cy.id)
    assert (
        ben.call("unshare_composition", composition_id=piece.id, user_id=ben.id)["link_id"]
        == link["link_id"]
    )

    with refused("PT404"):
        ben.call("load_composition", composition_id=piece.id)
    assert cy.call("load_composition", composition_id=piece.id)["role"] == "editor"


def test_a_share_that_has_expired_can_be_given_up(people, composition, admin):
    ann, ben, cy = people("ann", "ben", "cy")
    piece = composition(ann)
    for person in (ben, cy):
        ann.call("share_composition", composition_id=piece.id, user_id=person.id, role="editor")
    admin.execute(
        "update public.shared_compositions set expires_at = now() where composition_id = %s",
        (piece.id,),
    )

    with refused("PT404", code="composition_not_found"):
        ben.call("unshare_composition", composition_id=piece.id, user_id=cy.id)
    assert ben.call("unshare_composition", composition_id=piece.id, user_id=ben.id)["user_id"]
    with refused("PT404", code="composition_not_found"):
        ben.call("unshare_composition", composition_id=piece.id, user_id=ben.id)

    assert [s["user_id"] for s in ann.call("list_shares", composition_id=piece.id)] == [cy.id]


def test_naming_nobody_takes_no_link_back(people, composition, anon):
    (ann,) = people("ann")
    piece = composition(ann)
    link = ann.call("create_share_link", composition_id=piece.id, role="viewer")

    with refused("PT404", code="share_not_found"):
        ann.call("unshare_composition", composition_id=piece.id)

    assert anon.call("open_share_link", token=link["token"])["version"] == 1


def test_a_save_from_another_device_that_waited_while_one_gave_up_comes_to_nothing(
    people, composition, twin
):
    ann, ben = people("ann", "ben")
    phone = twin(ben)
    piece = composition(ann)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="editor")

    with refused("PT404", code="composition_not_found"):
        in_turn(
            ben,
            lambda: ben.call("unshare_composition", composition_id=piece.id, user_id=ben.id),
            phone,
            lambda: phone.call(
                "save_version", composition_id=piece.id, base_version=1, document=small()
            ),
        )

    assert ann.call("load_composition", composition_id=piece.id)["version"] == 1


def test_two_who_take_the_same_share_back_at_once_do_it_once(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="editor")

    def unshare(person):
        person.call("unshare_composition", composition_id=piece.id, user_id=ben.id)

    with refused("PT404", code="share_not_found"):
        in_turn(ann, lambda: unshare(ann), ben, lambda: unshare(ben))
