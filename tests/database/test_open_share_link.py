import hashlib

import pytest

from tests.people import refusal, refused
from tests.samples import small


@pytest.fixture
def link(around):
    """Make a link to the composition around which people are, and return its token."""

    def make(role="viewer", **arguments):
        return around.people["owner"].call(
            "create_share_link", composition_id=around.composition_id, role=role, **arguments
        )["token"]

    return make


@pytest.mark.parametrize("role", ["viewer", "editor"])
@pytest.mark.parametrize("who", ["anon", "stranger", "viewer", "member", "admin", "owner"])
def test_whoever_has_the_token_sees_the_composition_in_the_role_of_the_link(
    around, link, who, role
):
    opened = around.people[who].call("open_share_link", token=link(role))

    loaded = around.people["owner"].call("load_composition", composition_id=around.composition_id)
    assert opened["role"] == role
    assert opened["etag"] != loaded["etag"]
    assert opened | {"role": "owner", "etag": loaded["etag"]} == loaded


def test_a_link_follows_the_head(around, link):
    token = link()
    owner, anon = around.people["owner"], around.people["anon"]
    etag = anon.call("open_share_link", token=token)["etag"]

    owner.call(
        "save_version", composition_id=around.composition_id, base_version=1, document=small(n=2)
    )

    opened = anon.call("open_share_link", token=token)
    assert (opened["version"], opened["document"]) == (2, small(n=2))
    assert opened["etag"] != etag


def test_opening_writes_nothing_so_it_can_be_a_get(around, link):
    token, anon = link(), around.people["anon"]
    with anon.transaction():
        anon.connection.execute("set transaction read only")
        assert anon.call("open_share_link", token=token)["version"] == 1


def test_opening_opens_nothing_else(around, link):
    token, anon, stranger = link("editor"), around.people["anon"], around.people["stranger"]
    anon.call("open_share_link", token=token)
    stranger.call("open_share_link", token=token)

    with refused("42501"):
        anon.call("load_composition", composition_id=around.composition_id)
    with refused("42501"):
        anon.rows("select id from user_compositions")
    with refused("PT404", code="composition_not_found"):
        stranger.call(
            "save_version", composition_id=around.composition_id, base_version=1, document=small()
        )
    with refused("PT404", code="composition_not_found"):
        stranger.call("load_composition", composition_id=around.composition_id)
    assert stranger.call("list_my_compositions")["items"] == []


@pytest.mark.parametrize("who", ["anon", "stranger", "viewer", "owner"])
def test_every_token_that_opens_nothing_gets_the_same_answer(around, link, admin, who):
    owner = around.people["owner"]
    good = link()
    revoked = owner.call("create_share_link", composition_id=around.composition_id, role="viewer")
    owner.call("revoke_share_link", link_id=revoked["link_id"])
    expired = owner.call("create_share_link", composition_id=around.composition_id, role="viewer")
    admin.execute(
        "update public.shared_compositions set expires_at = now() where id = %s",
        (expired["link_id"],),
    )
    (hashed,) = admin.execute(
        "select encode(token_hash, 'hex') from public.shared_compositions where token_hash = %s",
        (hashlib.sha256(good.encode()).digest(),),
    ).fetchone()
    tokens = {
        "unknown": "A" * 43,
        "revoked": revoked["token"],
        "expired": expired["token"],
        "id of the link": expired["link_id"],
        "hash": hashed,
        "null": None,
        "empty": "",
        "other case": good.swapcase(),
        "short": good[:-1],
        "long": good + "A",
        "padded": good + "=",
        "with a line end": good + "\n",
        "with a blank": " " + good,
        "not ASCII": "ä" * 43,
        "as many bytes": "ä" * 21 + "A",
        "a pattern": "%" * 43,
        "very long": "A" * 10_000_000,
    }

    person = around.people[who]
    said = {name: refusal(person, "open_share_link", token=token) for name, token in tokens.items()}
    assert set(said.values()) == {said["unknown"]}, said
    sqlstate, _, detail, _ = said["unknown"]
    assert (sqlstate, detail) == ("PT404", '{"code": "link_not_found"}')
    assert around.people["anon"].call("open_share_link", token=good)["version"] == 1


@pytest.mark.parametrize("length", [0, 1, 42, 43, 44, 1_000_000])
def test_what_cannot_be_a_token_is_not_even_hashed(admin, length):
    (hashed,) = admin.execute("select private.hash_token(repeat('A', %s))", (length,)).fetchone()
    assert (hashed is not None) == (length == 43)


def test_a_link_ends_with_its_composition(people, composition, anon, admin):
    (ann,) = people("ann")
    piece = composition(ann)
    token = ann.call("create_share_link", composition_id=piece.id, role="viewer")["token"]
    assert anon.call("open_share_link", token=token)["composition_id"] == piece.id

    admin.execute("delete from auth.users where id = %s", (ann.id,))

    with refused("PT404", code="link_not_found"):
        anon.call("open_share_link", token=token)


def test_a_link_stays_when_who_made_it_goes(around, admin):
    maker = around.people["admin"]
    link = maker.call("create_share_link", composition_id=around.composition_id, role="viewer")

    admin.execute("delete from auth.users where id = %s", (maker.id,))

    assert around.people["anon"].call("open_share_link", token=link["token"])["role"] == "viewer"
    shares = around.people["owner"].call("list_shares", composition_id=around.composition_id)
    assert [s["created_by"] for s in shares if s["link_id"] == link["link_id"]] == [None]


def test_a_link_to_what_is_in_the_trash_is_no_link_until_it_is_out_again(around, link):
    token, never = link("editor"), "-" * 43
    owner, anon, stranger = (around.people[who] for who in ("owner", "anon", "stranger"))
    owner.call("delete_composition", composition_id=around.composition_id)

    assert refusal(anon, "open_share_link", token=token) == refusal(
        anon, "open_share_link", token=never
    )
    with refused("PT404", code="link_not_found"):
        stranger.call("accept_share_link", token=token)

    owner.call("undelete_composition", composition_id=around.composition_id)
    assert anon.call("open_share_link", token=token)["version"] == 1
