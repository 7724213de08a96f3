import pytest
from psycopg.types.json import Jsonb

from tests.database.conftest import one_kind
from tests.people import NOBODY, in_turn, refusal, refused
from tests.samples import SMALLEST, small

pytestmark = one_kind

TURN = {"agent": "designer", "turn": "7"}
START = {"title": "Videos", "limit": 10, "theme": {"colour": "blue"}}
KEYS = {"upstream_id", "from_version", "to_version", "up_to_date", "conflicts"}
WRITTEN = {"composition_id", "version", "content_hash", "title", "updated_at"}


@pytest.fixture
def forked(people, composition):
    """Ann's composition, and Ben's fork of it: `ann, ben, upstream, fork`."""
    ann, ben = people("ann", "ben")
    upstream = composition(ann, small(**START)).id
    ann.call("share_composition", composition_id=upstream, user_id=ben.id, role="viewer")
    fork = ben.call("fork_composition", composition_id=upstream)["composition_id"]
    return ann, ben, upstream, fork


def save(person, composition_id, **body):
    """Save another body on whatever is the head now; what is None is left out."""
    loaded = person.call("load_composition", composition_id=composition_id)
    merged = loaded["document"]["body"] | body
    return person.call(
        "save_version",
        composition_id=composition_id,
        base_version=loaded["version"],
        document=small(**{key: value for key, value in merged.items() if value is not None}),
    )["version"]


def body(person, composition_id):
    return person.call("load_composition", composition_id=composition_id)["document"]["body"]


def state(person, composition_id):
    return (
        person.call("load_composition", composition_id=composition_id),
        person.call("list_versions", composition_id=composition_id),
    )


def test_a_fork_takes_over_what_was_changed_and_keeps_its_own(forked):
    ann, ben, upstream, fork = forked
    save(ann, upstream, limit=20)
    save(ann, upstream, theme={"colour": "red"})
    save(ben, fork, title="My videos")

    updated = ben.call(
        "update_from_upstream", composition_id=fork, apply=True, message="News", origin=TURN
    )

    expected = START | {"title": "My videos", "limit": 20, "theme": {"colour": "red"}}
    loaded, versions = state(ben, fork)
    assert updated.keys() == KEYS | WRITTEN | {"merged"}
    assert {key: updated[key] for key in WRITTEN} == {key: loaded[key] for key in WRITTEN}
    assert {key: updated[key] for key in KEYS} == {
        "upstream_id": upstream,
        "from_version": 1,
        "to_version": 3,
        "up_to_date": False,
        "conflicts": [],
    }
    assert (loaded["document"], loaded["forked_from_version"]) == (small(**expected), 3)
    version = versions["items"][0]
    assert (version["version"], version["kind"], version["parent_version"]) == (3, "upstream", 2)
    assert (version["message"], version["author_id"]) == ("News", ben.id)
    assert version["origin"] == TURN | {
        "kind": "upstream",
        "composition_id": upstream,
        "version": 3,
    }
    assert ann.call("load_composition", composition_id=upstream)["version"] == 3


def test_the_next_update_starts_from_the_one_before(forked):
    ann, ben, upstream, fork = forked
    save(ann, upstream, limit=20)
    ben.call("update_from_upstream", composition_id=fork, apply=True)
    save(ben, fork, limit=30)
    save(ann, upstream, title="Films")

    updated = ben.call("update_from_upstream", composition_id=fork, apply=True)

    assert (updated["from_version"], updated["to_version"]) == (2, 3)
    assert body(ben, fork) == START | {"title": "Films", "limit": 30}


def test_without_apply_it_says_what_it_would_do_and_does_nothing(forked):
    ann, ben, upstream, fork = forked
    save(ann, upstream, limit=20)
    save(ben, fork, title="My videos")
    before = state(ben, fork)

    preview = ben.call("update_from_upstream", composition_id=fork)

    assert preview.keys() == KEYS | {"patch", "sentences", "merged"}
    assert preview["patch"] == [{"op": "replace", "path": "/body/limit", "value": 20}]
    assert len(preview["sentences"]) == 1
    assert preview["merged"] == small(**START | {"title": "My videos", "limit": 20})
    assert state(ben, fork) == before


def test_a_viewer_of_both_may_look_and_not_apply(forked, people):
    ann, ben, upstream, fork = forked
    (cleo,) = people("cleo")
    save(ann, upstream, limit=20)
    ben.call("share_composition", composition_id=fork, user_id=cleo.id, role="viewer")
    with refused("PT404", code="upstream_not_found"):
        cleo.call("update_from_upstream", composition_id=fork)

    ann.call("share_composition", composition_id=upstream, user_id=cleo.id, role="viewer")

    assert cleo.call("update_from_upstream", composition_id=fork)["to_version"] == 2
    with refused("PT403", code="composition_read_only"):
        cleo.call("update_from_upstream", composition_id=fork, apply=True)
    assert ben.call("load_composition", composition_id=fork)["version"] == 1


@pytest.mark.parametrize("apply", [False, True])
def test_with_nothing_new_nothing_is_done(forked, apply):
    _, ben, upstream, fork = forked
    save(ben, fork, limit=20)
    before = state(ben, fork)

    answer = ben.call("update_from_upstream", composition_id=fork, apply=apply)

    assert {key: answer[key] for key in KEYS} == {
        "upstream_id": upstream,
        "from_version": 1,
        "to_version": 1,
        "up_to_date": True,
        "conflicts": [],
    }
    assert state(ben, fork) == before


CONFLICTS = [
    {"path": "/body/limit", "kind": "both_changed", "base": 10, "head": 30, "mine": 20},
    {
        "path": "/body/theme",
        "kind": "edit_delete",
        "base": {"colour": "blue"},
        "mine": {"colour": "red"},
    },
    {"path": "/body/title", "kind": "delete_edit", "base": "Videos", "head": "My videos"},
]


@pytest.fixture
def conflicting(forked):
    ann, ben, upstream, fork = forked
    save(ann, upstream, limit=20, theme={"colour": "red"}, title=None, new=1)
    save(ben, fork, limit=30, theme=None, title="My videos")
    return forked


def test_where_both_changed_the_same_nothing_is_done(conflicting):
    _, ben, _, fork = conflicting
    before = state(ben, fork)

    with refused("PT409", code="merge_conflict") as detail:
        ben.call("update_from_upstream", composition_id=fork, apply=True)
    preview = ben.call("update_from_upstream", composition_id=fork)

    assert sorted(detail["conflicts"], key=lambda conflict: conflict["path"]) == CONFLICTS
    assert preview["conflicts"] == detail["conflicts"]
    assert preview["patch"] == [{"op": "add", "path": "/body/new", "value": 1}]
    assert state(ben, fork) == before


def test_a_fork_may_keep_its_own_where_both_changed_the_same(conflicting):
    _, ben, _, fork = conflicting

    updated = ben.call("update_from_upstream", composition_id=fork, apply=True, on_conflict="keep")

    assert body(ben, fork) == {"title": "My videos", "limit": 30, "new": 1}
    assert sorted(updated["conflicts"], key=lambda conflict: conflict["path"]) == CONFLICTS
    again = ben.call("update_from_upstream", composition_id=fork, apply=True)
    assert again["up_to_date"] is True


def tree(**children):
    """A document of components: each with the ones that it has as children."""
    return {
        "format": "composition/1",
        "dialect": "a2ui/0.9.1",
        "root": "root",
        "components": {
            name: {"component": "Column", "children": list(inner)}
            for name, inner in children.items()
        },
    }


def test_changes_that_do_not_go_together_are_never_applied(people, composition):
    (ann,) = people("ann")
    upstream = composition(ann, tree(root="ab", a="c", b="", c="")).id
    fork = ann.call("fork_composition", composition_id=upstream)["composition_id"]
    for where, document in (
        (upstream, tree(root="ab", a="", b="c", c="")),
        (fork, tree(root="acb", a="", b="", c="")),
    ):
        ann.call("save_version", composition_id=where, base_version=1, document=document)
    before = state(ann, fork)

    preview = ann.call("update_from_upstream", composition_id=fork)
    assert "merged" not in preview
    assert preview["patch"] == preview["sentences"] == []
    assert [conflict["kind"] for conflict in preview["conflicts"]] == ["structure"]
    for on_conflict in ("reject", "keep"):
        with refused("PT409", code="merge_conflict", conflicts=preview["conflicts"]):
            ann.call(
                "update_from_upstream", composition_id=fork, apply=True, on_conflict=on_conflict
            )
    assert state(ann, fork) == before


@pytest.mark.parametrize("apply", [False, True])
@pytest.mark.parametrize("why", ["no fork", "hidden", "trashed", "purged"])
def test_nobody_learns_why_there_is_no_upstream(forked, apply, why):
    ann, ben, upstream, fork = forked
    save(ann, upstream, limit=20)
    if why == "no fork":
        fork = ben.call("create_composition", title="Own", document=SMALLEST)["composition_id"]
    elif why == "hidden":
        ann.call("unshare_composition", composition_id=upstream, user_id=ben.id)
    else:
        ann.call("delete_composition", composition_id=upstream)
    if why == "purged":
        ann.call("purge_composition", composition_id=upstream)
    before = state(ben, fork)

    said = refusal(ben, "update_from_upstream", composition_id=fork, apply=apply)

    assert said[:3] == (
        "PT404",
        f"composition {fork} has no upstream that can be viewed",
        '{"code": "upstream_not_found"}',
    )
    assert state(ben, fork) == before


@pytest.mark.parametrize("apply", [False, True])
def test_strangers_learn_nothing_of_a_fork(forked, people, apply):
    _, _, _, fork = forked
    (zoe,) = people("zoe")
    for composition_id in (fork, NOBODY):
        with refused("PT404", code="composition_not_found"):
            zoe.call("update_from_upstream", composition_id=composition_id, apply=apply)


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"apply": None}, "apply"),
        ({"on_conflict": "merge"}, "on_conflict"),
        ({"on_conflict": None}, "on_conflict"),
        ({"origin": Jsonb([])}, "origin"),
    ],
)
def test_what_it_does_not_know_is_refused(forked, arguments, argument):
    _, ben, _, fork = forked
    with refused("PT422", code="invalid_argument", argument=argument):
        ben.call("update_from_upstream", composition_id=fork, **arguments)


def test_a_fork_that_was_saved_since_the_caller_saw_it_is_not_updated(forked):
    ann, ben, upstream, fork = forked
    save(ann, upstream, limit=20)
    save(ben, fork, title="My videos")

    with refused("PT409", code="version_conflict", head_version=2):
        ben.call("update_from_upstream", composition_id=fork, apply=True, base_version=1)
    assert ben.call("update_from_upstream", composition_id=fork, apply=True, base_version=2)[
        "merged"
    ]


def test_a_version_in_common_that_is_gone_cannot_be_merged_from(forked, admin):
    ann, ben, upstream, fork = forked
    save(ann, upstream, limit=20)
    admin.execute(
        "delete from composition_versions where composition_id = %s and version = 1", (upstream,)
    )
    for apply in (False, True):
        with refused("PT404", code="version_not_found"):
            ben.call("update_from_upstream", composition_id=fork, apply=apply)


def test_undoing_an_update_makes_it_possible_again(forked):
    ann, ben, upstream, fork = forked
    save(ann, upstream, limit=20)
    update = {"composition_id": fork, "apply": True}
    ben.call("update_from_upstream", **update, origin=TURN)

    ben.call("undo_turn", turn="7", origin={"turn": "8"})
    loaded = ben.call("load_composition", composition_id=fork)
    assert (loaded["document"], loaded["forked_from_version"]) == (small(**START), 1)
    ben.call("undo_turn", turn="8")
    loaded = ben.call("load_composition", composition_id=fork)
    assert (loaded["document"]["body"]["limit"], loaded["forked_from_version"]) == (20, 2)
    assert ben.call("update_from_upstream", **update)["up_to_date"]

    ben.call("undo_turn", turn="7")
    assert ben.call("update_from_upstream", **update)["merged"]
    assert body(ben, fork) == START | {"limit": 20}


def test_an_update_waits_for_a_save_and_is_made_on_it(forked, twin):
    ann, ben, upstream, fork = forked
    phone = twin(ben)
    save(ann, upstream, limit=20)

    updated = in_turn(
        phone,
        lambda: save(phone, fork, title="My videos"),
        ben,
        lambda: ben.call("update_from_upstream", composition_id=fork, apply=True),
    )

    assert updated["version"] == 3
    assert body(ben, fork) == START | {"title": "My videos", "limit": 20}


def test_a_save_waits_for_an_update_and_is_stale_then(forked, twin):
    ann, ben, upstream, fork = forked
    phone = twin(ben)
    save(ann, upstream, limit=20)

    with refused("PT409", code="version_conflict", head_version=2):
        in_turn(
            ben,
            lambda: ben.call("update_from_upstream", composition_id=fork, apply=True),
            phone,
            lambda: phone.call(
                "save_version", composition_id=fork, base_version=1, document=small()
            ),
        )


def test_an_update_waits_for_a_save_upstream_and_takes_it_along(forked):
    ann, ben, upstream, fork = forked
    save(ann, upstream, limit=20)

    updated = in_turn(
        ann,
        lambda: save(ann, upstream, limit=21),
        ben,
        lambda: ben.call("update_from_upstream", composition_id=fork, apply=True),
    )

    assert (updated["to_version"], body(ben, fork)["limit"]) == (3, 21)


def test_whoever_is_just_losing_the_upstream_takes_nothing_over(forked):
    ann, ben, upstream, fork = forked
    save(ann, upstream, limit=20)

    with refused("PT404", code="upstream_not_found"):
        in_turn(
            ann,
            lambda: ann.call("unshare_composition", composition_id=upstream, user_id=ben.id),
            ben,
            lambda: ben.call("update_from_upstream", composition_id=fork, apply=True),
        )

    assert body(ben, fork) == START
