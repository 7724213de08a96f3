"""No cached read is wrong, whatever fails: many people at random on a stack whose parts break."""

from __future__ import annotations

import asyncio

from tests.consistency.drive import run, stage


def test_no_read_is_older_than_a_settled_write_or_seen_without_the_right():
    async def whole():
        async with stage(seed=1) as (play, faults):
            await run(play, faults, reads=500, seconds=10)
            return play.tally, faults.counts

    tally, faults = asyncio.run(whole())
    print(tally.reads, tally.by_cache, tally.by_status, tally.writes, faults)
    assert not tally.violations
