from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from bench.measure import (
    Side,
    Timing,
    calls_a_second,
    cpu_seconds,
    family,
    race,
    ratio,
    short,
)
from bench.report import times, verdict


def test_a_ratio_is_taken_within_a_round_so_that_a_slow_round_hits_both_sides_alike():
    found = ratio([20, 2000, 60], [10, 1000, 20])
    assert (found.median, found.least, found.most) == (2, 2, 3)
    assert str(found) == "2 (2 to 3)"


def test_three_digits_are_printed_and_no_digit_before_the_point_is_lost():
    assert [short(value) for value in (0.01234, 12.345, 1234.5)] == ["0.0123", "12.3", "1234"]


def test_one_outlier_does_not_move_the_ratio_of_a_round():
    ours, theirs = Timing("ours", [[2, 2, 900]]), Timing("theirs", [[1, 1, 1]])
    assert ours.against(theirs).median == 2


def test_the_sides_take_turns_and_the_first_round_does_not_count():
    order: list[str] = []

    def side(name: str, seconds: float) -> Side:
        run: Callable[[], object] = lambda: order.append(name)  # noqa: E731
        ticks = iter(range(1000))
        return Side(name, run, calls=10, clock=lambda: next(ticks) * seconds)

    first, second = race([side("a", 1), side("b", 3)], rounds=2, runs=2)

    assert "".join(order) == "aabb" * 3
    assert first.rounds == [[100, 100], [100, 100]]
    assert second.against(first).median == 3


def test_what_has_to_be_prepared_is_done_before_each_run_and_not_measured():
    now = iter(range(1000))
    prepared: list[int] = []
    side = Side(
        "a", lambda: prepared, prepare=lambda: prepared.append(next(now)), clock=now.__next__
    )

    (timing,) = race([side], rounds=1, runs=2)

    assert prepared == [0, 3, 6, 9]
    assert timing.rounds == [[1000, 1000]]


def test_the_processor_time_of_a_family_is_that_of_all_that_it_started():
    work = "sum(range(30_000_000)); print(flush=True); input()"
    with subprocess.Popen(
        ["sh", "-c", f"{sys.executable} -c '{work}'; true"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as shell:
        assert shell.stdin and shell.stdout
        shell.stdout.readline()
        parent, *children = family(shell.pid)
        assert parent == shell.pid
        assert len(children) == 1
        assert cpu_seconds(children) > 10 * cpu_seconds([parent]) > 0
        assert cpu_seconds([parent, *children]) >= cpu_seconds(children)
        shell.stdin.close()


def test_calls_are_counted_over_all_threads():
    def wait() -> None:
        time.sleep(0.01)

    alone, together = (calls_a_second([wait] * threads, seconds=0.2) for threads in (1, 4))
    assert alone < 101
    assert together > 2 * alone


def test_a_call_that_fails_in_a_thread_fails_the_figure():
    with pytest.raises(ZeroDivisionError):
        calls_a_second([lambda: 1 / 0], seconds=0.05)


def test_a_target_is_printed_beside_the_value_that_meets_or_misses_it():
    assert verdict(1.5, 1.5) == "≤ 1.5: met"
    assert verdict(11, 10, " ms") == "≤ 10 ms: not met"
    assert times(Timing("it", [[1, 1]])) == ["it", "1", "1", "1", ""]
