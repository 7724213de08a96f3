"""The policy matrix of composition_layers, who gets them in loads, and what they hold."""

import pytest

from tests.layers import add, fits, lay, shown
from tests.people import in_turn, refused
from tests.samples import SMALLEST, contents, small

# Whose rows each of those around a composition sees: the organisation's, and their own.
MEMBERS = {"member", "admin", "owner"}
VIEWERS = MEMBERS | {"viewer", "editor"}
EVERYONE = ["stranger", *sorted(VIEWERS)]
SEEN = "select user_id::text, organization_id::text from composition_layers"


@pytest.fixture
def layered(around):
    """A composition with a layer of the organisation, and one of each who may view it."""
    owner = around.people["owner"]
    lay(owner, around.composition_id, add("/body/ours", 1), scope="organization")
    for who in VIEWERS:
        lay(around.people[who], around.composition_id, add("/body/mine", who))
    return around


@pytest.mark.parametrize("who", EVERYONE)
def test_each_sees_what_the_matrix_says(layered, who):
    person = layered.people[who]
    expected = {(person.id, None)} if who in VIEWERS else set()
    if who in MEMBERS:
        expected.add((None, layered.organization_id))

    assert set(person.rows(SEEN)) == expected


@pytest.mark.parametrize("who", sorted(VIEWERS))
def test_each_loads_what_they_see(layered, who):
    loaded = shown(layered.people[who], layered.composition_id)

    assert loaded == {"mine": who} | ({"ours": 1} if who in MEMBERS else {})


def test_nobody_writes(around, all_denied):
    statements = (
        "insert into composition_layers (base_version) values (9) returning 1",
        "update composition_layers set patch = '[1]' returning 1",
        "delete from composition_layers returning 1",
    )
    all_denied(around.people, statements)


def test_anon_reads_nothing(around):
    with refused("42501"):
        around.people["anon"].rows("select 1 from composition_layers")


def test_in_the_trash_they_are_there_for_nobody_and_come_back(layered):
    owner = layered.people["owner"]
    owner.call("delete_composition", composition_id=layered.composition_id)
    assert [layered.people[who].rows(SEEN) for who in EVERYONE] == [[]] * len(EVERYONE)

    owner.call("undelete_composition", composition_id=layered.composition_id)
    assert shown(owner, layered.composition_id) == {"ours": 1, "mine": "owner"}


@pytest.mark.parametrize("function", ["set_layer", "get_layer", "reset_layer", "promote_layer"])
def test_who_lost_access_sees_nothing_of_their_layer_and_gets_it_back_with_the_access(
    people, composition, function
):
    ann, ben = people("ann", "ben")
    piece = composition(ann, SMALLEST)
    share = {"composition_id": piece.id, "user_id": ben.id}
    ann.call("share_composition", **share, role="viewer")
    layer = lay(ben, piece.id, add("/body/mine", 1))

    ann.call("unshare_composition", **share)
    with refused("PT404", code="composition_not_found"):
        if function == "set_layer":
            lay(ben, piece.id, add("/body/mine", 2))
        else:
            ben.call(function, composition_id=piece.id)
    assert ben.rows(SEEN) == []
    assert ben.call("export_my_data")["layers"] == []

    ann.call("share_composition", **share, role="viewer")
    assert ben.call("get_layer", composition_id=piece.id) == layer
    assert shown(ben, piece.id) == {"mine": 1}


def test_a_removed_member_no_longer_gets_the_layer_of_the_organisation(
    people, organization, composition
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    piece = composition(ann, SMALLEST, organization_id=northwind)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")
    lay(ann, piece.id, add("/body/ours", 1), scope="organization")
    lay(ben, piece.id, add("/body/mine", 1))
    assert shown(ben, piece.id) == {"ours": 1, "mine": 1}

    ann.call("remove_organization_member", organization_id=northwind, user_id=ben.id)

    assert fits(ben, piece.id) == [("me", "applied", [])]
    assert shown(ben, piece.id) == {"mine": 1}
    assert ben.rows(SEEN) == [(ben.id, None)]


def test_the_layer_of_an_organisation_ends_with_its_share(people, organization, composition, admin):
    ann, ben = people("ann", "ben")
    guests = organization(ben, {ann: "member"})
    piece = composition(ann, SMALLEST)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")
    share = {"composition_id": piece.id, "organization_id": guests}
    ann.call("share_composition", **share, role="viewer")
    lay(ben, piece.id, add("/body/ours", 1), scope="organization", organization_id=guests)
    assert shown(ann, piece.id) == shown(ben, piece.id) == {"ours": 1}

    admin.execute(
        "update public.shared_compositions set expires_at = now() where organization_id = %s",
        (guests,),
    )
    assert shown(ann, piece.id) == shown(ben, piece.id) == {}

    ann.call("unshare_composition", **share)
    assert shown(ben, piece.id) == {}
    with refused("PT404", code="organization_not_found"):
        ben.call("get_layer", composition_id=piece.id, scope="organization", organization_id=guests)
    ann.call("share_composition", **share, role="viewer")
    assert shown(ann, piece.id) == shown(ben, piece.id) == {"ours": 1}


def test_a_load_says_when_a_layer_ends_by_itself(people, organization, composition, admin):
    ann, ben = people("ann", "ben")
    guests = organization(ben, {ann: "admin"})
    piece = composition(ann, SMALLEST)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")
    share = {"composition_id": piece.id, "organization_id": guests, "role": "viewer"}
    ann.call("share_composition", **share, expires_at="2100-01-01T00:00:00Z")

    def until(**more):
        with ben.transaction():
            ben.call("load_composition", composition_id=piece.id, **more)
            row = ben.connection.execute(
                "select nullif(current_setting('response.headers', true), '')"
            ).fetchone()
        return row[0]

    assert until() is None
    lay(ann, piece.id, add("/body/ours", 1), scope="organization", organization_id=guests)
    assert until() == '[{"Access-Until": "4102444800000"}]'
    assert until(layered=False) is None


def test_layers_of_several_organisations_lie_in_one_order(people, organization, composition):
    ann, ben = people("ann", "ben")
    places = sorted(organization(ann, {ben: "member"}) for _ in range(3))
    piece = composition(ann, small(first=0), organization_id=places[1])
    for nth, place in enumerate(places):
        if place != places[1]:
            ann.call(
                "share_composition", composition_id=piece.id, organization_id=place, role="viewer"
            )
        change = [add("/body/first", nth + 1), add(f"/body/{nth}", nth)]
        lay(ann, piece.id, *change, scope="organization", organization_id=place)
    lay(ben, piece.id, add("/body/first", "mine"))

    loaded = ben.call("load_composition", composition_id=piece.id)

    assert [layer.get("organization_id") for layer in loaded["layers"]] == [*places, None]
    assert loaded["document"]["body"] == {"first": "mine", "0": 0, "1": 1, "2": 2}
    assert fits(ben, piece.id) == [
        ("organization", "applied", []),
        ("organization", "conflict", ["/body/first"]),
        ("organization", "conflict", ["/body/first"]),
        ("me", "applied", []),
    ]


def test_the_base_of_a_layer_is_kept_for_as_long_as_the_layer_is(
    people, composition, admin, setting, service_role
):
    ann, ben = people("ann", "ben")
    piece = composition(ann, small(marker="kept"))
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")
    lay(ben, piece.id, add("/body/mine", 1))
    for version in (1, 2):
        ann.call(
            "save_version", composition_id=piece.id, base_version=version, document=small(n=version)
        )
    setting("min_versions_kept", 1)
    admin.execute(
        "update public.composition_versions set created_at = now() - interval '200 years'"
        " where composition_id = %s",
        (piece.id,),
    )
    assert service_role.call("purge_versions")["purged"] >= 2
    assert contents(admin, "kept") == 1
    assert shown(ben, piece.id) == {"n": 2, "mine": 1}
    with refused("PT404", code="version_not_found"):
        lay(ben, piece.id, add("/body/mine", 2))

    lay(ben, piece.id, add("/body/mine", 2), base_version=3)
    assert contents(admin, "kept") == 0


@pytest.mark.parametrize("how", ["reset", "purge", "account", "organization"])
def test_what_a_layer_was_made_on_goes_with_it(
    people, organization, composition, admin, setting, how
):
    ann, ben, cleo = people("ann", "ben", "cleo")
    northwind = organization(ann, {ben: "member", cleo: "member"})
    piece = composition(ann, SMALLEST, organization_id=northwind)
    lay(ann, piece.id, add("/body/marker", how), scope="organization")
    lay(ben, piece.id, add("/body/mine", 1))  # on what the organisation's makes of it
    assert contents(admin, how) == 1

    match how:
        case "reset":
            ben.call("reset_layer", composition_id=piece.id)
        case "purge":
            ann.call("delete_composition", composition_id=piece.id)
            ann.call("purge_composition", composition_id=piece.id)
        case "account":
            admin.execute("delete from auth.users where id = %s", (ben.id,))
        case "organization":
            admin.execute(
                "delete from auth.users where id = any (%s::uuid[])",
                ([ann.id, ben.id, cleo.id],),
            )

    assert contents(admin, how) == 0


def test_content_that_is_collected_meanwhile_is_stored_anew(
    people, organization, composition, admin
):
    ann, ben, cleo = people("ann", "ben", "cleo")
    northwind = organization(ann, {ben: "member"})
    piece = composition(ann, SMALLEST, organization_id=northwind)
    lay(ann, piece.id, add("/body/marker", "again"), scope="organization")
    other = composition(cleo, small(marker="again"))
    cleo.call("delete_composition", composition_id=other.id)

    in_turn(
        cleo,
        lambda: cleo.connection.execute("select public.purge_composition(%s)", (other.id,)),
        ben,
        lambda: lay(ben, piece.id, add("/body/mine", 1)),
    )

    assert contents(admin, "again") == 1
    assert shown(ben, piece.id) == {"marker": "again", "mine": 1}
