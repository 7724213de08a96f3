import pytest

from tests.people import NOBODY, in_turn, refusal, refused
from tests.samples import small


def create_link(owner, composition_id, role="editor"):
    return owner.call("create_share_link", composition_id=composition_id, role=role)


def test_a_link_ends_with_all_that_people_got_through_it(people, composition, anon):
    ann, ben, cy = people("ann", "ben", "cy")
    piece = composition(ann)
    link, other = create_link(ann, piece.id), create_link(ann, piece.id, "viewer")
    ben.call("accept_share_link", token=link["token"])
    cy.call("accept_share_link", token=other["token"])
    before = ann.call("list_shares", composition_id=piece.id)

    ended = ann.call("revoke_share_link", link_id=link["link_id"])

    assert ended == before[0]
    assert (ended["link_id"], ended["user_id"]) == (link["link_id"], None)
    with refused("PT404", code="link_not_found"):
        anon.call("open_share_link", token=link["token"])
    with refused("PT404", code="composition_not_found"):
        ben.call("load_composition", composition_id=piece.id)
    assert ben.rows("select id from user_compositions") == []
    assert cy.call("load_composition", composition_id=piece.id)["role"] == "viewer"
    assert anon.call("open_share_link", token=other["token"])["role"] == "viewer"
    assert ann.call("list_shares", composition_id=piece.id) == [before[1], before[3]]


def test_an_admin_of_the_organisation_ends_a_link(around):
    link = create_link(around.people["owner"], around.composition_id)
    assert around.people["admin"].call("revoke_share_link", link_id=link["link_id"])
    with refused("PT404", code="link_not_found"):
        around.people["anon"].call("open_share_link", token=link["token"])


def test_nobody_else_learns_that_there_is_a_link(around):
    owner, stranger = around.people["owner"], around.people["stranger"]
    link = create_link(owner, around.composition_id)
    expected = refusal(owner, "revoke_share_link", link_id=NOBODY)
    assert (expected[0], expected[2]) == ("PT404", '{"code": "link_not_found"}')

    for who in ("stranger", "viewer", "editor", "member"):
        person = around.people[who]
        for link_id in (link["link_id"], NOBODY, None):
            said = refusal(person, "revoke_share_link", link_id=link_id)
            assert said == expected, who
    stranger.call("accept_share_link", token=link["token"])
    assert refusal(stranger, "revoke_share_link", link_id=link["link_id"]) == expected
    with refused("42501"):
        around.people["anon"].call("revoke_share_link", link_id=link["link_id"])

    assert around.people["anon"].call("open_share_link", token=link["token"])["version"] == 1
    stranger.claims.pop("sub")
    with refused("PT401", code="not_signed_in"):
        stranger.call("revoke_share_link", link_id=link["link_id"])


def test_a_share_is_no_link(people, composition, admin):
    ann, ben, cy = people("ann", "ben", "cy")
    piece = composition(ann)
    link = create_link(ann, piece.id)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")
    cy.call("accept_share_link", token=link["token"])
    shares = admin.execute(
        "select id from public.shared_compositions where composition_id = %s and user_id notnull",
        (piece.id,),
    ).fetchall()
    assert len(shares) == 2

    for (share_id,) in shares:
        with refused("PT404", code="link_not_found"):
            ann.call("revoke_share_link", link_id=share_id)

    assert len(ann.call("list_shares", composition_id=piece.id)) == 3


def test_a_save_or_a_rename_that_waited_for_the_end_of_its_link_comes_to_nothing(
    people, composition
):
    ann, ben = people("ann", "ben")
    piece = composition(ann)

    def revoke():
        link_id = ben.call("list_shares", composition_id=piece.id)[0]["link_id"]
        ann.call("revoke_share_link", link_id=link_id)

    def save():
        ben.call("save_version", composition_id=piece.id, base_version=1, document=small())

    def rename():
        return ben.rows("update user_compositions set title = 'Mine' returning title")

    ben.call("accept_share_link", token=create_link(ann, piece.id)["token"])
    with refused("PT404", code="composition_not_found"):
        in_turn(ann, revoke, ben, save)
    ben.call("accept_share_link", token=create_link(ann, piece.id)["token"])
    assert in_turn(ann, revoke, ben, rename) == []

    loaded = ann.call("load_composition", composition_id=piece.id)
    assert (loaded["version"], loaded["title"]) == (1, "Video library")


def test_the_end_of_a_link_waits_for_a_save_under_way(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    link = create_link(ann, piece.id)
    ben.call("accept_share_link", token=link["token"])

    in_turn(
        ben,
        lambda: ben.call("save_version", composition_id=piece.id, base_version=1, document=small()),
        ann,
        lambda: ann.call("revoke_share_link", link_id=link["link_id"]),
    )

    assert ann.call("load_composition", composition_id=piece.id)["version"] == 2
    with refused("PT404"):
        ben.call("load_composition", composition_id=piece.id)


def test_of_two_who_end_a_link_at_once_one_does(around):
    owner, admin = around.people["owner"], around.people["admin"]
    link_id = create_link(owner, around.composition_id)["link_id"]

    with refused("PT404", code="link_not_found"):
        in_turn(
            owner,
            lambda: owner.call("revoke_share_link", link_id=link_id),
            admin,
            lambda: admin.call("revoke_share_link", link_id=link_id),
        )


@pytest.mark.parametrize(
    ("function", "arguments", "sqlstate", "code"),
    [
        ("set_organization_role", {"role": "member"}, "PT403", "not_composition_owner"),
        ("remove_organization_member", {}, "PT404", "composition_not_found"),
    ],
)
def test_who_waited_for_the_end_of_their_own_right_ends_no_link(
    around, function, arguments, sqlstate, code
):
    owner, admin = around.people["owner"], around.people["admin"]
    link = create_link(owner, around.composition_id)

    with refused(sqlstate, code=code):
        in_turn(
            owner,
            lambda: owner.call(
                function,
                organization_id=around.organization_id,
                user_id=admin.id,
                **arguments,
            ),
            admin,
            lambda: admin.call("revoke_share_link", link_id=link["link_id"]),
        )

    assert around.people["anon"].call("open_share_link", token=link["token"])["version"] == 1
