"""No cached read is wrong, whatever fails: many people at random on a stack whose parts break.

`make test` plays a short run, `make test-consistency` a long one.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

import pytest

from tests.consistency.drive import HANDLER, run, stage, until_agreed
from tests.consistency.play import Play
from tests.consistency.readers import Tally

NAIVE = "tests.consistency.naive.handler"

_SHORT_READS = 800
_FEWEST_SECONDS = 12  # so that a bit of everything breaks
_NAIVE_SECONDS = 120


def test_no_read_is_older_than_a_settled_write_or_seen_without_the_right(
    pytestconfig: pytest.Config,
) -> None:
    reads = pytestconfig.getoption("--reads") or _SHORT_READS

    def enough(play: Play) -> bool:
        return bool(play.tally.violations) or (
            play.tally.reads >= reads and play.seconds >= _FEWEST_SECONDS
        )

    tally = asyncio.run(whole(HANDLER, enough))
    assert not tally.violations
    assert tally.by_cache.keys() >= {"hit", "miss", "bypass"}
    hits = {page.partition(" ")[0] for page in tally.by_page if page.endswith(" hit")}
    assert hits & {"composition", "bare"} and hits & {"context", "home"}, hits


def test_the_same_run_finds_what_is_wrong_with_cache_aside() -> None:
    def enough(play: Play) -> bool:
        return bool(play.tally.violations) or play.seconds >= _NAIVE_SECONDS

    # The mildest of days is enough: nothing has to break.
    tally = asyncio.run(whole(NAIVE, enough, breaking=False))
    assert tally.violations


async def whole(handler: str, enough: Callable[[Play], bool], *, breaking: bool = True) -> Tally:
    """Play until it is enough, then let everybody agree with the database."""
    seed = secrets.randbelow(10**6)
    async with stage(seed, handler) as (play, faults):
        await run(play, faults, lambda: enough(play), breaking=breaking)
        if not play.tally.violations:
            await until_agreed(play)
        print(f"seed {seed}", play.tally.summary(), f"faults: {dict(faults.counts)}", sep="\n")
        return play.tally
