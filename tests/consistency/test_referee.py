"""The referee itself: what it lets pass and what not."""

from __future__ import annotations

from tests.consistency.referee import OVERDUE_SECONDS, Calm, Fact, Floor

NOISY, CALM = Calm(), Calm(since=20)


def test_a_settled_change_is_all_that_may_be_seen_from_then_on():
    fact = Fact("viewer")
    change = fact.begin(None, started=10)
    change.ended, change.settled = 11, True

    assert fact.possible(8, 9, NOISY) == {"viewer"}
    assert fact.possible(9, 10.5, NOISY) == {"viewer", None}
    assert fact.possible(10.5, 12, NOISY) == {"viewer", None}
    assert fact.possible(11, 12, NOISY) == {None}


def test_a_change_under_way_may_be_seen_or_not():
    fact = Fact("viewer")
    fact.begin("editor", started=10)
    assert fact.possible(50, 51, CALM) == {"viewer", "editor"}


def test_another_change_may_stay_unseen_until_it_is_overdue_in_the_calm():
    fact = Fact("viewer")
    change = fact.begin(None, started=10)
    change.ended = 11
    overdue = CALM.since + OVERDUE_SECONDS
    assert fact.possible(overdue - 1, overdue + 1, CALM) == {"viewer", None}
    assert fact.possible(overdue, overdue + 1, CALM) == {None}
    assert fact.possible(overdue, overdue + 1, NOISY) == {"viewer", None}


def test_a_share_that_expires_ends_by_the_clock_alone():
    fact = Fact(None)
    change = fact.begin("viewer", started=10, until=12)
    change.ended, change.settled = 11, True
    assert fact.possible(11, 11.5, NOISY) == {"viewer"}
    assert fact.possible(11.5, 12.5, NOISY) == {"viewer", None}
    assert fact.possible(12.1, 12.5, NOISY) == {None}


def test_what_was_refused_never_was():
    fact = Fact("viewer")
    fact.forget(fact.begin(None, started=10))
    assert fact.possible(11, 12, NOISY) == {"viewer"}


def test_a_read_shows_what_was_settled_before_it_began():
    floor = Floor()
    floor.note("b", ended=10, settled=True)
    floor.note("a", ended=11, settled=True)  # answered later, but it was the earlier one
    floor.note("c", ended=12, settled=False)

    assert floor.required(9, NOISY) == ""
    assert floor.required(10, NOISY) == floor.required(30, NOISY) == "b"
    assert floor.required(CALM.since + OVERDUE_SECONDS, CALM) == "c"
