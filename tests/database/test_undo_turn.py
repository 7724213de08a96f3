import random

import pytest

from tests.people import in_turn, refused
from tests.samples import sample, small

TURN = {"agent": "designer", "conversation": "c-1", "turn": "7"}
LATER = TURN | {"turn": "8"}


def save(person, piece, origin=TURN, /, **body):
    """Save whatever is the head now, with another body."""
    composition_id = getattr(piece, "id", piece)
    head = person.call("load_composition", composition_id=composition_id)["version"]
    return person.call(
        "save_version",
        composition_id=composition_id,
        base_version=head,
        document=small(**body),
        origin=origin,
    )


def body(person, piece):
    return person.call("load_composition", composition_id=piece.id)["document"].get("body")


def everything(admin, *people):
    """All that undoing could change, of some people, byte for byte."""
    owners = [person.id for person in people]
    return [
        admin.execute(query, (owners,)).fetchall()
        for query in (
            "select * from user_compositions where owner_id = any (%s::uuid[]) order by id",
            "select v.* from composition_versions as v"
            " join user_compositions as c on c.id = v.composition_id"
            " where c.owner_id = any (%s::uuid[]) order by v.composition_id, v.version",
            "select * from private.turn_changes where user_id = any (%s::uuid[]) order by id",
        )
    ]


def test_all_that_a_turn_saved_and_made_is_undone_and_nothing_else(people, composition):
    (ann,) = people("ann")
    first, second, other = (composition(ann, small(n=n)) for n in range(3))
    for n in (10, 11):
        save(ann, first, n=n)
    save(ann, second, n=12)
    save(ann, other, LATER, n=13)
    made = ann.call("create_composition", title="New", document=small(), origin=TURN)
    forked = ann.call("fork_composition", composition_id=other.id, origin=TURN)
    save(ann, forked["composition_id"], n=14)

    undone = ann.call("undo_turn", turn="7")

    assert undone == {
        "turn": "7",
        "compositions": undone["compositions"],
        "trashed": sorted([made["composition_id"], forked["composition_id"]]),
        "layers": [],
        "pins": [],
        "organization_ids": [],
    }
    assert {one["composition_id"]: one["version"] for one in undone["compositions"]} == {
        first.id: 4,
        second.id: 3,
    }
    assert [body(ann, piece) for piece in (first, second, other)] == [{"n": 0}, {"n": 1}, {"n": 13}]
    trash = ann.call("list_my_compositions", filter={"trashed": True})["items"]
    assert sorted(item["composition_id"] for item in trash) == undone["trashed"]


def test_an_undo_says_what_it_undid_and_brought_back(people, composition):
    (ann,) = people("ann")
    piece = composition(ann, small(n=1))
    save(ann, piece, n=2)

    ann.call("undo_turn", turn="7", conversation="c-1", origin={"agent": "designer", "turn": "9"})

    version = ann.call("get_version", composition_id=piece.id, version=3)
    assert (version["kind"], version["parent_version"], version["author_id"]) == ("undo", 2, ann.id)
    assert version["origin"] == {
        "kind": "restore",
        "agent": "designer",
        "turn": "9",
        "undone_turn": "7",
        "version": 1,
    }


@pytest.mark.parametrize("origin", [None, LATER, TURN])
def test_what_is_undone_is_not_undone_again(people, composition, origin):
    (ann,) = people("ann")
    piece = composition(ann, small(n=1))
    save(ann, piece, n=2)
    ann.call("create_composition", title="New", document=small(), origin=TURN)
    ann.call("undo_turn", turn="7", origin=origin)

    with refused("PT409", code="turn_undone"):
        ann.call("undo_turn", turn="7", origin=origin)

    assert ann.call("load_composition", composition_id=piece.id)["version"] == 3


def test_what_a_turn_does_after_it_was_undone_can_be_undone(people, composition):
    (ann,) = people("ann")
    piece = composition(ann, small(n=1))
    save(ann, piece, n=2)
    ann.call("undo_turn", turn="7")
    save(ann, piece, n=3)
    save(ann, piece, n=4)

    assert len(ann.call("undo_turn", turn="7")["compositions"]) == 1

    assert body(ann, piece) == {"n": 1}


def test_turns_are_undone_one_after_the_other_the_last_one_first(people, composition):
    (ann,) = people("ann")
    piece = composition(ann, small(n=0))
    for turn in (1, 2, 3):
        save(ann, piece, {"turn": str(turn)}, n=turn)

    for turn in (3, 2, 1):
        ann.call("undo_turn", turn=str(turn))
        assert body(ann, piece) == {"n": turn - 1}


def test_an_undo_can_be_undone_by_its_own_turn_and_done_again(people, composition):
    (ann,) = people("ann")
    piece = composition(ann, small(n=1))
    save(ann, piece, n=2)
    made = ann.call("create_composition", title="New", document=small(), origin=TURN)
    new = {"composition_id": made["composition_id"]}

    ann.call("undo_turn", turn="7", origin=LATER)
    redone = ann.call("undo_turn", turn="8", origin={"turn": "9"})

    assert body(ann, piece) == {"n": 2}
    assert ann.call("load_composition", **new)["version"] == 1
    assert {one["composition_id"] for one in redone["compositions"]} == {piece.id, *new.values()}
    with refused("PT409", code="turn_undone"):
        ann.call("undo_turn", turn="8")

    assert ann.call("undo_turn", turn="7")["trashed"] == [new["composition_id"]]
    assert body(ann, piece) == {"n": 1}


def test_what_was_made_in_the_turn_and_thrown_away_since_stays_there(people, composition):
    (ann,) = people("ann")
    piece = composition(ann, small(n=1))
    save(ann, piece, n=2)
    made = ann.call("create_composition", title="New", document=small(), origin=TURN)
    ann.call("delete_composition", composition_id=made["composition_id"])

    assert ann.call("undo_turn", turn="7")["trashed"] == []
    with refused("PT409", code="turn_undone"):
        ann.call("undo_turn", turn="7")


@pytest.mark.parametrize("who", ["the author", "somebody else"])
@pytest.mark.parametrize("how", ["save_version", "restore_version"])
def test_a_turn_that_was_overtaken_anywhere_changes_nothing_anywhere(
    people, composition, admin, who, how
):
    ann, ben = people("ann", "ben")
    pieces = [composition(ann, small(n=n), title=f"Piece {n}") for n in range(3)]
    overtaken, made = pieces[1], composition(ann, small(), title="New", origin=TURN)
    for piece in pieces:
        ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="editor")
        save(ann, piece, n=10)
    later = ann if who == "the author" else ben
    if how == "save_version":
        save(later, overtaken, LATER if later is ann else TURN, n=11)
    else:
        later.call("restore_version", composition_id=overtaken.id, version=1)
    save(ann, made, LATER, n=12)
    before = everything(admin, ann)

    with refused("PT409", code="turn_overtaken") as detail:
        ann.call("undo_turn", turn="7")

    expected = [
        {"composition_id": overtaken.id, "title": "Piece 1", "versions": [3]},
        {"composition_id": made.id, "title": "New", "versions": [2]},
    ]
    assert detail["later"] == sorted(expected, key=lambda one: one["composition_id"])
    assert everything(admin, ann) == before


def test_a_save_between_two_of_the_turn_is_in_its_way(people, composition):
    (ann,) = people("ann")
    piece = composition(ann, small(n=1))
    for origin in (TURN, None, TURN):
        save(ann, piece, origin, n=2)

    with refused("PT409", code="turn_overtaken") as detail:
        ann.call("undo_turn", turn="7")

    assert [one["versions"] for one in detail["later"]] == [[3]]


def test_a_later_turn_that_was_undone_is_not_in_the_way(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann, small(n=1))
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="editor")
    save(ann, piece, n=2)
    save(ben, piece, LATER, n=3)
    ben.call("undo_turn", turn="8")

    ann.call("undo_turn", turn="7")

    assert body(ann, piece) == {"n": 1}


def test_only_the_turn_of_the_caller_is_undone(people, composition, admin):
    ann, ben = people("ann", "ben")
    piece = composition(ann, small(n=1))
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="editor")
    save(ann, piece, n=2)
    before = everything(admin, ann)

    for turn, conversation in (
        ("7", None),
        ("7", "c-1"),
        ("x", None),
        ("", None),
        ("t" * 9999, ""),
    ):
        with refused("PT404", code="turn_not_found"):
            ben.call("undo_turn", turn=turn, conversation=conversation)
    with refused("PT404", code="turn_not_found"):
        ann.call("undo_turn", turn="7", conversation="c-2")
    with refused("PT422", code="invalid_argument", argument="turn"):
        ann.call("undo_turn", turn=None)
    with refused("PT422", code="invalid_argument", argument="origin"):
        ann.call("undo_turn", turn="7", origin={"turn": ""})

    assert everything(admin, ann) == before


def test_the_same_turn_of_two_conversations_is_two_turns(people, composition):
    (ann,) = people("ann")
    pieces = [composition(ann, small(n=0)) for _ in range(3)]
    for piece, conversation in zip(pieces, ("c-1", "c-2", None), strict=True):
        origin = {"turn": "7"} | ({"conversation": conversation} if conversation else {})
        save(ann, piece, origin, n=1)

    with refused("PT422", code="invalid_argument", argument="conversation"):
        ann.call("undo_turn", turn="7")
    ann.call("undo_turn", turn="7", conversation="c-2")
    assert [body(ann, piece)["n"] for piece in pieces] == [1, 0, 1]

    ann.call("undo_turn", turn="7", conversation="")
    assert [body(ann, piece)["n"] for piece in pieces] == [1, 0, 0]


@pytest.mark.parametrize(
    ("lost", "sqlstate", "code"),
    [
        ("the share", "PT404", "composition_not_found"),
        ("the role", "PT403", "composition_read_only"),
        ("the trash", "PT404", "composition_not_found"),
    ],
)
def test_without_the_right_to_one_composition_nothing_is_undone(
    people, composition, admin, lost, sqlstate, code
):
    ann, ben = people("ann", "ben")
    mine, hers = composition(ben, small(n=1)), composition(ann, small(n=1))
    share = {"composition_id": hers.id, "user_id": ben.id}
    ann.call("share_composition", **share, role="editor")
    save(ben, mine, n=2)
    save(ben, hers, n=2)
    if lost == "the share":
        ann.call("unshare_composition", **share)
    elif lost == "the role":
        ann.call("share_composition", **share, role="viewer")
    else:
        ann.call("delete_composition", composition_id=hers.id)
    before = everything(admin, ann, ben)

    with refused(sqlstate, code=code, composition_id=hers.id):
        ben.call("undo_turn", turn="7")

    assert everything(admin, ann, ben) == before


def test_what_was_made_and_given_away_is_not_thrown_away(people, organization, admin):
    ann, ben = people("ann", "ben")
    organization(ann, {ben: "member"})
    made = ben.call("create_composition", title="New", document=small(), origin=TURN)
    new = {"composition_id": made["composition_id"]}
    ben.call("share_composition", **new, user_id=ann.id, role="viewer")
    ben.call("transfer_composition", **new, user_id=ann.id)
    before = everything(admin, ann, ben)

    with refused("PT404", code="composition_not_found", **new):
        ben.call("undo_turn", turn="7")

    assert everything(admin, ann, ben) == before


def test_a_turn_is_undone_as_long_as_all_of_it_is_young_enough(people, composition, admin, setting):
    (ann,) = people("ann")
    old, young = (composition(ann, small(n=1)) for _ in range(2))
    save(ann, old, n=2)
    save(ann, young, n=2)
    admin.execute(
        "update composition_versions set created_at = now() - interval '31 days'"
        " where composition_id = %s",
        (old.id,),
    )

    with refused("PT404", code="turn_not_found"):
        ann.call("undo_turn", turn="7")
    setting("turn_days", 32)
    assert len(ann.call("undo_turn", turn="7")["compositions"]) == 2


def test_content_that_is_gone_is_not_brought_back(people, composition, admin):
    (ann,) = people("ann")
    piece = composition(ann, small(n=1))
    save(ann, piece, n=2)
    admin.execute(
        "delete from composition_versions where composition_id = %s and version = 1", (piece.id,)
    )

    with refused("PT404", code="version_not_found"):
        ann.call("undo_turn", turn="7")

    assert body(ann, piece) == {"n": 2}


def test_an_undo_waits_for_a_save_and_is_overtaken_by_it(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann, small(n=1))
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="editor")
    save(ann, piece, n=2)

    with refused("PT409", code="turn_overtaken"):
        in_turn(
            ben,
            lambda: save(ben, piece, n=3),
            ann,
            lambda: ann.call("undo_turn", turn="7"),
        )

    assert body(ann, piece) == {"n": 3}


def test_a_save_waits_for_an_undo_and_is_stale_then(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann, small(n=1))
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="editor")
    save(ann, piece, n=2)

    with refused("PT409", code="version_conflict", head_version=3):
        in_turn(
            ann,
            lambda: ann.call("undo_turn", turn="7"),
            ben,
            lambda: ben.call(
                "save_version", composition_id=piece.id, base_version=2, document=small(n=3)
            ),
        )


def test_of_two_who_undo_a_turn_at_once_one_does(people, composition, twin):
    (ann,) = people("ann")
    phone = twin(ann)
    piece = composition(ann, small(n=1))
    save(ann, piece, n=2)

    with refused("PT409", code="turn_undone"):
        in_turn(
            ann,
            lambda: ann.call("undo_turn", turn="7"),
            phone,
            lambda: phone.call("undo_turn", turn="7"),
        )

    assert ann.call("load_composition", composition_id=piece.id)["version"] == 3


def test_whoever_is_just_losing_the_role_undoes_nothing(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann, small(n=1))
    share = {"composition_id": piece.id, "user_id": ben.id}
    ann.call("share_composition", **share, role="editor")
    save(ben, piece, n=2)

    with refused("PT404", code="composition_not_found", composition_id=piece.id):
        in_turn(
            ann,
            lambda: ann.call("unshare_composition", **share),
            ben,
            lambda: ben.call("undo_turn", turn="7"),
        )

    assert body(ann, piece) == {"n": 2}


@pytest.mark.parametrize("seed", range(5))
def test_after_a_random_turn_every_head_is_what_it_was(people, composition, admin, seed):
    chance = random.Random(seed)
    (ann,) = people("ann")
    names = ["video-library", "sales-board", "research-notes"]
    pieces = [composition(ann, sample(name), title=name) for name in names]
    for _ in range(chance.randrange(4)):
        save(ann, chance.choice(pieces), None, n=chance.random())
    mine = "select id, current_hash, deleted_at from user_compositions where owner_id = %s"
    before = sorted(ann.rows(mine, ann.id))
    made: list[str] = []

    for step in range(8):
        act = chance.choice(["save", "save", "restore", "create", "fork"])
        piece = chance.choice(pieces)
        at = {"composition_id": piece.id}
        if act == "save":
            save(ann, piece, TURN, step=step, n=chance.choice([1, 2]))
        elif act == "restore":
            head = ann.call("load_composition", **at)["version"]
            back = chance.randint(1, head)
            ann.call("restore_version", **at, version=back, origin=TURN)
        elif act == "create":
            made.append(composition(ann, small(step=step), origin=TURN).id)
        else:
            made.append(ann.call("fork_composition", **at, origin=TURN)["composition_id"])

    assert ann.call("undo_turn", turn="7")["trashed"] == sorted(made)

    assert sorted(ann.rows(mine + " and deleted_at is null", ann.id)) == before
