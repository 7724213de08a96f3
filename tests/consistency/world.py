"""The people and the compositions, and what each of the people may find of each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.consistency.referee import Calm, Fact, Floor

TRASHED = "trashed"
RANKS = {None: 0, "viewer": 1, "editor": 2, "owner": 3}


@dataclass(eq=False)
class Person:
    """Somebody with a token."""

    name: str
    id: str
    headers: dict[str, str]
    known: dict[str, State] = field(default_factory=dict)  # by composition, what they saw last


@dataclass(frozen=True)
class State:
    """What a load showed."""

    etag: str
    role: str
    updated_at: str


@dataclass(eq=False)
class Piece:
    """A composition, with all that its loads depend on.

    Args:
        organization: The members view it, if it has one.
        shares: By person, the role they were given.
    """

    id: str
    owner: Person
    organization: Organization | None
    shares: dict[str, Fact]
    trash: Fact = field(default_factory=lambda: Fact(False))
    floor: Floor = field(default_factory=Floor)

    def outcomes(self, person: Person, started: float, ended: float, calm: Calm) -> set[Any]:
        """What a read by a person between these times may find: a role, TRASHED or None."""
        roles: set[Any] = {"owner"} if person is self.owner else {None}
        if person is not self.owner:
            roles = _either(roles, self.shares[person.id].possible(started, ended, calm))
            if self.organization:
                member = self.organization.members[person.id].possible(started, ended, calm)
                roles = _either(roles, {"viewer" if is_member else None for is_member in member})
        outcomes: set[Any] = set()
        for trashed in self.trash.possible(started, ended, calm):
            if not trashed:
                outcomes |= roles
            else:
                outcomes.add(TRASHED if person is self.owner else None)
        return outcomes


@dataclass(eq=False)
class Organization:
    """An organisation; its owner belongs to it for good."""

    id: str
    owner: Person
    members: dict[str, Fact]


def _either(roles: set[Any], others: set[Any]) -> set[Any]:
    return {max(role, other, key=RANKS.__getitem__) for role in roles for other in others}
