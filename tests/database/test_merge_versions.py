"""Stale saves that are merged: what becomes the head, and what is kept beside it."""

import pytest

from tests.database.conftest import one_kind
from tests.people import in_turn, refused
from tests.samples import small

pytestmark = one_kind


def save(person, piece, base_version, document, **arguments):
    arguments = {"on_conflict": "merge"} | arguments
    return person.call(
        "save_version",
        composition_id=piece.id,
        base_version=base_version,
        document=document,
        **arguments,
    )


def head(person, piece):
    return person.call("load_composition", composition_id=piece.id, layered=False)


def version(person, piece, number):
    return person.call("get_version", composition_id=piece.id, version=number)


def versions(person, piece):
    items = person.call("list_versions", composition_id=piece.id)["items"]
    return [(item["version"], item["kind"], item["parent_version"]) for item in items]


@pytest.fixture
def shared(people, composition):
    """Ann's composition that ben edits too, and cleo views."""
    ann, ben, cleo = people("ann", "ben", "cleo")
    piece = composition(ann, small(ann=1, ben=1, both=1))
    for person, role in ((ben, "editor"), (cleo, "viewer")):
        ann.call("share_composition", composition_id=piece.id, user_id=person.id, role=role)
    return ann, ben, cleo, piece


def test_a_stale_save_of_other_parts_is_merged(shared):
    ann, ben, _, piece = shared
    save(ann, piece, 1, small(ann=2, ben=1, both=1))

    saved = save(ben, piece, 1, small(ann=1, ben=2, both=1), message="Mine", origin={"turn": "t"})

    loaded = head(ann, piece)
    assert saved == {key: loaded[key] for key in saved if key != "merged"} | {"merged": True}
    assert loaded["document"] == small(ann=2, ben=2, both=1)
    merge = version(ann, piece, 3)
    assert (merge["kind"], merge["parent_version"], merge["author_id"]) == ("merge", 2, ben.id)
    assert merge["message"] == "Mine"
    assert merge["origin"] == {"kind": "merge", "turn": "t", "base_version": 1}


def test_a_save_on_the_head_is_no_merge(shared):
    ann, _, _, piece = shared
    saved = save(ann, piece, 1, small(n=2))
    assert "merged" not in saved
    assert versions(ann, piece) == [(2, "save", 1), (1, "create", None)]


def test_what_both_changed_is_kept_whole_and_the_head_stays(shared):
    ann, ben, _, piece = shared
    first = save(ann, piece, 1, small(ann=1, ben=1, both="ann"))
    mine = small(ann=1, ben=2, both="ben")

    saved = save(ben, piece, 1, mine, message="Mine", origin={"agent": "a"})

    conflict = {
        "kind": "both_changed",
        "path": "/body/both",
        "base": 1,
        "head": "ann",
        "mine": "ben",
    }
    assert saved == first | {"merged": False, "conflicts": [conflict], "conflict_version": 3}
    assert head(ann, piece)["document"]["body"]["both"] == "ann"
    kept = version(ann, piece, 3)
    assert (kept["kind"], kept["parent_version"], kept["author_id"]) == ("conflict", 1, ben.id)
    assert (kept["document"], kept["message"]) == (mine, "Mine")
    assert kept["origin"] == {"kind": "agent", "agent": "a"}
    assert versions(ann, piece)[0] == (3, "conflict", 1)


def test_the_same_conflict_of_the_same_person_is_kept_once(shared):
    ann, ben, _, piece = shared
    save(ann, piece, 1, small(both="ann"))
    mine = small(both="ben")
    assert [save(ben, piece, 1, mine)["conflict_version"] for _ in range(2)] == [3, 3]
    assert save(ann, piece, 1, mine)["conflict_version"] == 4
    assert save(ben, piece, 1, small(both="other"))["conflict_version"] == 5
    save(ben, piece, 2, small(both="later"))
    assert head(ann, piece)["version"] == 6
    assert save(ben, piece, 2, mine)["conflict_version"] == 7  # from another version
    assert versions(ann, piece)[1] == (6, "save", 2)


def test_a_kept_version_is_restored_forked_and_merged_from_where_it_started(shared):
    ann, ben, _, piece = shared
    save(ann, piece, 1, small(ann=2, ben=1, both="ann"))
    mine = small(ann=1, ben=2, both="ben")
    kept = save(ben, piece, 1, mine)["conflict_version"]

    fork = ben.call("fork_composition", composition_id=piece.id, version=kept)
    forked = ben.call("load_composition", composition_id=fork["composition_id"])
    assert forked["document"] == mine

    # As its edits are those from version 1, that is what it is merged from.
    with refused("PT409", code="version_conflict", head_version=2):
        save(ben, piece, kept, mine, on_conflict="reject")
    agreed = save(ben, piece, kept, small(ann=1, ben=2, both="ann"))
    assert agreed["merged"]
    assert version(ann, piece, 4)["origin"]["base_version"] == 1
    assert head(ann, piece)["document"] == small(ann=2, ben=2, both="ann")

    restored = ben.call("restore_version", composition_id=piece.id, version=kept)
    assert restored["version"] == 5
    assert head(ann, piece)["document"] == mine


def test_a_conflict_changes_nothing_that_others_see_of_the_head(shared, admin):
    ann, ben, cleo, piece = shared
    save(ann, piece, 1, small(both="ann"))
    before = head(cleo, piece)
    news = "select count(*) from private.cache_outbox where composition_id = %s"
    noted = admin.execute(news, (piece.id,)).fetchone()
    save(ben, piece, 1, small(both="ben"))
    assert head(cleo, piece) == before
    assert admin.execute(news, (piece.id,)).fetchone() == noted


@pytest.mark.parametrize("base_version", [0, -1, 9])
def test_a_base_that_never_was_is_refused(shared, base_version):
    ann, ben, _, piece = shared
    save(ann, piece, 1, small(n=2))
    with refused("PT409", code="version_conflict", head_version=2):
        save(ben, piece, base_version, small(n=3))
    assert versions(ann, piece)[0][0] == 2


def test_a_merge_of_two_documents_without_fault_may_have_one(people, composition):
    ann, ben = people("ann", "ben")

    def column(**components):
        return {
            "format": "composition/1",
            "dialect": "a2ui/0.9.1",
            "root": "root",
            "components": {"root": {"component": "Column", "children": ["card", "text"]}}
            | components,
        }

    text, box = {"component": "Text", "text": "Hello"}, {"component": "Column", "children": []}
    piece = composition(ann, column(card=box, text=text))
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="editor")
    inside = column(card=box | {"children": ["text"]}, text=text)
    inside["components"]["root"] = {"component": "Column", "children": ["card"]}
    save(ann, piece, 1, inside)
    # Whoever shows it twice moved nothing.
    mine = column(card=box, text=text, more=box | {"children": ["text"]})
    mine["components"]["root"] = {"component": "Column", "children": ["card", "more"]}

    saved = save(ben, piece, 1, mine)

    (conflict,) = saved["conflicts"]
    assert (conflict["path"], conflict["kind"]) == ("", "structure")
    assert {problem["code"] for problem in conflict["problems"]} == {"two_parents"}
    assert version(ben, piece, saved["conflict_version"])["document"] == mine
    preview = ben.call("preview_merge", composition_id=piece.id, base_version=1, document=mine)
    assert "merged" not in preview and preview["conflicts"] == [conflict]


def test_strangers_and_viewers_may_not_merge_and_leave_nothing_behind(shared, people):
    ann, _, cleo, piece = shared
    (dan,) = people("dan")
    save(ann, piece, 1, small(both="ann"))
    with refused("PT403", code="composition_read_only"):
        save(cleo, piece, 1, small(both="cleo"))
    with refused("PT404", code="composition_not_found"):
        save(dan, piece, 1, small(both="dan"))
    assert versions(ann, piece)[0][0] == 2


def test_an_invalid_document_or_message_leaves_nothing_behind(shared):
    ann, ben, _, piece = shared
    save(ann, piece, 1, small(both="ann"))
    with refused("PT422", code="invalid_document"):
        save(ben, piece, 1, {})
    for document in (small(both="ben"), small(ben=2, ann=1, both=1)):
        with refused(
            "PT422", code="invalid_argument", constraint="composition_versions_message_length"
        ):
            save(ben, piece, 1, document, message="x" * 1001)
    with refused("PT422", code="invalid_argument", argument="origin"):
        save(ben, piece, 1, small(both="ben"), origin={"kind": "merge"})
    assert versions(ann, piece)[0][0] == 2


# ---- the preview


def test_a_preview_tells_what_a_save_would_do_and_does_nothing(shared):
    ann, ben, cleo, piece = shared
    save(ann, piece, 1, small(ann=2, ben=1, both="ann"))
    how = {"composition_id": piece.id, "base_version": 1}

    clean = cleo.call("preview_merge", **how, document=small(ann=1, ben=2, both=1))
    flagged = cleo.call("preview_merge", **how, document=small(ann=1, ben=2, both="ben"))

    now = head(cleo, piece)
    assert clean == {
        "current": now,
        "merged": small(ann=2, ben=2, both="ann"),
        "conflicts": [],
    }
    assert flagged["merged"] == clean["merged"]
    assert [found["path"] for found in flagged["conflicts"]] == ["/body/both"]
    assert versions(ann, piece)[0][0] == 2
    saved = save(ben, piece, 1, small(ann=1, ben=2, both="ben"))
    assert saved["conflicts"] == flagged["conflicts"]


@pytest.mark.parametrize(
    ("format", "patch"),
    [
        ("json-patch", '[{"op": "replace", "path": "/body/ben", "value": 2}]'),
        ("merge-patch", '{"body": {"ben": 2}}'),
    ],
)
def test_a_preview_takes_a_patch_of_the_base(shared, format, patch):
    ann, ben, _, piece = shared
    save(ann, piece, 1, small(ann=2, ben=1, both=1))
    preview = ben.call(
        "preview_merge", composition_id=piece.id, base_version=1, patch=patch, format=format
    )
    assert preview["merged"] == small(ann=2, ben=2, both=1)


def test_a_preview_from_a_base_that_is_gone_shows_the_head_alone(shared):
    _, ben, _, piece = shared
    how = {"composition_id": piece.id, "document": small(n=1)}
    for base_version in (0, 9):
        preview = ben.call("preview_merge", **how, base_version=base_version)
        assert preview == {"current": head(ben, piece), "conflicts": []}


def test_a_preview_is_for_who_may_view_and_of_what_is_valid(shared, people):
    _, _, cleo, piece = shared
    (dan,) = people("dan")
    how = {"composition_id": piece.id, "base_version": 1}
    with refused("PT404", code="composition_not_found"):
        dan.call("preview_merge", **how, document=small())
    with refused("PT422", code="invalid_document"):
        cleo.call("preview_merge", **how, document={"format": "composition/1"})
    for both in ({}, {"document": small(), "patch": "[]"}):
        with refused("PT422", code="invalid_argument", argument="document"):
            cleo.call("preview_merge", **how, **both)
    with refused("PT422", code="invalid_argument", argument="base_version"):
        cleo.call("preview_merge", **how | {"base_version": None}, document=small())


# ---- two at once


def test_two_stale_saves_at_once_are_merged_one_after_the_other(shared):
    ann, ben, _, piece = shared
    save(ann, piece, 1, small(ann=1, ben=1, both="first"))
    both = in_turn(
        ann,
        lambda: save(ann, piece, 1, small(ann=2, ben=1, both=1)),
        ben,
        lambda: save(ben, piece, 1, small(ann=1, ben=2, both=1)),
    )
    assert (both["merged"], both["version"]) == (True, 4)
    assert head(ann, piece)["document"] == small(ann=2, ben=2, both="first")


def test_two_conflicts_at_once_get_numbers_of_their_own(shared):
    ann, ben, _, piece = shared
    save(ann, piece, 1, small(both="first"))
    kept = in_turn(
        ann,
        lambda: save(ann, piece, 1, small(both="ann")),
        ben,
        lambda: save(ben, piece, 1, small(both="ben")),
    )
    assert (kept["version"], kept["conflict_version"]) == (2, 4)
    assert version(ann, piece, 3)["author_id"] == ann.id
    assert version(ann, piece, 4)["author_id"] == ben.id


def test_a_merge_that_waits_for_a_restore_merges_into_what_was_restored(shared):
    ann, ben, _, piece = shared
    save(ann, piece, 1, small(ann=2, ben=1, both="ann"))
    merged = in_turn(
        ann,
        lambda: ann.call("restore_version", composition_id=piece.id, version=1),
        ben,
        lambda: save(ben, piece, 2, small(ann=2, ben=2, both="ann")),
    )
    # What the restore took back stays so; ben changed nothing of it.
    assert (merged["merged"], merged["version"]) == (True, 4)
    assert head(ann, piece)["document"] == small(ann=1, ben=2, both=1)


def test_a_restore_that_waits_for_a_conflict_is_appended_after_it(shared):
    ann, ben, _, piece = shared
    save(ann, piece, 1, small(both="ann"))
    restored = in_turn(
        ben,
        lambda: save(ben, piece, 1, small(both="ben")),
        ann,
        lambda: ann.call("restore_version", composition_id=piece.id, version=1),
    )
    assert restored["version"] == 4
    assert versions(ann, piece)[:2] == [(4, "restore", 2), (3, "conflict", 1)]


# ---- what takes the head for the greatest number no longer


def test_a_head_behind_many_conflicts_is_never_purged(shared, admin, service_role, setting):
    ann, ben, _, piece = shared
    save(ann, piece, 1, small(both="ann"))
    for number in range(3):
        save(ben, piece, 1, small(both=number + 2))
    setting("min_versions_kept", 2)
    setting("version_retention_days", 1)
    admin.execute(
        "update public.composition_versions set created_at = now() - interval '9 days'"
        " where composition_id = %s",
        (piece.id,),
    )

    service_role.call("purge_versions", row_limit=10000)

    assert [number for number, *_ in versions(ann, piece)] == [5, 4, 2]
    assert head(ann, piece)["document"] == small(both="ann")
    with refused("PT409", code="version_conflict", head_version=2):
        save(ben, piece, 1, small(both="late"))  # nothing to merge from
    assert save(ann, piece, 2, small(both="next"))["version"] == 6


@pytest.mark.parametrize("is_last", [True, False])
def test_conflicts_after_the_head_are_exported_over_pages(shared, composition, setting, is_last):
    ann, ben, _, piece = shared
    long = "x" * 900_000
    save(ann, piece, 1, small(long=long, both="ann"))
    for number in range(6):
        save(ben, piece, 1, small(long=long, both=number + 2))
    if not is_last:
        for _ in range(3):
            composition(ann, small())

    exported: dict[str, list[int]] = {}
    answer = ann.call("export_my_data")
    pages = [answer]
    while answer["next"]:
        answer = ann.call("export_my_data", after=answer["next"])
        pages.append(answer)
    for found in (found for page in pages for found in page["compositions"]):
        numbers = exported.setdefault(found["composition_id"], [])
        numbers += [kept["version"] for kept in found["versions"]]

    assert len(pages) > 1
    assert exported.pop(piece.id) == [*range(1, 9)]
    assert list(exported.values()) == [[1]] * (0 if is_last else 3)
