"""The figures of the report, and how it looks."""

import io
from collections import Counter

import pytest
from rich.console import Console

from demo.histories import Source
from demo.report import Outcome, percentile, print_report


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([7.0], 0.5, 7.0),
        ([7.0], 0.95, 7.0),
        ([2.0, 1.0], 0.5, 1.0),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        (list(range(100, 0, -1)), 0.5, 50),
        (list(range(100, 0, -1)), 0.95, 95),
        (list(range(1, 21)), 0.95, 19),
        (list(range(1, 21)), 1, 20),
    ],
)
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(values, share, expected):
    assert percentile(values, share) == expected


def report(outcome, width):
    printed = io.StringIO()
    console = Console(file=printed, width=width)
    print_report(console, outcome, Source("the test", 1, iter([])), None)
    return [line.rstrip() for line in printed.getvalue().splitlines()]


def test_tables_stand_side_by_side_where_there_is_room():
    outcome = Outcome(compositions=3, elapsed_seconds=1, acts=Counter(searched=1))

    wide, narrow = report(outcome, 130), report(outcome, 40)

    assert any("what " in line and "call " in line for line in wide)
    assert not any("what " in line and "call " in line for line in narrow)
    titles = [number for number, line in enumerate(narrow) if line == "What else was played"]
    assert [narrow[number - 1] for number in titles] == [""]


def test_calls_beyond_the_most_frequent_are_one_row():
    outcome = Outcome(elapsed_seconds=1)
    for number in range(10):
        outcome.seconds[f"call_{number}"] += [0.001] * (20 - number)

    lines = report(outcome, 130)

    assert any("call_7" in line for line in lines)
    assert not any("call_8" in line for line in lines)
    [others] = [line for line in lines if "│ 2 others " in line]
    assert others.split()[-8:] == ["others", "│", "23", "│", "1.0", "│", "1.0", "│"]


def test_loads_through_the_functions_are_told_apart_by_what_answered_them():
    outcome = Outcome(elapsed_seconds=1, lags=[0.5])
    outcome.loads |= {"miss": [0.02], "unchanged": [0.001], "hit": [0.001, 0.002]}

    lines = report(outcome, 80)

    start = lines.index("Loads through the functions: 75.0% from the cache")
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines[start:]]
    assert [row for row in cells if row][:4] == [
        ["hit", "2", "1.0", "2.0"],
        ["unchanged", "1", "1.0", "1.0"],
        ["miss", "1", "20.0", "20.0"],
        ["seen after a direct save", "1", "500.0", "500.0"],
    ]


def test_examples_are_short_and_say_what_they_leave_out():
    outcome = Outcome(elapsed_seconds=1, sentences={"Board, 1 → 2": ["a", "b", "c", "d", "e"]})
    outcome.problems = [
        {"code": "unknown_key", "path": "/bod", "message": "no such key", "nearest": "body"}
    ] * 2
    outcome.left_out = ["deleting: why"]

    lines = report(outcome, 80)

    start = lines.index("What changed, as diff_versions tells it")
    assert lines[start + 1 :] == [
        "  Board, 1 → 2",
        "    a",
        "    b",
        "    c",
        "    and 2 more",
        "",
        "What is wrong, as validate_document tells it",
        "  /bod: no such key (body was probably meant)",
        "",
        "left out deleting: why",
    ]


def test_what_was_told_is_shown_by_step_with_all_sides_of_a_conflict():
    outcome = Outcome(elapsed_seconds=1)
    conflict = {"path": "/body/n", "kind": "both_changed", "base": None, "head": 2, "mine": "2"}
    outcome.told = {"As cleo has it": ["Changed text"], "Both changed": [conflict]}

    lines = report(outcome, 80)

    assert lines[lines.index("As cleo has it") :] == [
        "As cleo has it",
        "  Changed text",
        "Both changed",
        '  /body/n: null → 2 there, "2" here',
        "",
    ]
