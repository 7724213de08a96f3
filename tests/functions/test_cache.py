"""The cache on a real Valkey, behind the bridge; what Redis does wrong, on a stub."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import redis

from functions.core.cache import (
    MAX_BODY_BYTES,
    Absent,
    Blocked,
    Bypass,
    Cache,
    CacheUnavailable,
    ChoiceLease,
    Entry,
    Filled,
    Hit,
    Lease,
    Miss,
    Refused,
    Unchanged,
    Unchosen,
    Usage,
)
from functions.core.keys import usage_key
from functions.core.redis import Redis
from tests.functions.conftest import TOKEN
from tests.functions.stub import CLOSE, HANG, THEN_CLOSE, answer, stub

pytestmark = pytest.mark.anyio

PIECE, OTHER_PIECE = uuid.uuid4(), uuid.uuid4()
META = bytes(range(256)) + b"|-|" + "ä".encode()
BODY = b"\0\r\n brotli \xff" * 50


@dataclass(frozen=True)
class Viewer:
    user_id: uuid.UUID
    fingerprint: str = "0" * 32


ANN, BEN = Viewer(uuid.uuid4()), Viewer(uuid.uuid4())


class RefusedByDatabase(Exception):
    outcome_known = True


@dataclass
class Clock:
    now: float

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock(time.time())


@pytest.fixture
async def cache(bridge_url: str, store: redis.Redis, clock: Clock) -> AsyncIterator[Cache]:
    # No test here is about time, and this machine may be busy.
    client = Redis(bridge_url, TOKEN, 60)
    yield Cache(client, deadline_seconds=60, clock=clock)
    await client.close()


async def lease_of(cache: Cache, viewer: Viewer = ANN, piece: uuid.UUID = PIECE) -> Lease:
    missed = await cache.read(piece, viewer)
    assert isinstance(missed, Miss), missed
    return missed.lease


async def filled(cache: Cache, viewer: Viewer = ANN, piece: uuid.UUID = PIECE) -> None:
    assert await cache.fill(await lease_of(cache, viewer, piece), "ab", META, BODY) == Filled(None)


async def test_what_was_filled_in_is_read_to_the_byte(cache: Cache):
    await filled(cache)
    assert await cache.read(PIECE, ANN) == Hit("ab", META, BODY)
    assert await cache.read(PIECE, ANN, "cd") == Hit("ab", META, BODY)
    assert await cache.read(PIECE, ANN, "ab") == Unchanged("ab", META)


async def test_the_largest_body_is_kept_and_a_larger_one_is_not(cache: Cache):
    largest = bytes(MAX_BODY_BYTES)
    lease = await lease_of(cache)
    assert await cache.fill(lease, "ab", b"", largest + b"1") == Refused("too_large")
    assert await cache.fill(lease, "ab", bytes(2**16 + 1), b"1") == Refused("too_large")
    assert await cache.fill_absent(lease, bytes(2**16 + 1)) == Refused("too_large")
    assert await cache.fill(lease, "ab", b"", largest) == Filled(None)
    assert await cache.read(PIECE, ANN) == Hit("ab", b"", largest)


async def test_nobody_reads_what_another_was_answered(cache: Cache):
    await filled(cache)
    for viewer in (BEN, Viewer(ANN.user_id, "1" * 32)):
        assert isinstance(await cache.read(PIECE, viewer), Miss)
    assert isinstance(await cache.read(OTHER_PIECE, ANN), Miss)


async def test_the_next_viewer_is_spared_the_body(cache: Cache):
    await filled(cache)
    missed = await cache.read(PIECE, BEN)
    assert isinstance(missed, Miss)
    assert missed.held_etags == ["ab"]
    assert await cache.fill(missed.lease, "ab", b"of ben", None) == Filled(BODY)
    assert await cache.read(PIECE, BEN) == Hit("ab", b"of ben", BODY)
    assert await cache.read(PIECE, ANN) == Hit("ab", META, BODY)


async def test_a_body_that_is_held_no_more_is_not_made_up(cache: Cache):
    await filled(cache)
    lease = await lease_of(cache, BEN)
    await cache.unlink([PIECE])
    assert await cache.fill(lease, "ab", META, None) == Refused("gone")
    assert isinstance(await cache.read(PIECE, BEN), Miss)


async def test_that_there_is_nothing_is_kept_for_a_short_while(cache: Cache, clock: Clock):
    assert await cache.fill_absent(await lease_of(cache), META) == Filled(None)
    assert await cache.read(PIECE, ANN, "ab") == Absent(META)
    clock.now += 61
    assert isinstance(await cache.read(PIECE, ANN), Miss)


async def test_asking_for_what_does_not_exist_leaves_little_behind(
    cache: Cache, store: redis.Redis
):
    await cache.fill_absent(await lease_of(cache))
    kept = {key: store.pttl(key) for key in store.scan_iter()}
    assert len(kept) == 2
    assert all(0 < milliseconds <= 60_000 for milliseconds in kept.values())


async def test_everything_that_is_kept_ends_by_itself(cache: Cache, store: redis.Redis):
    await filled(cache)
    async with cache.writing([OTHER_PIECE], [BEN.user_id]):
        await cache.read(PIECE, ANN)
        await cache.warm(uuid.uuid4(), "ab", BODY)
        ends = [store.pttl(key) for key in store.scan_iter()]
    assert len(ends) == 6
    assert all(0 < milliseconds <= 7 * 24 * 3600 * 1000 for milliseconds in ends)


async def test_an_answer_ends_before_the_share_it_rests_on(cache: Cache, clock: Clock):
    until = int(clock.now * 1000) + 5000
    await cache.fill(await lease_of(cache), "ab", META, BODY, until)
    clock.now += 3.9
    assert isinstance(await cache.read(PIECE, ANN), Hit)
    clock.now += 0.2
    assert isinstance(await cache.read(PIECE, ANN), Miss)


@pytest.mark.parametrize("until", [0, -5, 1])
async def test_an_answer_that_has_ended_is_never_read(cache: Cache, until: int):
    assert await cache.fill(await lease_of(cache), "ab", META, BODY, until) == Filled(None)
    assert isinstance(await cache.read(PIECE, ANN), Miss)


async def test_an_answer_ends_by_itself(cache: Cache, clock: Clock):
    await filled(cache)
    clock.now += 4 * 3600 + 1
    assert isinstance(await cache.read(PIECE, ANN), Miss)


async def test_an_etag_is_hex(cache: Cache):
    lease = await lease_of(cache)
    for etag in ("", "-", "AB", "a b", "a|b", "*", "ab\n", "a" * 129):
        assert await cache.fill(lease, etag, META, BODY) == Refused("not_an_etag")
    await cache.fill(lease, "ab", META, BODY)
    for known in ("", "-", "AB", '"ab"', "ab\n", "ab\r\nX: y", "\ud800", "ab" * 100_000):
        assert isinstance(await cache.read(PIECE, ANN, known), Hit)


@pytest.mark.parametrize("fingerprint", ["", "*" * 32, "A" * 32, "0" * 31, "0" * 32 + "\n"])
async def test_a_fingerprint_is_hex(cache: Cache, fingerprint: str):
    with pytest.raises(ValueError, match="fingerprint"):
        await cache.read(PIECE, Viewer(ANN.user_id, fingerprint))


async def test_a_write_keeps_reads_and_fills_out_until_it_ends(cache: Cache):
    await filled(cache)
    lease = await lease_of(cache, BEN)
    async with cache.writing([PIECE]) as writing:
        assert await cache.read(PIECE, ANN) == await cache.read(PIECE, BEN) == Blocked()
        assert await cache.fill(lease, "ab", META, BODY) == Refused("lost")
        assert not writing.settled
    assert writing.settled
    await filled(cache)


async def test_a_change_of_rights_keeps_out_one_user(cache: Cache):
    for viewer in (ANN, BEN):
        for piece in (PIECE, OTHER_PIECE):
            await filled(cache, viewer, piece)
    missed = await cache.read(piece := uuid.uuid4(), BEN)
    async with cache.writing(viewers=[BEN.user_id]) as writing:
        assert await cache.read(PIECE, BEN) == await cache.read(OTHER_PIECE, BEN) == Blocked()
        assert isinstance(await cache.read(PIECE, ANN), Hit)
        assert isinstance(missed, Miss)
        assert await cache.fill(missed.lease, "ab", META, BODY) == Refused("revoked")
    assert writing.settled
    for other in (PIECE, OTHER_PIECE, piece):
        assert isinstance(await cache.read(other, BEN), Miss)
    assert isinstance(await cache.read(OTHER_PIECE, ANN), Hit)


async def test_what_only_the_answer_names_is_invalidated_too(cache: Cache):
    await filled(cache)
    await filled(cache, BEN, OTHER_PIECE)
    async with cache.writing() as writing:
        writing.also([PIECE], [BEN.user_id])
    assert writing.settled
    assert isinstance(await cache.read(PIECE, ANN), Miss)
    assert isinstance(await cache.read(OTHER_PIECE, BEN), Miss)


async def test_a_write_that_the_database_refused_blocks_nobody(cache: Cache):
    with pytest.raises(RefusedByDatabase):
        async with cache.writing([PIECE], [ANN.user_id]) as writing:
            raise RefusedByDatabase
    assert not writing.settled
    await filled(cache)


@pytest.mark.parametrize("error", [RuntimeError, asyncio.CancelledError, TimeoutError])
async def test_a_write_that_may_still_be_running_blocks_until_it_cannot(
    cache: Cache, clock: Clock, error: type[BaseException]
):
    await filled(cache)
    with pytest.raises(error):
        async with cache.writing([PIECE]):
            raise error
    clock.now += 29
    await cache.unlink([PIECE], [ANN.user_id])
    assert await cache.read(PIECE, ANN) == Blocked()
    clock.now += 2
    assert isinstance(await cache.read(PIECE, ANN), Miss)


async def test_a_block_stays_while_another_write_is_under_way(cache: Cache):
    for first, second in (([PIECE], [PIECE, OTHER_PIECE]), ([PIECE, OTHER_PIECE], [PIECE])):
        outer = cache.writing(first)
        await outer.__aenter__()
        async with cache.writing(second), cache.writing(second):
            pass
        await cache.unlink([PIECE])
        assert await cache.read(PIECE, ANN) == Blocked()
        await outer.__aexit__(None, None, None)
        assert isinstance(await cache.read(PIECE, ANN), Miss)


async def test_news_of_many_changes_is_one_call(cache: Cache, store: redis.Redis):
    many = [uuid.uuid4() for _ in range(600)]
    await filled(cache, ANN, many[-1])
    await filled(cache, BEN, PIECE)
    await cache.unlink(many, [BEN.user_id, BEN.user_id])
    await cache.unlink()
    assert isinstance(await cache.read(many[-1], ANN), Miss)
    assert isinstance(await cache.read(PIECE, BEN), Miss)


async def test_many_viewers_make_room_for_each_other(cache: Cache, store: redis.Redis):
    viewers = [Viewer(uuid.uuid4()) for _ in range(560)]
    await filled(cache)
    for viewer in viewers:
        missed = await cache.read(PIECE, viewer)
        assert isinstance(missed, Miss)
        assert await cache.fill(missed.lease, "ab", b"", None) == Filled(BODY)
    assert store.hlen(f"p1:c:{PIECE}") == 512
    # All those that have a place are answered from it, the last one among them.
    assert isinstance(await cache.read(PIECE, viewers[-1]), Hit)


async def test_the_newest_bodies_are_held(cache: Cache, store: redis.Redis):
    etags = [f"{nth:02x}" for nth in range(90)]
    for nth, etag in enumerate(etags):
        if 10 <= nth < 20:
            assert await cache.warm(PIECE, etag, etag.encode())
        else:
            viewer = Viewer(uuid.uuid4())
            await cache.fill(await lease_of(cache, viewer), etag, b"", etag.encode())
    missed = await cache.read(PIECE, ANN)
    assert isinstance(missed, Miss)
    assert missed.held_etags == etags[-64:]
    assert len([*store.hscan_iter(f"p1:c:{PIECE}", "b:*")]) == 64
    # Whose body had to make room misses, and is answered again.
    assert isinstance(await cache.read(PIECE, viewer), Hit)
    await filled(cache, BEN)


async def test_a_body_is_warmed_for_whoever_comes(cache: Cache):
    assert await cache.warm(PIECE, "ab", BODY)
    assert await cache.warm(PIECE, "ab", BODY)
    missed = await cache.read(PIECE, ANN)
    assert isinstance(missed, Miss)
    assert await cache.fill(missed.lease, "ab", META, None) == Filled(BODY)
    async with cache.writing([PIECE]):
        assert not await cache.warm(PIECE, "ab", BODY)
    for etag, body in (("*", BODY), ("ab", b""), ("ab", bytes(MAX_BODY_BYTES + 1))):
        with pytest.raises(ValueError, match="etag"):
            await cache.warm(PIECE, etag, body)


async def test_loads_are_counted_where_something_was_loaded(cache: Cache, store: redis.Redis):
    await filled(cache)
    for known in (None, "ab"):
        await cache.read(PIECE, ANN, known)
    await filled(cache, ANN, OTHER_PIECE)
    await cache.fill_absent(await lease_of(cache, ANN, uuid.uuid4()))
    usage = await cache.take_usage()
    assert {u.composition_id: u for u in usage} == {
        PIECE: Usage(PIECE, loads=3, hits=2),
        OTHER_PIECE: Usage(OTHER_PIECE, loads=1, hits=0),
    }
    assert await cache.take_usage() == []
    # Nor are counts kept for ever that nobody takes.
    await cache.read(PIECE, ANN)
    assert store.pttl(usage_key("p1", PIECE)) > 0


async def test_a_sample_is_what_reads_would_be_answered(cache: Cache, clock: Clock):
    await filled(cache)
    await cache.fill_absent(await lease_of(cache, BEN))
    await cache.fill(await lease_of(cache, ANN, OTHER_PIECE), "cd", META, BODY, 1)
    await cache.read(uuid.uuid4(), ANN)
    await cache.unlink(viewers=[])
    of_ann = Entry(PIECE, ANN.user_id, ANN.fingerprint, "ab")
    of_ben = Entry(PIECE, BEN.user_id, BEN.fingerprint, None)
    found: set[Entry] = set()
    # Drawn at random: now and then a draw misses.
    for _ in range(50):
        found.update(await cache.sample(20))
    assert found == {of_ann, of_ben}
    assert len(await cache.sample(1)) <= 1
    assert await cache.sample(0) == []

    assert await cache.peek(of_ann) == of_ann
    async with cache.writing([PIECE]):
        assert await cache.peek(of_ann) is None
    assert await cache.peek(of_ben) is None
    assert await cache.sample(20) == []


CONTEXT = "context:route:/videos/ä \N{GRINNING FACE}"


async def chosen(cache: Cache, viewer: Viewer = ANN, piece: uuid.UUID = PIECE) -> Lease:
    """Have it chosen; the right to fill in its answer."""
    unchosen = await cache.resolve(CONTEXT, viewer)
    assert isinstance(unchosen, Unchosen), unchosen
    assert await cache.choose(unchosen.lease, piece) == Filled(None)
    missed = await cache.resolve(CONTEXT, viewer)
    assert isinstance(missed, Miss)
    assert missed.lease.composition_id == piece
    return missed.lease


async def test_a_name_is_a_choice_and_its_answer_to_the_byte(cache: Cache):
    lease = await chosen(cache)
    assert await cache.fill(lease, "ab", META, BODY) == Filled(None)
    assert await cache.resolve(CONTEXT, ANN) == Hit("ab", META, BODY)
    assert await cache.resolve(CONTEXT, ANN, "ab") == Unchanged("ab", META)
    assert await cache.read(PIECE, ANN, None, CONTEXT) == Hit("ab", META, BODY)
    for missed in (
        await cache.resolve(CONTEXT, BEN),
        await cache.resolve(CONTEXT, Viewer(ANN.user_id, "1" * 32)),
        await cache.resolve("context:other", ANN),
    ):
        assert isinstance(missed, Unchosen)
    usual = await cache.read(PIECE, ANN)
    assert isinstance(usual, Miss)
    assert usual.held_etags == ["ab"], "it is the same body if it has the same etag"


async def test_a_choice_goes_with_the_user_and_an_answer_with_either(cache: Cache):
    await cache.fill(await chosen(cache), "ab", META, BODY)
    await cache.unlink([PIECE])
    missed = await cache.resolve(CONTEXT, ANN)
    assert isinstance(missed, Miss)
    await cache.fill(missed.lease, "cd", META, BODY)
    await cache.unlink(viewers=[ANN.user_id])
    assert isinstance(await cache.resolve(CONTEXT, ANN), Unchosen)
    # The answer of before is not that of a choice that comes to the same composition.
    assert (await chosen(cache)).composition_id == PIECE


async def test_writers_keep_a_name_out_whichever_of_its_two_they_write(cache: Cache):
    lease = await chosen(cache)
    async with cache.writing([PIECE]):
        assert await cache.resolve(CONTEXT, ANN) == Blocked()
    assert await cache.fill(lease, "ab", META, BODY) == Refused("lost")
    unchosen = await cache.resolve(other := "context:other", ANN)
    async with cache.writing(viewers=[ANN.user_id]):
        assert await cache.resolve(CONTEXT, ANN) == await cache.resolve(other, ANN) == Blocked()
        assert isinstance(unchosen, Unchosen)
        assert await cache.choose(unchosen.lease, PIECE) == Refused("revoked")
        assert await cache.choose_nothing(unchosen.lease) == Refused("revoked")
        assert await cache.forget_choice(unchosen.lease) == Refused("revoked")
    assert isinstance(await cache.resolve(other, ANN), Unchosen)


async def test_that_nothing_is_chosen_is_kept_for_a_short_while(cache: Cache, clock: Clock):
    unchosen = await cache.resolve(CONTEXT, ANN)
    assert isinstance(unchosen, Unchosen)
    assert await cache.choose_nothing(unchosen.lease, bytes(2**16 + 1)) == Refused("too_large")
    assert await cache.choose_nothing(unchosen.lease, META) == Filled(None)
    assert await cache.resolve(CONTEXT, ANN, "ab") == Absent(META)
    clock.now += 61
    assert isinstance(await cache.resolve(CONTEXT, ANN), Unchosen)


async def test_a_choice_that_is_another_now_is_forgotten(cache: Cache):
    await chosen(cache)
    missed = await cache.resolve(CONTEXT, ANN)
    assert isinstance(missed, Miss)
    assert await cache.forget_choice(missed.choice) == Filled(None)
    assert (await chosen(cache, piece=OTHER_PIECE)).composition_id == OTHER_PIECE


async def test_who_asks_for_many_names_makes_room_with_their_own(cache: Cache, store: redis.Redis):
    for nth in range(530):
        unchosen = await cache.resolve(f"context:{nth}", ANN)
        assert isinstance(unchosen, Unchosen)
        assert await cache.choose_nothing(unchosen.lease) == Filled(None)
    assert store.hlen(f"p1:v:{ANN.user_id}") == 512
    assert await cache.resolve("context:529", ANN) == Absent(b"")


async def test_a_sample_names_what_was_asked_for(cache: Cache):
    await cache.fill(await chosen(cache), "ab", META, BODY)
    missed = await cache.read(PIECE, ANN, None, "bare")
    assert isinstance(missed, Miss)
    await cache.fill_absent(missed.lease, META)
    assert await cache.read(PIECE, ANN, None, "bare") == Absent(META)
    of_context = Entry(PIECE, ANN.user_id, ANN.fingerprint, "ab", CONTEXT)
    of_bare = Entry(PIECE, ANN.user_id, ANN.fingerprint, None, "bare")
    found: set[Entry] = set()
    for _ in range(50):
        found.update(await cache.sample(20))
    assert found == {of_context, of_bare}
    assert await cache.peek(of_context) == of_context
    assert await cache.peek(Entry(PIECE, ANN.user_id, ANN.fingerprint, "ab")) is None


async def test_caches_of_two_prefixes_know_nothing_of_each_other(bridge_url: str, cache: Cache):
    client = Redis(bridge_url, TOKEN, 60)
    await filled(cache)
    await filled(Cache(client, prefix="p2", deadline_seconds=60))
    await client.close()
    for prefix in ("", "p:1", "*", "P1", "p1\n"):
        with pytest.raises(ValueError, match="prefix"):
            Cache(None, prefix=prefix)


async def test_without_redis_there_is_no_cache_and_every_write_is_settled():
    cache = Cache(None)
    assert await cache.read(PIECE, ANN) == Bypass("no_cache")
    assert await cache.resolve(CONTEXT, ANN) == Bypass("no_cache")
    async with cache.writing([PIECE], [ANN.user_id]) as writing:
        pass
    assert writing.settled
    await cache.unlink([PIECE])
    assert not await cache.warm(PIECE, "ab", BODY)
    assert await cache.sample(3) == []
    assert await cache.take_usage() == []


async def test_a_write_without_redis_in_reach_is_made_and_not_settled():
    cache = Cache(Redis("http://127.0.0.1:9", "token"))
    async with cache.writing([PIECE]) as writing:
        pass
    assert not writing.settled


async def test_a_restart_of_redis_forgets_scripts_and_nothing_else_happens(
    cache: Cache, store: redis.Redis
):
    await filled(cache)
    store.flushall()
    store.script_flush()
    await filled(cache)
    store.script_flush()
    assert isinstance(await cache.read(PIECE, ANN), Hit)


FAULTS = {
    "closes": CLOSE,
    "hangs": HANG,
    "hangs within the head": b"HTTP/1.1 200 OK\r\n",
    "hangs within the body": answer(b"*1\r\n")[:-1],
    "half an answer": answer(b"*1\r\n$1\r\nB\r\n")[:-3] + CLOSE,
    "500": answer(b"<html>", "500 Internal Server Error"),
    "a page": answer(b"<html>it works</html>", "200 OK", "Content-Type: text/html"),
    "garbage": b"\x16\x03\x01\x00\xa5",
    "no value": answer(b"*2\r\n$1\r\nH\r\n"),
    "another shape": answer(b"*2\r\n$1\r\nH\r\n$1\r\nx\r\n"),
    "an integer": answer(b":1\r\n"),
    "nothing": answer(b"$-1\r\n"),
    "no text": answer(b"*3\r\n$1\r\nS\r\n$1\r\n\xff\r\n$0\r\n\r\n"),
    "out of memory": answer(b"-OOM command not allowed\r\n", "400 Bad Request"),
    "out of memory, JSON": answer(b'{"error": "OOM"}', "400 Bad Request"),
    "busy": answer(b"-BUSY Redis is busy running a script\r\n", "400 Bad Request"),
    "read only": answer(b"-READONLY You can't write\r\n"),
    "loading": answer(b"-LOADING Redis is loading\r\n"),
    "no script, ever": answer(b"-NOSCRIPT No matching script\r\n", "400 Bad Request"),
    "another token": answer(b'{"error": "WRONGPASS"}', "401 Unauthorized"),
    "moved": answer(b"", "301 Moved Permanently", "Location: http://127.0.0.1:9/"),
}
LEASE = Lease(PIECE, ANN.user_id.hex + ANN.fingerprint, ("a", "b", "c"), "ab", "ab")
CHOICE_LEASE = ChoiceLease("b", ANN.fingerprint, CONTEXT, "ab")


@pytest.mark.parametrize("fault", FAULTS)
async def test_no_fault_of_redis_breaks_a_load_or_a_write(fault: str):
    async with stub([FAULTS[fault]]) as server:
        client = Redis(server.url, TOKEN)
        make: Callable[[], Cache] = lambda: Cache(client, deadline_seconds=0.05)  # noqa: E731
        assert isinstance(await make().read(PIECE, ANN, "ab"), Bypass)
        assert isinstance(await make().fill(LEASE, "ab", META, BODY), Refused)
        assert isinstance(await make().fill(LEASE, "ab", META, None), Refused)
        assert isinstance(await make().fill_absent(LEASE), Refused)
        assert isinstance(await make().resolve(CONTEXT, ANN, "ab"), Bypass)
        assert isinstance(await make().choose(CHOICE_LEASE, PIECE), Refused)
        assert isinstance(await make().forget_choice(CHOICE_LEASE), Refused)
        async with make().writing([PIECE], [ANN.user_id]) as writing:
            pass
        assert not writing.settled
        running: list[Any] = [
            make().unlink([PIECE]),
            make().warm(PIECE, "ab", BODY),
            make().sample(3),
            make().peek(Entry(PIECE, ANN.user_id, ANN.fingerprint, None)),
        ]
        if fault != "nothing":
            running.append(make().take_usage())
        for each in running:
            if fault == "nothing" and each.__name__ == "peek":
                assert await each is None
                continue
            with pytest.raises(CacheUnavailable):
                await each
        await client.close()


async def test_a_server_that_hangs_is_given_up_at_the_deadline():
    async with stub([HANG]) as server:
        # The client alone would wait for longer.
        client = Redis(server.url, TOKEN, 60)
        cache = Cache(client, deadline_seconds=0.05)
        assert await cache.read(PIECE, ANN) == Bypass("no_answer_in_time")
        await client.close()


async def test_three_failures_open_the_breaker_and_one_success_closes_it():
    failure = answer(b"-OOM\r\n")
    outcomes = iter([failure, failure, None, *[failure] * 4])

    def answers(request: bytes) -> bytes:
        return next(outcomes, None) or blocked(request)

    async with stub(answers) as server:
        client = Redis(server.url, TOKEN, 60)
        cache = Cache(client, deadline_seconds=60, breaker_seconds=0.5)
        read: list[Any] = [await cache.read(PIECE, ANN) for _ in range(7)]
        failed, is_open, blocks = Bypass("failed"), Bypass("breaker_open"), Blocked()
        assert read == [failed, failed, blocks, failed, failed, failed, is_open]
        assert await cache.fill_absent(LEASE) == Refused("breaker_open")
        assert len(server.requests) == 6

        await asyncio.sleep(0.6)
        # One probes, and as it fails, nobody else does for a while.
        together = await asyncio.gather(*(cache.read(PIECE, ANN) for _ in range(3)))
        assert sorted(answer.reason for answer in together if isinstance(answer, Bypass)) == [
            "breaker_open",
            "breaker_open",
            "failed",
        ]
        assert len(server.requests) == 7
        await asyncio.sleep(0.6)
        assert await cache.read(PIECE, ANN) == await cache.read(PIECE, ANN) == Blocked()
        await client.close()


async def test_an_open_breaker_keeps_no_write_from_being_settled():
    outcomes = iter([answer(b"-OOM\r\n")] * 3)

    def answers(request: bytes) -> bytes:
        return next(outcomes, None) or done(request)

    async with stub(answers) as server:
        client = Redis(server.url, TOKEN, 60)
        cache = Cache(client, deadline_seconds=60, breaker_seconds=600)
        for _ in range(3):
            await cache.read(PIECE, ANN)
        async with cache.writing([PIECE]) as writing:
            # Its begin is spared, its end is not.
            assert len(server.requests) == 3
        assert writing.settled
        assert len(server.requests) == 4
        await cache.unlink([PIECE])
        await client.close()


async def test_a_cancelled_read_leaves_nothing_to_be_mistaken_for_another_answer():
    async with stub(lambda request: blocked(request)[: -2 if len(seen) == 1 else None]) as server:
        seen = server.requests
        client = Redis(server.url, TOKEN, 60)
        cache = Cache(client, deadline_seconds=60)
        reading = asyncio.create_task(cache.read(PIECE, ANN))
        while not seen:
            await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await cache.read(PIECE, ANN) == Blocked()
        assert server.connections == 2
        await client.close()


async def test_the_answer_to_another_read_is_none():
    late: list[bytes] = []

    def one_behind(request: bytes) -> bytes:
        late.append(blocked(request))
        return late[-2] if len(late) in {2, 3} else late[-1]

    async with stub(one_behind) as server:
        client = Redis(server.url, TOKEN, 60)
        cache = Cache(client, deadline_seconds=60)
        read = [await cache.read(PIECE, ANN) for _ in range(4)]
        assert read == [Blocked(), Bypass("failed"), Bypass("failed"), Blocked()]
        # Nor is one asked for again where it came from.
        assert server.connections == 3
        await client.close()


async def test_a_write_is_not_settled_by_the_answer_to_another():
    def anothers(request: bytes) -> bytes:
        return answer(b"$16\r\n0123456789abcdef\r\n")

    async with stub(anothers) as server:
        client = Redis(server.url, TOKEN, 60)
        cache = Cache(client, deadline_seconds=60)
        async with cache.writing([PIECE]) as writing:
            pass
        assert not writing.settled
        with pytest.raises(CacheUnavailable):
            await cache.unlink([PIECE])
        another = Cache(client, deadline_seconds=60)
        assert await another.fill(LEASE, "ab", META, BODY) == Refused("failed")
        await client.close()


async def test_a_connection_that_was_closed_meanwhile_is_no_failure():
    async with stub(lambda request: blocked(request) + THEN_CLOSE) as server:
        client = Redis(server.url, TOKEN, 60)
        cache = Cache(client, deadline_seconds=60)
        assert [await cache.read(PIECE, ANN) for _ in range(5)] == [Blocked()] * 5
        await client.close()


def blocked(request: bytes) -> bytes:
    """The answer to a read while somebody writes."""
    nonce = arguments_of(request)[8]
    return answer(f"*2\r\n$1\r\nB\r\n$16\r\n{nonce}\r\n".encode())


def done(request: bytes) -> bytes:
    """The answer to a begin or an end."""
    return answer(f"$16\r\n{arguments_of(request)[-1]}\r\n".encode())


def arguments_of(request: bytes) -> list[Any]:
    """A command that went as JSON."""
    command: list[Any] = json.loads(request.partition(b"\r\n\r\n")[2])
    return command
