import random

import pytest
from psycopg.types.json import Jsonb

from tests.database.conftest import one_kind
from tests.people import in_turn, refused
from tests.samples import contents, sample, small

pytestmark = one_kind

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


def set_layer(person, piece, origin=TURN, /, **body):
    """Make a layer over the first version that changes its body."""
    patch = [{"op": "replace", "path": "/body", "value": body}]
    person.call(
        "set_layer", composition_id=piece.id, base_version=1, patch=Jsonb(patch), origin=origin
    )


def layers_and_pins(admin, *people):
    """What layers and pins there are, of people and their organisations, but for their times."""
    return [
        admin.execute(
            f"select to_jsonb(t) - '{{id,created_at,updated_at}}'::text[] from {table} as t"
            " where user_id = any (%(people)s::uuid[]) or organization_id in ("
            "   select organization_id from organization_members"
            "    where user_id = any (%(people)s::uuid[])"
            " ) order by 1",
            {"people": [person.id for person in people]},
        ).fetchall()
        for table in ("composition_layers", "composition_pins")
    ]


def test_layers_and_pins_are_as_they_were(people, composition, organization, admin):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    one, other = (composition(ann, small(n=n), organization_id=northwind) for n in (1, 2))
    ours = {"scope": "organization", "organization_id": northwind}
    remove = [{"op": "remove", "path": "/body/n"}]
    set_layer(ann, one, None, n=1, mine=True)
    ann.call("set_layer", composition_id=other.id, base_version=1, patch=Jsonb(remove), **ours)
    ann.call("pin_composition", context="home", composition_id=one.id, position=3)
    ann.call("pin_composition", context="home", composition_id=one.id, **ours)
    set_layer(ben, one, None, n=1, bens=True)
    before = layers_and_pins(admin, ann, ben)
    seen = [ann.call("load_composition", composition_id=piece.id) for piece in (one, other)]

    set_layer(ann, one, n=5)
    set_layer(ann, one, n=6)
    ann.call("reset_layer", composition_id=other.id, **ours, origin=TURN)
    set_layer(ann, other, n=7)
    ann.call("pin_composition", context="home", composition_id=other.id, origin=TURN)
    ann.call("unpin_composition", context="home", **ours, origin=TURN)
    ann.call("pin_composition", context="new", composition_id=other.id, **ours, origin=TURN)
    assert layers_and_pins(admin, ann, ben) != before

    undone = ann.call("undo_turn", turn="7")

    assert layers_and_pins(admin, ann, ben) == before
    for was in seen:
        is_now = ann.call("load_composition", composition_id=was["composition_id"])
        assert is_now["document"] == was["document"]
        assert is_now["etag"] != was["etag"], "what a cache holds of a layer is known by its time"
    whole = {"scope": "organization", "organization_id": northwind}
    mine = {"scope": "me", "organization_id": None}
    assert sorted(
        undone["layers"], key=lambda at: (at["composition_id"] == other.id, at["scope"])
    ) == [
        {"composition_id": one.id, **mine},
        {"composition_id": other.id, **mine},
        {"composition_id": other.id, **whole},
    ]
    assert sorted(undone["pins"], key=lambda pin: (pin["context"], pin["scope"])) == [
        {"context": "home", "composition_id": one.id, "position": 3, **mine},
        {"context": "home", "composition_id": one.id, "position": 0, **whole},
        {"context": "new", "composition_id": None, "position": None, **whole},
    ]
    assert undone["organization_ids"] == [northwind]
    assert undone["compositions"] == undone["trashed"] == []
    with refused("PT409", code="turn_undone"):
        ann.call("undo_turn", turn="7")


def test_what_a_turn_promoted_is_a_layer_again(people, composition, admin):
    (ann,) = people("ann")
    piece = composition(ann, small(n=1))
    set_layer(ann, piece, None, n=2)
    before = layers_and_pins(admin, ann)
    ann.call("promote_layer", composition_id=piece.id, into="version", origin=TURN)

    ann.call("undo_turn", turn="7")

    assert layers_and_pins(admin, ann) == before
    assert body(ann, piece) == {"n": 2}
    base = ann.call("load_composition", composition_id=piece.id, layered=False)
    assert (base["version"], base["document"]) == (3, small(n=1))


def test_an_undo_of_layers_and_pins_can_be_undone_and_done_again(people, composition, admin):
    (ann,) = people("ann")
    one, other = composition(ann, small(n=1)), composition(ann, small(n=2))
    ann.call("pin_composition", context="home", composition_id=one.id)
    before = layers_and_pins(admin, ann)
    set_layer(ann, one, n=5)
    ann.call("pin_composition", context="home", composition_id=other.id, origin=TURN)
    after = layers_and_pins(admin, ann)

    for turn, origin, expected in (
        ("7", LATER, before),
        ("8", {"turn": "9"}, after),
        ("7", None, before),
    ):
        ann.call("undo_turn", turn=turn, origin=origin)
        assert layers_and_pins(admin, ann) == expected


def overtake_layer(ann, pieces):
    set_layer(ann, pieces[1], LATER, n=99)
    mine = {"scope": "me", "organization_id": None}
    return {"composition_id": pieces[1].id, "title": "Piece 1", "layer": mine}


def overtake_reset(ann, pieces):
    ann.call("reset_layer", composition_id=pieces[1].id)
    mine = {"scope": "me", "organization_id": None}
    return {"composition_id": pieces[1].id, "title": "Piece 1", "layer": mine}


def overtake_pin(ann, pieces):
    ann.call("pin_composition", context="home", composition_id=pieces[2].id)
    pin = {"context": "home", "scope": "me", "organization_id": None}
    return {"composition_id": pieces[2].id, "title": "Piece 2", "pin": pin}


def overtake_unpin(ann, pieces):
    ann.call("unpin_composition", context="home")
    pin = {"context": "home", "scope": "me", "organization_id": None}
    return {"composition_id": None, "title": None, "pin": pin}


def overtake_in_between(ann, pieces):
    ann.call("unpin_composition", context="home")
    ann.call("pin_composition", context="home", composition_id=pieces[1].id, origin=TURN)
    pin = {"context": "home", "scope": "me", "organization_id": None}
    return {"composition_id": pieces[1].id, "title": "Piece 1", "pin": pin}


@pytest.mark.parametrize(
    "overtake",
    [overtake_layer, overtake_reset, overtake_pin, overtake_unpin, overtake_in_between],
    ids=lambda overtake: overtake.__name__,
)
def test_a_layer_or_a_pin_that_was_changed_since_is_in_the_way_of_everything(
    people, composition, admin, overtake
):
    (ann,) = people("ann")
    pieces = [composition(ann, small(n=n), title=f"Piece {n}") for n in range(3)]
    save(ann, pieces[0], n=10)
    for piece in pieces[:2]:
        set_layer(ann, piece, n=11)
    for context in ("home", "other"):
        ann.call("pin_composition", context=context, composition_id=pieces[1].id, origin=TURN)
    expected = overtake(ann, pieces)
    before = everything(admin, ann), layers_and_pins(admin, ann)

    with refused("PT409", code="turn_overtaken", later=[expected]):
        ann.call("undo_turn", turn="7")

    assert (everything(admin, ann), layers_and_pins(admin, ann)) == before


def test_a_layer_comes_back_on_what_it_was_made_on_though_nothing_else_has_that(
    people, composition, organization, admin
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    piece = composition(ann, small(n=1), organization_id=northwind)
    ours = {"composition_id": piece.id, "scope": "organization", "organization_id": northwind}
    marked = [{"op": "add", "path": "/body/marker", "value": piece.id}]
    ann.call("set_layer", **ours, base_version=1, patch=Jsonb(marked))
    set_layer(ben, piece, None, n=2, marker=piece.id)
    ann.call("reset_layer", **ours)

    ben.call("reset_layer", composition_id=piece.id, origin=TURN)
    assert contents(admin, piece.id) == 1
    ben.call("undo_turn", turn="7")
    assert ben.call("load_composition", composition_id=piece.id)["document"]["body"]["n"] == 2

    admin.execute("delete from composition_layers where user_id = %s", (ben.id,))
    assert contents(admin, piece.id) == 1
    admin.execute("delete from private.turn_changes where user_id = %s", (ben.id,))
    assert contents(admin, piece.id) == 0


@pytest.mark.parametrize("how", ["purged", "hidden", "trashed"])
def test_a_pin_on_what_the_caller_cannot_see_any_more_does_not_come_back(people, composition, how):
    ann, ben = people("ann", "ben")
    hers, mine = composition(ann, small()), composition(ben, small())
    share = {"composition_id": hers.id, "user_id": ben.id}
    ann.call("share_composition", **share, role="viewer")
    ben.call("pin_composition", context="home", composition_id=hers.id)
    ben.call("pin_composition", context="home", composition_id=mine.id, origin=TURN)
    if how == "hidden":
        ann.call("unshare_composition", **share)
    else:
        ann.call("delete_composition", composition_id=hers.id)
    if how == "purged":
        ann.call("purge_composition", composition_id=hers.id)

    (pin,) = ben.call("undo_turn", turn="7")["pins"]

    assert (pin["context"], pin["composition_id"]) == ("home", None)
    assert ben.call("list_pins") == []


def test_a_pin_that_went_with_its_composition_is_in_nobodys_way(people, composition):
    (ann,) = people("ann")
    first, second = composition(ann, small(n=1)), composition(ann, small(n=2))
    ann.call("pin_composition", context="home", composition_id=first.id)
    ann.call("pin_composition", context="home", composition_id=second.id, origin=TURN)
    ann.call("delete_composition", composition_id=second.id)
    ann.call("purge_composition", composition_id=second.id)

    (pin,) = ann.call("undo_turn", turn="7")["pins"]

    assert pin["composition_id"] == first.id


def test_who_administers_an_organisation_no_more_undoes_nothing_of_it(
    people, composition, organization, admin
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "admin"})
    piece = composition(ann, small(n=1), organization_id=northwind)
    mine = composition(ben, small(n=1))
    save(ben, mine, n=2)
    ben.call(
        "pin_composition",
        context="home",
        composition_id=piece.id,
        scope="organization",
        origin=TURN,
    )
    member = {"organization_id": northwind, "user_id": ben.id}
    before = everything(admin, ann, ben), layers_and_pins(admin, ann, ben)

    ann.call("set_organization_role", **member, role="member")
    with refused("PT403", code="organization_role_too_low", organization_id=northwind):
        ben.call("undo_turn", turn="7")
    ann.call("remove_organization_member", **member)
    with refused("PT404", code="organization_not_found", organization_id=northwind):
        ben.call("undo_turn", turn="7")

    assert (everything(admin, ann, ben), layers_and_pins(admin, ann, ben)) == before


def test_what_was_noted_of_a_turn_is_forgotten_in_time(people, composition, admin):
    (ann,) = people("ann")
    piece = composition(ann, small(n=1))
    set_layer(ann, piece, n=2)
    admin.execute(
        "update private.turn_changes set created_at = now() - interval '32 days'"
        " where user_id = %s",
        (ann.id,),
    )
    with refused("PT404", code="turn_not_found"):
        ann.call("undo_turn", turn="7")

    set_layer(ann, piece, LATER, n=3)

    noted = "select turn from private.turn_changes where user_id = %s"
    assert admin.execute(noted, (ann.id,)).fetchall() == [("8",)]


def test_an_undo_waits_for_a_change_of_the_pin_and_is_overtaken_by_it(people, composition, twin):
    (ann,) = people("ann")
    phone = twin(ann)
    first, second = composition(ann, small(n=1)), composition(ann, small(n=2))
    ann.call("pin_composition", context="home", composition_id=first.id, origin=TURN)

    with refused("PT409", code="turn_overtaken"):
        in_turn(
            phone,
            lambda: phone.call("pin_composition", context="home", composition_id=second.id),
            ann,
            lambda: ann.call("undo_turn", turn="7"),
        )

    assert ann.call("resolve_context", context="home")["composition_id"] == second.id


def test_an_undo_waits_for_a_change_of_the_layer_and_is_overtaken_by_it(people, composition, twin):
    (ann,) = people("ann")
    phone = twin(ann)
    piece = composition(ann, small(n=1))
    set_layer(ann, piece, n=2)

    with refused("PT409", code="turn_overtaken"):
        in_turn(
            phone,
            lambda: set_layer(phone, piece, None, n=3),
            ann,
            lambda: ann.call("undo_turn", turn="7"),
        )

    assert body(ann, piece) == {"n": 3}


def test_a_layer_does_not_come_back_to_an_organization_that_lost_the_composition(
    people, composition, organization
):
    ann, ben = people("ann", "ben")
    southwind = organization(ben, {ann: "member"})
    piece = composition(ann, small(n=1))
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")
    ann.call("share_composition", composition_id=piece.id, organization_id=southwind, role="viewer")
    theirs = {"scope": "organization", "organization_id": southwind}
    patch = Jsonb([{"op": "replace", "path": "/body", "value": {"n": 2}}])
    ben.call("set_layer", composition_id=piece.id, base_version=1, patch=patch, **theirs)
    ben.call("reset_layer", composition_id=piece.id, **theirs, origin=TURN)
    ann.call("unshare_composition", composition_id=piece.id, organization_id=southwind)

    with refused("PT409", code="not_visible_to_organization", organization_id=southwind):
        ben.call("undo_turn", turn="7")

    assert ben.rows("select id from composition_layers") == []


def test_a_viewer_does_not_change_what_a_fork_stands_on(people, composition, admin):
    ann, ben = people("ann", "ben")
    piece = composition(ann, small(n=1))
    fork = ann.call("fork_composition", composition_id=piece.id)["composition_id"]
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")
    ann.call("share_composition", composition_id=fork, user_id=ben.id, role="editor")
    save(ann, piece, None, n=2)
    ben.call("update_from_upstream", composition_id=fork, apply=True, origin=TURN)
    ben.call("pin_composition", context="home", composition_id=fork, origin=TURN)
    save(ann, fork, None, n=3)
    # As purge_versions() does, where an operator keeps versions for less time than turns.
    admin.execute(
        "delete from composition_versions where composition_id = %s and version = 2", (fork,)
    )
    ann.call("share_composition", composition_id=fork, user_id=ben.id, role="viewer")

    with refused("PT403", code="composition_read_only", composition_id=fork):
        ben.call("undo_turn", turn="7")

    assert ann.call("load_composition", composition_id=fork)["forked_from_version"] == 2
