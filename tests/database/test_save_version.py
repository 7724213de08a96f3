import threading
from typing import Any

import psycopg
import pytest

from tests.people import NOBODY, in_turn, refused
from tests.samples import small


def test_a_save_becomes_the_head(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)

    saved = ann.call(
        "save_version",
        composition_id=piece.id,
        base_version=1,
        document=small(lights="on"),
        message="Switch on",
    )

    loaded = ann.call("load_composition", composition_id=piece.id)
    assert set(saved) == {"composition_id", "version", "content_hash", "title", "updated_at"}
    assert saved == {key: loaded[key] for key in saved}
    assert (loaded["version"], loaded["document"]) == (2, small(lights="on"))
    second = ann.call("get_version", composition_id=piece.id, version=2)
    assert (second["kind"], second["parent_version"], second["message"]) == (
        "save",
        1,
        "Switch on",
    )


def test_a_stranger_learns_nothing(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)

    answers = []
    for composition_id in (piece.id, NOBODY):
        with refused("PT404", code="composition_not_found") as detail:
            ben.call(
                "save_version", composition_id=composition_id, base_version=1, document=small()
            )
        answers.append(detail)

    assert answers[0] == answers[1]
    assert ann.call("load_composition", composition_id=piece.id)["version"] == 1


def test_a_viewer_may_not_save(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")

    with refused("PT403", code="composition_read_only"):
        ben.call("save_version", composition_id=piece.id, base_version=1, document=small())

    assert ann.call("load_composition", composition_id=piece.id)["version"] == 1


def test_an_editor_saves_under_their_own_name(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="editor")

    ben.call("save_version", composition_id=piece.id, base_version=1, document=small())

    assert ann.call("get_version", composition_id=piece.id, version=2)["author_id"] == ben.id


@pytest.mark.parametrize("base_version", [0, 1, 3, -1])
def test_a_stale_save_is_refused_with_the_head(people, composition, base_version):
    (ann,) = people("ann")
    piece = composition(ann)
    ann.call("save_version", composition_id=piece.id, base_version=1, document=small(n=2))

    with refused("PT409", code="version_conflict", head_version=2):
        ann.call(
            "save_version",
            composition_id=piece.id,
            base_version=base_version,
            document=small(n=3),
        )

    assert ann.call("load_composition", composition_id=piece.id)["document"] == small(n=2)


def test_a_save_without_a_base_or_with_an_unknown_on_conflict_is_refused(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)

    with refused("PT422", code="invalid_argument", argument="base_version"):
        ann.call("save_version", composition_id=piece.id, base_version=None, document=small())
    for on_conflict in ("force", None):
        with refused(
            "PT422", code="invalid_argument", argument="on_conflict", allowed=["reject", "merge"]
        ):
            ann.call(
                "save_version",
                composition_id=piece.id,
                base_version=1,
                document=small(),
                on_conflict=on_conflict,
            )

    assert ann.call("load_composition", composition_id=piece.id)["version"] == 1


def test_an_invalid_document_changes_nothing(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)

    with refused("PT422", code="invalid_document") as detail:
        ann.call("save_version", composition_id=piece.id, base_version=1, document={})

    assert {problem["path"] for problem in detail["problems"]} >= {"/format", "/dialect"}
    assert ann.call("list_versions", composition_id=piece.id)["items"][0]["version"] == 1


def test_a_saver_waits_for_the_one_before_and_sees_their_head(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="editor")

    def save(person):
        person.call("save_version", composition_id=piece.id, base_version=1, document=small())

    with refused("PT409", code="version_conflict", head_version=2):
        in_turn(ann, lambda: save(ann), ben, lambda: save(ben))


def test_a_stranger_is_refused_without_waiting_for_anyone(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    ben.connection.execute("set lock_timeout = '1s'")

    with ann.transaction():
        ann.call("save_version", composition_id=piece.id, base_version=1, document=small(by="ann"))
        with refused("PT404", code="composition_not_found"):
            ben.call("save_version", composition_id=piece.id, base_version=1, document=small())


def test_of_twenty_people_who_save_at_once_exactly_one_wins(people, composition):
    savers = people(*[f"saver{number}" for number in range(20)])
    owner = savers[0]
    piece = composition(owner)
    for saver in savers[1:]:
        owner.call("share_composition", composition_id=piece.id, user_id=saver.id, role="editor")
    start = threading.Barrier(len(savers))
    answers: list[tuple[Any, ...]] = []

    def save(number: int) -> None:
        start.wait(10)
        try:
            saved = savers[number].call(
                "save_version", composition_id=piece.id, base_version=1, document=small(n=number)
            )
            answers.append(("saved", saved["version"], number))
        except psycopg.Error as error:
            answers.append((error.sqlstate, error.diag.message_detail))

    threads = [threading.Thread(target=save, args=(number,)) for number in range(len(savers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    winners = [answer for answer in answers if answer[0] == "saved"]
    assert [version for _, version, _ in winners] == [2]
    assert len(answers) == 20
    assert set(answers) - set(winners) == {
        ("PT409", '{"code": "version_conflict", "head_version": 2}')
    }
    loaded = owner.call("load_composition", composition_id=piece.id)
    assert loaded["document"] == small(n=winners[0][2])
