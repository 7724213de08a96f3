"""That the cache is never wrong, in schedules of everything that can happen (simulation.py).

`make test` plays some hundred schedules, always the same; `make test-protocol` plays thousands,
always new ones. Every guard of the protocol is broken once, to see the simulation find it.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import redis

from functions.core.cache import Miss, Unchosen
from tests.functions.simulation import Answer, Asked, Simulation, Viewer

SCHEDULES = 200
FAULTS = [0, 0, 0.1, 0.3]

# What is broken, by name: the script, what stands there, what would stand there instead, and the
# first schedule to try, which is the one that found it.
BREAKS = {
    "a fill does not look at the composition's lease": (
        "fill",
        "if composition[1] ~= ARGV[2] then",
        "if false then",
        91,
    ),
    "a read does not look at the user's nonce": ("read", "nonce == user[1] and ", "", 72),
    "a read does not look when an entry ends": ("read", "and tonumber(expires) > now ", "", 45),
    "a read does not look at blocks": ("read", "return {'B', ARGV[3]}", "", 42),
    "a read does not look at the user's block": (
        "read",
        " or tonumber(user[2] or 0) > now",
        "",
        42,
    ),
    "a begin does not block": ("begin", "'u', string.format('%.0f', last)", "'u', '0'", 46),
    "a begin does not drop": ("begin", "redis.call('UNLINK', key)", "", 13),
    "an end does not drop": ("end", "redis.call('UNLINK', key)", "", 4),
    "an end keeps the lease": (
        "end",
        "redis.call('UNLINK', key)",
        "local g = redis.call('HGET', key, 'g') redis.call('UNLINK', key)"
        " if g then redis.call('HSET', key, 'g', g) end",
        91,
    ),
    "an end ends the blocks of others": ("end", "if last > 0 then", "if false then", 536),
    "a context does not look at the user's nonce": ("resolve", "of == user[1] and ", "", 130),
    "a context does not look when an entry ends": ("resolve", "tonumber(ends) > now", "true", 548),
    "a context does not look at the user's block": ("resolve", "user[2] or 0", "0", 53),
    "a context does not look at the composition's block": (
        "resolve",
        "composition[2] or 0",
        "0",
        98,
    ),
    "a choice does not look at the user's lease": (
        "choose",
        "if user[1] ~= ARGV[3] then",
        "if false then",
        13,
    ),
    "all leases are the same": ("read", "nonce = ARGV[3]", "nonce = '00'", 57),
    "a warm body is another": ("warm", "'b:' .. ARGV[2], ARGV[5]", "'b:' .. ARGV[2], 'no'", 2),
    "a fill keeps the meta in the body": (
        "fill",
        "string.sub(payload, meta_bytes + 1)",
        "payload",
        0,
    ),
}


def test_nothing_older_than_what_was_answered_is_ever_read(
    store: redis.Redis, pytestconfig: pytest.Config
):
    asked_for = pytestconfig.getoption("--schedules")
    start = random.randrange(10**9) if asked_for else 0
    seen: Counter[str] = Counter()
    for seed in range(start, start + (asked_for or SCHEDULES)):
        played = Simulation(store, seed, faults=FAULTS[seed % 4]).play()
        assert played.violations == [], f"schedule {seed}"
        seen += played.seen
    kinds = {"Hit", "Unchanged", "Absent", "Miss", "Unchosen", "Blocked", "Bypass"}
    fates = {"filled", "gone", "lost", "revoked", "settled", "pending", "refused"}
    assert seen.keys() >= kinds | fates, seen


def test_a_naive_cache_is_found_out(store: redis.Redis):
    wrong = [seed for seed in range(50) if Simulation(store, seed, naive=True).play().violations]
    print(f"{len(wrong)} of 50 schedules")
    assert len(wrong) > 10


@pytest.mark.parametrize("name", BREAKS)
def test_a_cache_without_one_of_its_guards_is_found_out(store: redis.Redis, name: str):
    script, right, wrong, first = BREAKS[name]

    def broken(of: str, text: str) -> str:
        assert of != script or right in text
        return text.replace(right, wrong) if of == script else text

    for seed in range(first, first + 2000):
        played = Simulation(store, seed, faults=FAULTS[seed % 4], broken=broken).play()
        violations = played.violations
        if violations:
            print(f"{name}: schedule {seed}: {Counter(violations)}")
            return
    pytest.fail("no schedule has found it")


def test_an_api_that_forgets_what_was_passed_over_is_found_out(
    store: redis.Redis, monkeypatch: pytest.MonkeyPatch
):
    fill = Simulation._fill

    async def forgetful(
        self: Simulation, miss: Miss | Unchosen, asked: Asked, viewer: Viewer, got: Answer
    ) -> Any:
        return await fill(self, miss, asked, viewer, replace(got, skipped=False))

    monkeypatch.setattr(Simulation, "_fill", forgetful)
    for seed in range(202, 2000):
        violations = Simulation(store, seed, faults=FAULTS[seed % 4]).play().violations
        if violations:
            print(f"schedule {seed}: {Counter(violations)}")
            return
    pytest.fail("no schedule has found it")
