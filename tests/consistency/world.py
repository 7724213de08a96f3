"""The people, the compositions and what is pinned, and what each of the people may find of it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.consistency.referee import Calm, Fact, Floor

TRASHED = "trashed"
ME = "me"
RANKS = {None: 0, "viewer": 1, "editor": 2, "owner": 3}
CONTEXTS = ("home", "route:/videos")


@dataclass(frozen=True)
class Span:
    """From when until when somebody read something."""

    started: float
    ended: float
    calm: Calm

    def values(self, fact: Fact) -> set[Any]:
        """All that a fact may have been."""
        return fact.possible(self.started, self.ended, self.calm)


@dataclass(frozen=True)
class Page:
    """Something to read.

    Args:
        kind: A composition with what people have changed for themselves, the same without, what is
            shown in a context, or the first page.
        name: The composition's id, or the context.
    """

    kind: Literal["composition", "bare", "context", "home"]
    name: str

    @property
    def path(self) -> str:
        """Where the functions have it."""
        match self.kind:
            case "home":
                return "/v1/home"
            case "context":
                return f"/v1/contexts/{self.name}"
            case "bare":
                return f"/v1/compositions/{self.name}?layered=false"
            case "composition":
                return f"/v1/compositions/{self.name}"

    @property
    def call(self) -> tuple[str, dict[str, Any]]:
        """The function of the database that answers it, and its arguments."""
        match self.kind:
            case "home":
                return "load_home", {}
            case "context":
                return "resolve_context", {"context": self.name}
            case "bare":
                return "load_composition", {"composition_id": self.name, "layered": False}
            case "composition":
                return "load_composition", {"composition_id": self.name}


HOME = Page("home", "home")


@dataclass(frozen=True)
class Shown:
    """A composition as an answer shows it.

    Args:
        layers: By whose they are, the stamps of what people or organisations changed.
        pinned_by: The organisation whose default it is, or ME; None: it was asked for by its id.
    """

    id: str
    role: str
    updated_at: str
    layers: frozenset[tuple[str, str]]
    pinned_by: str | None


@dataclass(frozen=True)
class State:
    """What a read showed.

    Args:
        shown: A composition, TRASHED, or nothing.
        pins: On the first page: the contexts that are listed, each with an organisation or ME.
        organizations: On the first page.
    """

    etag: str
    shown: Shown | str | None
    pins: frozenset[tuple[str, str]] = frozenset()
    organizations: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Wrong:
    """Something that a read must not have shown."""

    kind: str
    found: Any
    allowed: Any


@dataclass(eq=False)
class Membership:
    """That somebody belongs to an organisation, since some time between these two."""

    started: float = -math.inf
    ended: float = -math.inf

    def older(self, than: Membership) -> bool:
        """Whether it is for sure."""
        return self.ended < than.started


@dataclass(eq=False)
class Party:
    """A person or an organisation.

    Args:
        pins: By context, the composition that they have pinned.
    """

    id: str
    pins: dict[str, Fact]


@dataclass(eq=False)
class Person(Party):
    """Somebody with a token.

    Args:
        known: What they saw last.
    """

    name: str
    headers: dict[str, str]
    known: dict[Page, State] = field(default_factory=dict)


@dataclass(eq=False)
class Organization(Party):
    """An organisation; its owner belongs to it for good. Its pins are defaults for its members.

    Args:
        members: By person, their membership.
    """

    owner: Person
    members: dict[str, Fact]


@dataclass(eq=False)
class Piece:
    """A composition, with all that its loads depend on.

    Args:
        organization: The members view it, if it has one.
        shares: By person, the role they were given.
        grants: By organisation, the role that its members were given.
        layers: By person or organisation, the stamp that they have put on it for themselves.
    """

    id: str
    owner: Person
    organization: Organization | None
    shares: dict[str, Fact]
    grants: dict[str, Fact]
    layers: dict[str, Fact]
    trash: Fact = field(default_factory=lambda: Fact(False))
    floor: Floor = field(default_factory=Floor)


@dataclass(eq=False)
class World:
    """All there is."""

    people: list[Person] = field(default_factory=list)
    organizations: list[Organization] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)

    def pages(self) -> list[Page]:
        """All that can be read."""
        kinds: tuple[Literal["composition", "bare"], ...] = ("composition", "bare")
        pieces = [Page(kind, piece.id) for piece in self.pieces for kind in kinds]
        return [*pieces, *(Page("context", context) for context in CONTEXTS), HOME]

    def wrong(self, person: Person, page: Page, state: State, span: Span) -> Iterator[Wrong]:
        """What a person must not have been shown who read a page in this span."""
        shown = state.shown
        if page.kind in ("composition", "bare"):
            piece = self._piece(page.name)
            found = shown.role if isinstance(shown, Shown) else shown
            allowed = self.outcomes(person, piece, span)
            if found not in allowed:
                yield Wrong("access", found, allowed)
            if isinstance(shown, Shown) and (shown.id, shown.pinned_by) != (piece.id, None):
                yield Wrong("another composition", shown, page)
        else:
            choice = (shown.pinned_by, shown.id) if isinstance(shown, Shown) else shown
            choices = self.choices(person, page.name, span)
            if choice not in choices:
                yield Wrong("choice", choice, choices)
            if isinstance(shown, Shown):
                roles = self.outcomes(person, self._piece(shown.id), span)
                if shown.role not in roles:
                    yield Wrong("access", shown.role, roles)
        if isinstance(shown, Shown):
            yield from self._wrong_content(person, page, shown, span)
        if page.kind == "home":
            yield from self._wrong_lists(person, state, span)

    def outcomes(self, person: Person, piece: Piece, span: Span) -> set[Any]:
        """What a person may find of a composition: a role, TRASHED or None."""
        roles: set[Any] = {"owner"}
        if person is not piece.owner:
            roles = span.values(piece.shares[person.id])
            for organization in self.organizations:
                given = self._given(organization, piece, span)
                members = span.values(organization.members[person.id])
                through = {role if member else None for member in members for role in given}
                roles = {
                    max(pair, key=RANKS.__getitem__) for pair in itertools.product(roles, through)
                }
        outcomes: set[Any] = set()
        for trashed in span.values(piece.trash):
            if not trashed:
                outcomes |= roles
            else:
                outcomes.add(TRASHED if person is piece.owner else None)
        return outcomes

    def choices(self, person: Person, context: str, span: Span) -> set[tuple[str, str] | None]:
        """What may be shown in a context: whose pin, on what; or None."""
        choices: set[tuple[str, str] | None] = set()
        for memberships in itertools.product(
            *(span.values(organization.members[person.id]) for organization in self.organizations)
        ):
            belongs = [
                pair for pair in zip(memberships, self.organizations, strict=True) if pair[0]
            ]
            for order in itertools.permutations(belongs):
                if any(later.older(than) for (than, _), (later, _) in itertools.pairwise(order)):
                    continue
                candidates = [person, *(organization for _, organization in order)]
                choices |= self._first_visible(person, context, candidates, span)
        return choices

    def _first_visible(
        self,
        person: Person,
        context: str,
        candidates: list[Party],
        span: Span,
    ) -> set[tuple[str, str] | None]:
        """The first of the candidates' pins that may be seen; what may not, is passed over."""
        found: set[tuple[str, str] | None] = set()
        for candidate in candidates:
            passed_over = False
            for pinned in span.values(candidate.pins[context]):
                outcomes = {None}
                if pinned:
                    outcomes = self.outcomes(person, self._piece(pinned), span)
                if outcomes - {None, TRASHED}:
                    found.add((pinner(candidate), pinned))
                passed_over = passed_over or bool(outcomes & {None, TRASHED})
            if not passed_over:
                return found
        return found | {None}

    def _wrong_content(
        self, person: Person, page: Page, shown: Shown, span: Span
    ) -> Iterator[Wrong]:
        piece = self._piece(shown.id)
        required = piece.floor.required(span.started, span.calm)
        if shown.updated_at < required:
            yield Wrong("stale", shown.updated_at, required)
        if page.kind == "bare":
            if shown.layers:
                yield Wrong("layer", shown.layers, "none")
            return
        stamps = dict(shown.layers)
        for whose in [*self.people, *self.organizations]:
            found, allowed = stamps.pop(whose.id, None), self._stamps(person, piece, whose, span)
            if found not in allowed:
                yield Wrong("layer", found, allowed)
        if stamps:
            yield Wrong("layer", stamps, "of somebody")

    def _stamps(self, person: Person, piece: Piece, whose: Party, span: Span) -> set[Hashable]:
        """What a person may see of somebody's layer: a stamp or None."""
        stamps = span.values(piece.layers[whose.id])
        if not isinstance(whose, Organization):
            return stamps if whose is person else {None}
        given, members = self._given(whose, piece, span), span.values(whose.members[person.id])
        applies = {bool(member and role) for member in members for role in given}
        return (stamps if True in applies else set()) | ({None} if False in applies else set())

    def _wrong_lists(self, person: Person, state: State, span: Span) -> Iterator[Wrong]:
        """What the first page lists besides: where something is pinned, and one's organisations."""
        for whose in [person, *self.organizations]:
            belongs = {True}
            if isinstance(whose, Organization):
                belongs = {bool(member) for member in span.values(whose.members[person.id])}
                if (whose.id in state.organizations) not in belongs:
                    yield Wrong("organisation", whose.id, belongs)
            for context, fact in whose.pins.items():
                pinned = {bool(pin) for pin in span.values(fact)}
                listed = {is_pinned and member for is_pinned in pinned for member in belongs}
                if ((context, pinner(whose)) in state.pins) not in listed:
                    yield Wrong("listed pin", (context, pinner(whose)), listed)

    def _given(self, organization: Organization, piece: Piece, span: Span) -> set[Any]:
        """What the members of an organisation are to a composition."""
        given = span.values(piece.grants[organization.id])
        if piece.organization is not organization:
            return given
        # Its own they view in any case; who founded it is its owner.
        return {max("viewer", role, key=RANKS.__getitem__) for role in given}

    def _piece(self, id: str) -> Piece:
        return next(piece for piece in self.pieces if piece.id == id)


def pinner(whose: Party) -> str:
    """Whose pin it is, as an answer says it to the person."""
    return whose.id if isinstance(whose, Organization) else ME
