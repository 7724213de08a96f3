"""The play on databases that have something wrong with them: it notices, and says what."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import httpx
import psycopg
import pytest
from supabase import Client, ClientOptions, create_client

from demo import play as demo_play
from demo.histories import History, Revision, Source, as_composition
from demo.play import Person, Play
from devstack.stack import Stack


@pytest.fixture(scope="module")
def people(stack: Stack) -> Iterator[list[Person]]:
    """The people of all plays here: signing up takes longer than a play."""
    with contextlib.ExitStack() as clients, pytest.MonkeyPatch.context() as patch:

        def closing(url: str, key: str) -> Client:
            options = ClientOptions(httpx_client=clients.enter_context(httpx.Client()))
            return create_client(url, key, options)

        patch.setattr(demo_play, "create_client", closing)
        play = new_play(stack)
        play.gather()
        yield play.people


@pytest.fixture
def perform(stack: Stack, database: psycopg.Connection, people: list[Person]) -> Callable[[], Play]:
    """Play two documents in: the first is shared and saved twice, the second is neither."""

    def play_in() -> Play:
        play = new_play(stack)
        play.people = people
        histories = [history("First", 1, 2), history("Second", 3)]
        play.run(Source("the test", len(histories), iter(histories)), lambda _done: None)
        return play

    return play_in


def new_play(stack: Stack) -> Play:
    return Play(stack.addresses["supabase_url"], stack.addresses["anon_key"], threading.Event())


def history(title: str, *contents: int) -> History:
    revisions = [Revision(as_composition({"content": content}), None) for content in contents]
    return History(title, "", [], revisions)


def test_on_a_database_that_is_right_nothing_fails(perform):
    outcome = perform().outcome

    assert outcome.failures == []
    assert (outcome.compositions, outcome.versions) == (2, 4), "the fourth restores the first"
    assert (outcome.read_backs, outcome.mismatches) == (7, 0)


# A change: a function, what is right in it, and what is wrong. {0}, {1}: the compositions' ids.
@pytest.mark.parametrize(
    ("change", "failure"),
    [
        pytest.param(
            (
                "public.save_version",
                "=> save_version.base_version",
                "=> save_version.base_version - 1",
            ),
            "First: version_conflict: ",
            id="a good save is refused",
        ),
        pytest.param(
            ("public.save_version", "=> save_version.base_version", "=> null"),
            "{0}: a stale save was not refused",
            id="a stale save is taken",
        ),
        pytest.param(
            (
                "private.write_summary",
                "'version', composition.current_version,",
                "'version', composition.current_version + 1,",
            ),
            "{1}: a save made version 2",
            id="a version is skipped",
        ),
        pytest.param(
            ("private.require_composition_role", "held is null", "false"),
            "{0}: a stranger's load was not refused",
            id="a stranger may load",
        ),
        pytest.param(
            (
                "private.require_composition_role",
                "'composition_read_only'",
                "'composition_not_found'",
            ),
            "{0}: a viewer's save: composition_not_found instead of composition_read_only",
            id="a refusal has another code",
        ),
        pytest.param(
            (
                "private.shared_with_me_ids",
                "s.role = any (shared_with_me_ids.roles)",
                "s.role = any (roles) and cardinality(roles) = 2",
            ),
            "{0}: its editor could not rename it",
            id="the policy keeps an editor out",
        ),
        pytest.param(
            ("public.get_version", "v.version = get_version.version", "v.version = 2"),
            "{0}: version 1 is not what was saved",
            id="a version comes with the document of another",
        ),
        pytest.param(
            ("public.load_composition", "'{document}', d.document", "'{document}', '{}'"),
            "{1}: version 1 is not what was saved",
            id="a composition is loaded without its content",
        ),
        pytest.param(
            (
                "public.load_composition",
                "composition_summary(c, held)",
                "composition_summary(c, 'viewer')",
            ),
            "{1}: loaded as (1, 'Second', 'viewer'), not (1, 'Second', 'owner')",
            id="a composition is loaded with another role",
        ),
        pytest.param(
            (
                "private.visible_page",
                "shared := private.shared_with_me_ids()",
                "shared := '{}'",
            ),
            "dan lists 1 compositions or versions wrongly",
            id="a list leaves out what is shared",
        ),
    ],
)
def test_what_is_wrong_is_noticed_and_named(perform, break_function, change, failure):
    break_function(*change)

    play = perform()

    expected = failure.format(*[composition.id for composition in play.compositions])
    failures = play.outcome.failures
    assert any(found.startswith(expected) for found in failures), failures
    differing = [found for found in failures if found.endswith("is not what was saved")]
    assert play.outcome.mismatches == len(differing)


def test_a_viewer_who_may_rename_is_noticed_and_named(perform, break_function):
    # Two keep viewers from it: the policy, and the trigger, which asks once more.
    by_role = "s.role = any (shared_with_me_ids.roles)"
    break_function("private.shared_with_me_ids", by_role, "true")
    break_function("private.touch_composition", "current_user = 'authenticated'", "false")

    play = perform()

    assert f"{play.compositions[0].id}: a viewer could rename it" in play.outcome.failures
