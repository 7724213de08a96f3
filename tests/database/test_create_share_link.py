import hashlib
import re

import pytest

from tests.people import in_turn, refused


def test_a_token_is_shown_once_and_only_its_hash_is_kept(people, composition, admin):
    (ann,) = people("ann")
    piece = composition(ann)

    link = ann.call("create_share_link", composition_id=piece.id, role="viewer")

    assert link.keys() == {
        "link_id",
        "composition_id",
        "role",
        "expires_at",
        "created_by",
        "created_at",
        "token",
    }
    assert (link["composition_id"], link["role"], link["expires_at"], link["created_by"]) == (
        piece.id,
        "viewer",
        None,
        ann.id,
    )
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", link["token"])
    (row,) = admin.execute(
        "select to_jsonb(s), s.token_hash from public.shared_compositions as s where s.id = %s",
        (link["link_id"],),
    ).fetchall()
    assert row[1] == hashlib.sha256(link["token"].encode()).digest()
    assert link["token"] not in str(row[0])


def test_tokens_have_nothing_in_common(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)
    tokens = [
        ann.call("create_share_link", composition_id=piece.id, role="viewer")["token"]
        for _ in range(50)
    ]
    # Two places are the version of a UUID, two its variant, and the last holds four bits.
    varied = [len({token[place] for token in tokens}) > 10 for place in range(43)]
    assert varied.count(True) >= 38


@pytest.mark.parametrize("who", ["viewer", "editor", "member"])
def test_only_owners_make_links(around, who):
    with refused("PT403", code="not_composition_owner"):
        around.people[who].call(
            "create_share_link", composition_id=around.composition_id, role="viewer"
        )
    with refused("PT404", code="composition_not_found"):
        around.people["stranger"].call(
            "create_share_link", composition_id=around.composition_id, role="viewer"
        )
    with refused("42501"):
        around.people["anon"].call(
            "create_share_link", composition_id=around.composition_id, role="viewer"
        )
    shares = around.people["owner"].call("list_shares", composition_id=around.composition_id)
    assert [share["link_id"] for share in shares] == [None, None]


def test_an_admin_of_the_organisation_makes_links(around):
    admin = around.people["admin"]
    link = admin.call("create_share_link", composition_id=around.composition_id, role="editor")
    assert link["created_by"] == admin.id


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        ({"role": "owner"}, {"constraint": "shared_compositions_role_known"}),
        ({"role": ""}, {"constraint": "shared_compositions_role_known"}),
        ({"role": None}, {"argument": "role"}),
        ({"expires_at": "2020-01-01"}, {"argument": "expires_at"}),
        ({"expires_at": "infinity"}, {"argument": "expires_at"}),
        ({"expires_at": "-infinity"}, {"argument": "expires_at"}),
    ],
)
def test_a_broken_rule_is_named_and_no_link_is_made(people, composition, arguments, facts):
    (ann,) = people("ann")
    piece = composition(ann)

    with refused("PT422", code="invalid_argument", **facts):
        ann.call(
            "create_share_link", **({"composition_id": piece.id, "role": "viewer"} | arguments)
        )

    assert ann.call("list_shares", composition_id=piece.id) == []


def test_a_link_gives_nobody_anything_by_itself(around):
    around.people["owner"].call(
        "create_share_link", composition_id=around.composition_id, role="editor"
    )

    for who, role in [("member", "viewer"), ("viewer", "viewer"), ("editor", "editor")]:
        person = around.people[who]
        loaded = person.call("load_composition", composition_id=around.composition_id)
        assert loaded["role"] == role, who
        shares = person.call("list_shares", composition_id=around.composition_id)
        assert [share["link_id"] for share in shares if share["link_id"]] == [], who
    stranger = around.people["stranger"]
    with refused("PT404", code="composition_not_found"):
        stranger.call("load_composition", composition_id=around.composition_id)
    assert stranger.call("list_my_compositions")["items"] == []
    assert stranger.rows("select id from user_compositions") == []
    assert stranger.rows("update user_compositions set title = 'x' returning id") == []


def fill(admin, composition_id, count):
    admin.execute(
        """
        insert into public.shared_compositions (composition_id, role, token_hash)
        select %s, 'viewer', sha256(convert_to(%s::text || n, 'UTF8'))
          from generate_series(1, %s) as n
        """,
        (composition_id, composition_id, count),
    )


def test_a_composition_has_a_hundred_links(people, composition, admin):
    (ann,) = people("ann")
    piece, other = composition(ann), composition(ann)
    fill(admin, piece.id, 99)
    last = ann.call("create_share_link", composition_id=piece.id, role="viewer")

    with refused("PT403", code="quota_exceeded", quota=100):
        ann.call("create_share_link", composition_id=piece.id, role="viewer")

    ann.call("create_share_link", composition_id=other.id, role="viewer")
    ann.call("revoke_share_link", link_id=last["link_id"])
    ann.call("create_share_link", composition_id=piece.id, role="viewer")


def test_shares_take_no_place_of_a_link(people, composition, admin):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    fill(admin, piece.id, 99)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")

    ann.call("create_share_link", composition_id=piece.id, role="viewer")
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="editor")


def test_two_at_once_do_not_both_take_the_last_place(people, composition, admin, twin):
    (ann,) = people("ann")
    phone = twin(ann)
    piece = composition(ann)
    fill(admin, piece.id, 99)

    def link(device):
        device.call("create_share_link", composition_id=piece.id, role="viewer")

    with refused("PT403", code="quota_exceeded"):
        in_turn(ann, lambda: link(ann), phone, lambda: link(phone))


def test_a_token_without_a_person_is_refused(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)
    ann.claims.pop("sub")
    with refused("PT401", code="not_signed_in"):
        ann.call("create_share_link", composition_id=piece.id, role="viewer")
