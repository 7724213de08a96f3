"""The breaker opens after failures in a row, and lets one probe at a time."""

from __future__ import annotations

import pytest

from functions.core.breaker import Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(failures=3, seconds=5, clock=clock)


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        breaker.failed()


def test_failures_in_a_row_open_it(breaker: Breaker):
    fail(breaker, 2)
    breaker.succeeded()
    fail(breaker, 2)
    assert breaker.allows()
    fail(breaker)
    assert not breaker.allows()


def test_one_may_probe_when_the_time_has_come(breaker: Breaker, clock: Clock):
    fail(breaker, 3)
    clock.now += 4.9
    assert not breaker.allows()
    clock.now += 0.2
    assert [breaker.allows(), breaker.allows()] == [True, False]


def test_a_probe_that_succeeds_closes_it(breaker: Breaker, clock: Clock):
    fail(breaker, 3)
    clock.now += 5
    assert breaker.allows()
    breaker.succeeded()
    fail(breaker, 2)
    assert [breaker.allows(), breaker.allows()] == [True, True]


def test_a_probe_that_fails_opens_it_for_as_long_again(breaker: Breaker, clock: Clock):
    fail(breaker, 3)
    clock.now += 5
    assert breaker.allows()
    clock.now += 1
    fail(breaker)
    clock.now += 4.9
    assert not breaker.allows()
    clock.now += 0.1
    assert breaker.allows()


def test_a_probe_that_never_reports_only_delays_the_next(breaker: Breaker, clock: Clock):
    fail(breaker, 3)
    clock.now += 5
    assert breaker.allows()
    clock.now += 5
    assert breaker.allows()
