"""What people may find, and what not: of layers, pins and defaults."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.consistency.referee import Calm, Fact
from tests.consistency.world import (
    CONTEXTS,
    HOME,
    ME,
    TRASHED,
    Membership,
    Organization,
    Page,
    Person,
    Piece,
    Shown,
    Span,
    State,
    World,
)

CONTEXT = CONTEXTS[1]
NOW = Span(100, 101, Calm())


def settle(fact: Fact, value: object, at: float = 50, ended: float | None = None) -> None:
    """Change a fact, in force before NOW unless it ends later."""
    change = fact.begin(value, at)
    change.ended, change.settled = (at if ended is None else ended), True


@pytest.fixture
def world() -> World:
    """Ann owns the piece of her organisation and one of her own; ben owns another organisation."""
    ann, ben, _ = people = [
        Person(name, {context: Fact(None) for context in CONTEXTS}, name, {})
        for name in ("ann", "ben", "cleo")
    ]
    organizations = [
        Organization(
            f"of {owner.id}",
            {context: Fact(None) for context in CONTEXTS},
            owner,
            {p.id: Fact(Membership() if p is owner else None) for p in people},
        )
        for owner in (ann, ben)
    ]
    pieces = [
        Piece(
            *(id, ann, organization),
            shares={p.id: Fact(None) for p in people},
            grants={o.id: Fact(None) for o in organizations},
            layers={party.id: Fact(None) for party in [*people, *organizations]},
        )
        for id, organization in [("common", organizations[0]), ("own", None)]
    ]
    return World(people, organizations, pieces)


def shown(id: str, role: str = "viewer", by: str | None = None, **layers: str) -> State:
    """A state in which a composition is shown."""
    stamps = frozenset((whose.replace("_", " "), stamp) for whose, stamp in layers.items())
    return State("etag", Shown(id, role, "", stamps, by))


def kinds(world: World, who: int, page: Page, state: State, span: Span = NOW) -> list[str]:
    return [wrong.kind for wrong in world.wrong(world.people[who], page, state, span)]


def test_layers_are_shown_to_whom_they_are_for(world):
    ben = world.people[1]
    common, page = world.pieces[0], Page("composition", "common")
    settle(common.shares[ben.id], "viewer")
    settle(common.layers[ben.id], "mine")
    settle(common.layers["of ann"], "ours")

    # Ben may view it, but through no organisation: that one's layer is not for him.
    assert kinds(world, 1, page, shown("common", ben="mine")) == []
    assert kinds(world, 1, page, shown("common", ben="mine", of_ann="ours")) == ["layer"]
    assert kinds(world, 1, page, shown("common")) == ["layer"]
    assert kinds(world, 1, page, shown("common", ben="older")) == ["layer"]
    assert kinds(world, 0, page, shown("common", "owner", of_ann="ours")) == []
    assert kinds(world, 0, page, shown("common", "owner", of_ann="ours", ben="mine")) == ["layer"]

    settle(world.organizations[0].members[ben.id], Membership(50, 50))
    assert kinds(world, 1, page, shown("common", ben="mine")) == ["layer"]
    assert kinds(world, 1, page, shown("common", ben="mine", of_ann="ours")) == []

    bare = Page("bare", "common")
    assert kinds(world, 1, bare, shown("common")) == []
    assert kinds(world, 1, bare, shown("common", ben="mine")) == ["layer"]


def test_a_layer_under_way_may_be_shown_or_not(world):
    page = Page("composition", "own")
    settle(world.pieces[1].layers["ann"], "mine", 99, ended=100.5)
    assert kinds(world, 0, page, shown("own", "owner")) == []
    assert kinds(world, 0, page, shown("own", "owner", ann="mine")) == []


def test_a_pin_of_ones_own_comes_before_defaults(world):
    page, ben = Page("context", CONTEXT), world.people[1]
    northwind = world.organizations[0]
    assert kinds(world, 1, page, State("", None)) == []

    settle(northwind.pins[CONTEXT], "common")
    assert kinds(world, 1, page, State("", None)) == []  # no member
    settle(northwind.members[ben.id], Membership(50, 50))
    assert kinds(world, 1, page, shown("common", by="of ann")) == []
    assert kinds(world, 1, page, State("", None)) == ["choice"]
    assert kinds(world, 1, page, shown("common", by=ME)) == ["choice"]

    settle(ben.pins[CONTEXT], "own")
    settle(world.pieces[1].shares[ben.id], "viewer")
    assert kinds(world, 1, page, shown("own", by=ME)) == []
    assert kinds(world, 1, page, shown("common", by="of ann")) == ["choice"]
    # Elsewhere, nothing is.
    assert kinds(world, 1, Page("context", CONTEXTS[0]), State("", None)) == []


def test_what_may_not_be_viewed_now_is_passed_over(world):
    page, ben = Page("context", CONTEXT), world.people[1]
    own = world.pieces[1]
    settle(ben.pins[CONTEXT], "own")
    assert kinds(world, 1, page, State("", None)) == []
    assert kinds(world, 1, page, shown("own", by=ME)) == ["choice", "access"]

    settle(own.shares[ben.id], "viewer")
    assert kinds(world, 1, page, State("", None)) == ["choice"]
    settle(own.trash, True)
    assert kinds(world, 1, page, State("", None)) == []
    # In the trash it is nothing for its owner either.
    settle(world.people[0].pins[CONTEXT], "own")
    assert kinds(world, 0, page, State("", None)) == []
    assert kinds(world, 0, Page("composition", "own"), State("", TRASHED)) == []


def test_the_default_of_the_oldest_membership_counts(world):
    page, cleo = Page("context", CONTEXT), world.people[2]
    first, second = world.organizations
    settle(second.members[cleo.id], Membership(50, 51))
    settle(first.members[cleo.id], Membership(52, 53))
    settle(first.pins[CONTEXT], "common")
    settle(second.pins[CONTEXT], "own")
    settle(world.pieces[1].grants[second.id], "viewer")

    assert kinds(world, 2, page, shown("own", by="of ben")) == []
    assert kinds(world, 2, page, shown("common", by="of ann")) == ["choice"]
    settle(second.members[cleo.id], Membership(52, 54))  # which is the older one?
    assert kinds(world, 2, page, shown("own", by="of ben")) == []
    assert kinds(world, 2, page, shown("common", by="of ann")) == []
    settle(second.members[cleo.id], Membership(55, 56))
    assert kinds(world, 2, page, shown("own", by="of ben")) == ["choice"]


def test_the_first_page_lists_where_something_is_pinned(world):
    ann, first = world.people[0], world.organizations[0]
    settle(ann.pins["home"], "own")
    settle(first.pins[CONTEXT], "common")
    page = replace(
        shown("own", "owner", by=ME),
        pins=frozenset({("home", ME), (CONTEXT, "of ann")}),
        organizations=frozenset({"of ann"}),
    )
    assert kinds(world, 0, HOME, page) == []
    assert kinds(world, 0, HOME, replace(page, pins=frozenset({("home", ME)}))) == ["listed pin"]
    lacking = replace(page, organizations=frozenset())
    assert kinds(world, 0, HOME, lacking) == ["organisation"]
    more = replace(page, organizations=frozenset({"of ann", "of ben"}))
    assert kinds(world, 0, HOME, more) == ["organisation"]


def test_what_a_context_shows_is_as_new_as_the_composition_itself(world):
    page = Page("context", CONTEXT)
    settle(world.people[0].pins[CONTEXT], "own")
    world.pieces[1].floor.note("b", ended=60, settled=True)
    old = State("etag", Shown("own", "owner", "a", frozenset(), ME))
    assert kinds(world, 0, page, old) == ["stale"]
