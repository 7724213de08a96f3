from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tests.people import in_turn, refusal, refused, wait_until_blocked
from tests.samples import SMALLEST, small


def create_link(owner, piece, role="editor", **arguments):
    return owner.call("create_share_link", composition_id=piece.id, role=role, **arguments)


def save(person, piece, base_version=1):
    return person.call(
        "save_version", composition_id=piece.id, base_version=base_version, document=small()
    )


def test_who_accepts_an_editors_link_may_save_and_finds_it_among_their_own(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    link = create_link(ann, piece)
    with refused("PT404"):
        save(ben, piece)

    share = ben.call("accept_share_link", token=link["token"])

    assert (share["composition_id"], share["user_id"], share["organization_id"]) == (
        piece.id,
        ben.id,
        None,
    )
    assert (share["link_id"], share["role"], share["expires_at"], share["created_by"]) == (
        link["link_id"],
        "editor",
        None,
        ben.id,
    )
    assert "token" not in share
    assert save(ben, piece)["version"] == 2
    (item,) = ben.call("list_my_compositions")["items"]
    assert (item["composition_id"], item["role"]) == (piece.id, "editor")
    assert ben.rows("update user_compositions set title = 'Ours' returning title") == [("Ours",)]


def test_a_viewers_link_makes_a_viewer(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)

    ben.call("accept_share_link", token=create_link(ann, piece, "viewer")["token"])

    assert ben.call("load_composition", composition_id=piece.id)["role"] == "viewer"
    with refused("PT403", code="composition_read_only"):
        save(ben, piece)


def test_accepting_twice_is_accepting_once(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    link = create_link(ann, piece)

    first = ben.call("accept_share_link", token=link["token"])

    assert ben.call("accept_share_link", token=link["token"]) == first
    assert len(ben.call("list_shares", composition_id=piece.id)) == 1


def test_many_people_accept_one_link_and_one_person_many(people, composition):
    ann, ben, cy = people("ann", "ben", "cy")
    piece = composition(ann)
    viewing, editing = create_link(ann, piece, "viewer"), create_link(ann, piece, "editor")

    for person in (ben, cy):
        person.call("accept_share_link", token=viewing["token"])
    ben.call("accept_share_link", token=editing["token"])

    assert ben.call("load_composition", composition_id=piece.id)["role"] == "editor"
    assert cy.call("load_composition", composition_id=piece.id)["role"] == "viewer"
    assert len(ben.call("list_my_compositions")["items"]) == 1
    ann.call("revoke_share_link", link_id=editing["link_id"])
    assert ben.call("load_composition", composition_id=piece.id)["role"] == "viewer"


def test_a_share_in_person_and_one_by_a_link_stand_beside_each_other(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    link = create_link(ann, piece)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")

    ben.call("accept_share_link", token=link["token"])
    assert ben.call("load_composition", composition_id=piece.id)["role"] == "editor"
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")
    assert ben.call("load_composition", composition_id=piece.id)["role"] == "editor"

    ann.call("revoke_share_link", link_id=link["link_id"])
    assert ben.call("load_composition", composition_id=piece.id)["role"] == "viewer"


def test_what_was_accepted_ends_when_the_link_does(people, composition, admin):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    end = datetime.now(UTC) + timedelta(hours=1)
    link = create_link(ann, piece, expires_at=end)

    share = ben.call("accept_share_link", token=link["token"])
    assert datetime.fromisoformat(share["expires_at"]) == end
    assert save(ben, piece)["version"] == 2

    admin.execute(
        "update public.shared_compositions set expires_at = now() where composition_id = %s",
        (piece.id,),
    )
    with refused("PT404", code="composition_not_found"):
        save(ben, piece, 2)
    with refused("PT404", code="link_not_found"):
        ben.call("accept_share_link", token=link["token"])


@pytest.mark.parametrize("who", ["owner", "admin"])
def test_an_owner_needs_no_link(around, who):
    owner, person = around.people["owner"], around.people[who]
    link = owner.call("create_share_link", composition_id=around.composition_id, role="editor")

    with refused("PT409", code="already_owner", composition_id=around.composition_id):
        person.call("accept_share_link", token=link["token"])

    shares = owner.call("list_shares", composition_id=around.composition_id)
    assert person.id not in [share["user_id"] for share in shares]


def test_a_member_may_become_an_editor(around):
    link = around.people["owner"].call(
        "create_share_link", composition_id=around.composition_id, role="editor"
    )
    around.people["member"].call("accept_share_link", token=link["token"])
    loaded = around.people["member"].call("load_composition", composition_id=around.composition_id)
    assert loaded["role"] == "editor"


def test_every_token_that_opens_nothing_gets_the_answer_of_open_share_link(
    people, composition, admin
):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    revoked, expired = create_link(ann, piece), create_link(ann, piece)
    ann.call("revoke_share_link", link_id=revoked["link_id"])
    admin.execute(
        "update public.shared_compositions set expires_at = now() where id = %s",
        (expired["link_id"],),
    )
    expected = refusal(ben, "open_share_link", token="A" * 43)

    for token in (revoked["token"], expired["token"], "A" * 43, "", None, "A" * 1_000_000):
        assert refusal(ben, "accept_share_link", token=token) == expected
    assert ben.call("list_my_compositions")["items"] == []


def test_nobody_accepts_without_an_account(people, composition, admin, anon):
    ann, ben = people("ann", "ben")
    token = create_link(ann, composition(ann))["token"]

    with refused("42501"):
        anon.call("accept_share_link", token=token)
    admin.execute("delete from auth.users where id = %s", (ben.id,))
    with refused("PT401", code="account_not_found"):
        ben.call("accept_share_link", token=token)
    ben.claims.pop("sub")
    with refused("PT401", code="not_signed_in"):
        ben.call("accept_share_link", token=token)


def test_who_waited_for_the_end_of_the_link_gets_nothing(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    link = create_link(ann, piece)

    with refused("PT404", code="link_not_found"):
        in_turn(
            ann,
            lambda: ann.call("revoke_share_link", link_id=link["link_id"]),
            ben,
            lambda: ben.call("accept_share_link", token=link["token"]),
        )

    assert ann.call("list_shares", composition_id=piece.id) == []


def test_the_end_of_a_link_waits_for_who_is_accepting_and_takes_it_back(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    link = create_link(ann, piece)

    in_turn(
        ben,
        lambda: ben.call("accept_share_link", token=link["token"]),
        ann,
        lambda: ann.call("revoke_share_link", link_id=link["link_id"]),
    )

    assert ann.call("list_shares", composition_id=piece.id) == []
    with refused("PT404", code="composition_not_found"):
        ben.call("load_composition", composition_id=piece.id)


def test_two_devices_that_accept_at_once_make_one_share(people, composition, twin):
    ann, ben = people("ann", "ben")
    phone = twin(ben)
    piece = composition(ann)
    token = create_link(ann, piece)["token"]

    in_turn(
        ben,
        lambda: ben.call("accept_share_link", token=token),
        phone,
        lambda: phone.call("accept_share_link", token=token),
    )

    assert len(ben.call("list_shares", composition_id=piece.id)) == 1


def test_a_composition_deleted_meanwhile_is_no_longer_there(people, composition, admin):
    ann, ben = people("ann", "ben")
    token = create_link(ann, composition(ann))["token"]

    with ThreadPoolExecutor(1) as pool:
        with admin.transaction():
            admin.execute("delete from auth.users where id = %s", (ann.id,))
            waiting = pool.submit(ben.call, "accept_share_link", token=token)
            wait_until_blocked(admin, ben.connection)
        with refused("PT404", code="link_not_found"):
            waiting.result(10)


def test_two_people_do_not_both_take_the_last_place(people, composition, admin):
    ann, ben, cy = people("ann", "ben", "cy")
    piece = composition(ann, SMALLEST)
    token = create_link(ann, piece)["token"]
    admin.execute(
        """
        with made as (
          insert into public.organizations (name)
          select 'Number ' || n from generate_series(1, 999) as n
          returning id
        )
        insert into public.shared_compositions (composition_id, organization_id, role)
        select %s, m.id, 'viewer' from made as m
        """,
        (piece.id,),
    )

    with refused("PT403", code="quota_exceeded", quota=1000):
        in_turn(
            ben,
            lambda: ben.call("accept_share_link", token=token),
            cy,
            lambda: cy.call("accept_share_link", token=token),
        )

    ben.call("accept_share_link", token=token)  # what there is takes no place
    with refused("PT403", code="quota_exceeded", quota=1000):
        ann.call("share_composition", composition_id=piece.id, user_id=cy.id, role="viewer")
