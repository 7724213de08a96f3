"""The rules of who may see and do what, as a small world in memory.

Said once more, after the words of docs/, of the matrices in supabase/policies and of the headers in
supabase/routines, and without looking at how those do it. tests/database/test_rules.py plays the
same acts here and in the database: what one allows and the other refuses is a fault of one of them.

People, organisations and compositions are names. A name that nothing has (any more) is as good as
an id that nothing has. Every function of the API is a method here with the caller as its first
argument; it returns what the answer says at least, or raises Refused.

Where several reasons to refuse meet, the first of these is given: what the caller may not see, what
the caller may not do, where it is (in the trash or not), what else the arguments name, what they
say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
Rank = Literal["member", "admin", "owner"]
Role = Literal["viewer", "editor", "owner"]

RANKS: list[Rank] = ["member", "admin", "owner"]
ROLES: list[Role] = ["viewer", "editor", "owner"]


class Refused(Exception):
    """An act that the rules do not allow: a code of docs/errors.md, and its facts."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code, facts)
        self.code = code
        self.facts = facts


@dataclass
class Organization:
    """People who share compositions: each with a role, the longest-standing first."""

    members: dict[str, Rank] = field(default_factory=dict)

    def owners(self) -> list[str]:
        """Who owns it: at least one, always."""
        return [person for person, rank in self.members.items() if rank == "owner"]

    def heir(self) -> str:
        """Its longest-standing owner; failing that, admin; failing that, member."""
        return max(self.members, key=lambda person: RANKS.index(self.members[person]))


@dataclass
class Share:
    """What a composition's owner gave a person or an organisation."""

    role: Role
    ends: bool
    over: bool = False


@dataclass
class Composition:
    """A named history of contents, with an owner; an organisation's unless personal."""

    owner: str
    organization: str | None
    title: str
    contents: list[str]  # of version 1, 2, 3 …
    changed: int
    shares: dict[str, Share] = field(default_factory=dict)  # by person or organisation
    trashed: bool = False
    loads: int = 0


class World:
    """All there is, and all that can happen to it."""

    def __init__(self, people: list[str]) -> None:
        self.accounts = set(people)
        self.organizations: dict[str, Organization] = {}
        self.compositions: dict[str, Composition] = {}
        self.made: list[str] = []  # the names of all that was ever made
        self.time = 0

    # Who is what.

    def rank(self, person: str, organization: str | None) -> Rank | None:
        """What a person is in an organisation; None: no member, and it does not exist for them."""
        if organization not in self.organizations:
            return None
        return self.organizations[organization].members.get(person)

    def role(self, person: str, composition: str) -> Role | None:
        """What a person is to a composition; None: it does not exist for them.

        Owners are its owner and, of an organisation's, that one's owners and admins. In the trash
        it exists for them alone. Out of it, all members view it, and who has a share that is not
        over, in person or through an organisation, is what the share says.
        """
        piece = self.compositions.get(composition)
        if piece is None:
            return None
        rank = self.rank(person, piece.organization)
        if person == piece.owner or rank in ("owner", "admin"):
            return "owner"
        if piece.trashed:
            return None
        given = {
            share.role
            for grantee, share in piece.shares.items()
            if not share.over and self.concerns(person, grantee)
        }
        if "editor" in given:
            return "editor"
        return "viewer" if given or rank else None

    def concerns(self, person: str, grantee: str) -> bool:
        """Whether what a grantee has is a person's: their own, or their organisation's."""
        return person == grantee or self.rank(person, grantee) is not None

    # What is asked before anything is done.

    def require_account(self, person: str) -> None:
        if person not in self.accounts:
            raise Refused("account_not_found")

    def require_role(
        self, person: str, composition: str, required: Role, trashed: bool = False
    ) -> Composition:
        """A composition to whom the person is enough, and that is where it has to be."""
        role = self.role(person, composition)
        if role is None:
            raise Refused("composition_not_found")
        if ROLES.index(role) < ROLES.index(required):
            codes = {"editor": "composition_read_only", "owner": "not_composition_owner"}
            raise Refused(codes[required], role=role)
        piece = self.compositions[composition]
        if piece.trashed and not trashed:
            raise Refused("composition_trashed")
        if trashed and not piece.trashed:
            raise Refused("composition_not_trashed")
        return piece

    def require_rank(self, person: str, organization: str, required: Rank) -> Organization:
        """An organisation in which the person is enough."""
        rank = self.rank(person, organization)
        if rank is None:
            raise Refused("organization_not_found")
        if RANKS.index(rank) < RANKS.index(required):
            raise Refused("organization_role_too_low", role=rank, required=required)
        return self.organizations[organization]

    # Compositions.

    def create_composition(
        self, caller: str, title: str, content: str, organization: str | None = None
    ) -> Json:
        """For oneself, or for an organisation that one belongs to."""
        self.require_account(caller)
        if organization is not None:
            self.require_rank(caller, organization, "member")
        composition = self.name("piece")
        self.compositions[composition] = Composition(
            caller, organization, title, [content], self.now()
        )
        return self.written(composition)

    def save_version(self, caller: str, composition: str, base_version: int, content: str) -> Json:
        """Editors save, on top of the head."""
        piece = self.require_role(caller, composition, "editor")
        if base_version != len(piece.contents):
            raise Refused("version_conflict", head_version=len(piece.contents))
        piece.contents.append(content)
        piece.changed = self.now()
        return self.written(composition)

    def restore_version(self, caller: str, composition: str, version: int) -> Json:
        """Editors bring the content of an earlier version back, as a new one."""
        piece = self.require_role(caller, composition, "editor")
        if not 1 <= version <= len(piece.contents):
            raise Refused("version_not_found")
        piece.contents.append(piece.contents[version - 1])
        piece.changed = self.now()
        return self.written(composition)

    def rename(self, caller: str, composition: str, title: str) -> None:
        """Editors update the table. Who may not finds no row to update."""
        if self.role(caller, composition) not in ("editor", "owner"):
            raise Refused("no_row")
        piece = self.compositions[composition]
        if piece.trashed:
            raise Refused("no_row")
        piece.title = title
        piece.changed = self.now()

    def delete_composition(self, caller: str, composition: str) -> Json:
        """Owners put it into the trash."""
        piece = self.require_role(caller, composition, "owner")
        piece.trashed = True
        piece.changed = self.now()
        return self.written(composition)

    def undelete_composition(self, caller: str, composition: str) -> Json:
        """Owners take it out again, and all is as it was."""
        piece = self.require_role(caller, composition, "owner", trashed=True)
        piece.trashed = False
        piece.changed = self.now()
        return self.written(composition)

    def purge_composition(self, caller: str, composition: str) -> Json:
        """Owners end it; an organisation's, its admins and owners only."""
        piece = self.require_role(caller, composition, "owner", trashed=True)
        if piece.organization is not None:
            self.require_rank(caller, piece.organization, "admin")
        written = self.written(composition)
        del self.compositions[composition]
        return written

    # Reading: what is seen otherwise is in seen_by().

    def get_version(self, caller: str, composition: str, version: int) -> Json:
        """Who views a composition views all of its versions."""
        piece = self.require_role(caller, composition, "viewer")
        if not 1 <= version <= len(piece.contents):
            raise Refused("version_not_found")
        return {"version": version, "content_hash": piece.contents[version - 1]}

    def list_versions(self, caller: str, composition: str) -> Json:
        self.require_role(caller, composition, "viewer")
        return {}

    def list_shares(self, caller: str, composition: str) -> Json:
        self.require_role(caller, composition, "viewer")
        return {}

    # Shares.

    def share_composition(
        self,
        caller: str,
        composition: str,
        role: Role,
        user: str | None = None,
        organization: str | None = None,
        expires_at: Literal["later", "before"] | None = None,
    ) -> Json:
        """Owners share with anyone but the owner, and with organisations of their own."""
        piece = self.require_role(caller, composition, "owner")
        if organization is not None:
            self.require_rank(caller, organization, "member")
        if (
            user == piece.owner
            or expires_at == "before"
            or (user is None) == (organization is None)
        ):
            raise Refused("invalid_argument")
        if user is not None and user not in self.accounts:
            raise Refused("user_not_found")
        piece.shares[user or organization or ""] = Share(role, ends=expires_at is not None)
        return {"user_id": user, "organization_id": organization, "role": role}

    def unshare_composition(
        self,
        caller: str,
        composition: str,
        user: str | None = None,
        organization: str | None = None,
    ) -> Json:
        """Owners take a share back, and a person gives up what is shared with them."""
        piece = self.require_role(caller, composition, "viewer" if user == caller else "owner")
        if (user is None) == (organization is None):
            raise Refused("share_not_found")
        share = piece.shares.pop(user or organization or "", None)
        if share is None:
            raise Refused("share_not_found")
        return {"user_id": user, "organization_id": organization, "role": share.role}

    # Organisations.

    def create_organization(self, caller: str, name: str) -> Json:
        """Anyone may, and owns it."""
        self.require_account(caller)
        organization = self.name("org")
        self.organizations[organization] = Organization({caller: "owner"})
        return {"organization_id": organization, "name": name, "role": "owner"}

    def add_organization_member(
        self, caller: str, organization: str, user: str, role: Rank
    ) -> Json:
        """Admins add members; owners, admins and owners too."""
        place = self.require_rank(caller, organization, self.giver(role))
        if user not in self.accounts:
            raise Refused("user_not_found")
        if user in place.members:
            raise Refused("already_member")
        place.members[user] = role
        return {"organization_id": organization, "user_id": user, "role": role}

    def set_organization_role(self, caller: str, organization: str, user: str, role: Rank) -> Json:
        """Owners change roles, but there is always an owner."""
        place = self.require_rank(caller, organization, "owner")
        if user not in place.members:
            raise Refused("member_not_found")
        if role != "owner" and place.owners() == [user]:
            raise Refused("last_owner")
        place.members[user] = role
        return {"organization_id": organization, "user_id": user, "role": role}

    def remove_organization_member(self, caller: str, organization: str, user: str) -> Json:
        """Admins remove members; owners, anyone."""
        place = self.require_rank(caller, organization, "admin")
        if user not in place.members:
            raise Refused("member_not_found")
        self.require_rank(caller, organization, self.giver(place.members[user]))
        return self.end_membership(organization, user)

    def leave_organization(self, caller: str, organization: str) -> Json:
        """Everyone may leave, but not leave the others without an owner."""
        self.require_rank(caller, organization, "member")
        return self.end_membership(organization, caller)

    def giver(self, role: Rank) -> Rank:
        """Who may give a role in an organisation, and take it."""
        return "admin" if role == "member" else "owner"

    def end_membership(self, organization: str, user: str) -> Json:
        members = self.organizations[organization].members
        if len(members) > 1 and self.organizations[organization].owners() == [user]:
            raise Refused("last_owner")
        rank = members.pop(user)
        self.settle(organization, user)
        return {"organization_id": organization, "user_id": user, "role": rank}

    def settle(self, organization: str, gone: str) -> None:
        """An organisation keeps its work when somebody has gone, and goes with the last one."""
        place = self.organizations[organization]
        for name, piece in list(self.compositions.items()):
            if piece.organization == organization and not place.members:
                del self.compositions[name]
            elif piece.organization == organization and piece.owner == gone:
                piece.owner = place.heir()
            elif not place.members:
                piece.shares.pop(organization, None)
        if not place.members:
            del self.organizations[organization]

    # Jobs, and what is nobody's act.

    def record_usage(self, composition: str) -> Json:
        """Counts go to what there is, in the trash or not."""
        if composition not in self.compositions:
            return {"recorded": 0}
        self.compositions[composition].loads += 1
        return {"recorded": 1}

    def expire_share(self, composition: str, grantee: str) -> None:
        """Time passes, until a share is over."""
        self.compositions[composition].shares[grantee].over = True

    def delete_account(self, person: str) -> None:
        """All that is theirs goes with them; what is their organisations' passes to who stays."""
        for name, place in list(self.organizations.items()):
            if place.members.pop(person, None) is not None:
                if place.members:
                    place.members[place.heir()] = "owner"
                self.settle(name, person)
        for name, piece in list(self.compositions.items()):
            piece.shares.pop(person, None)
            if piece.owner == person:
                del self.compositions[name]
        self.accounts.remove(person)

    # What there is to see.

    def seen_by(self, person: str) -> Json:
        """All that the database shows a person, in every way in which it shows anything."""
        mine = [name for name in self.organizations if self.rank(person, name)]
        visible = [
            name
            for name, piece in self.compositions.items()
            if self.role(person, name) and not piece.trashed
        ]
        shares = {name: self.shares_shown_to(person, name) for name in visible}
        return {
            "user_compositions": visible,
            "composition_versions": [
                [name, version]
                for name in visible
                for version in range(1, len(self.compositions[name].contents) + 1)
            ],
            "shared_compositions": [[name, *share] for name in visible for share in shares[name]],
            "organizations": mine,
            "organization_members": [
                [name, member, rank]
                for name in mine
                for member, rank in self.organizations[name].members.items()
            ],
            "member_organizations": mine,
            "composition_usage": [
                [name, self.compositions[name].loads]
                for name in visible
                if self.role(person, name) == "owner" and self.compositions[name].loads
            ],
            "list": self.listed(person, visible),
            "list of the trash": self.listed(
                person, [name for name in self.compositions if self.owns_in_trash(person, name)]
            ),
            "list of what is shared": self.listed(
                person, [name for name in visible if not self.is_theirs(person, name)]
            ),
        } | {
            name: {"composition_role": self.role(person, name)}
            | (self.loaded(person, name) if name in visible else self.absence(person, name))
            for name in self.pieces()
        }

    def owns_in_trash(self, person: str, composition: str) -> bool:
        """The trash is there for owners alone."""
        piece = self.compositions[composition]
        return piece.trashed and self.role(person, composition) == "owner"

    def is_theirs(self, person: str, composition: str) -> bool:
        """Theirs, or their organisations': they need no share to see it."""
        piece = self.compositions[composition]
        return piece.owner == person or self.rank(person, piece.organization) is not None

    def listed(self, person: str, names: list[str]) -> list[list[str | None]]:
        """Last changed first."""
        names = sorted(names, key=lambda name: self.compositions[name].changed, reverse=True)
        return [[name, self.role(person, name)] for name in names]

    def shares_shown_to(self, person: str, composition: str) -> list[list[str]]:
        """Owners see all shares, those who have one see theirs, over or not."""
        return [
            [grantee, share.role]
            for grantee, share in self.compositions[composition].shares.items()
            if self.role(person, composition) == "owner" or self.concerns(person, grantee)
        ]

    def loaded(self, person: str, composition: str) -> Json:
        piece = self.compositions[composition]
        return {
            "role": self.role(person, composition),
            "title": piece.title,
            "version": len(piece.contents),
            "content": piece.contents[-1],
            "owner_id": piece.owner,
            "organization_id": piece.organization,
            "versions": list(range(1, len(piece.contents) + 1)),
            "shares": self.shares_shown_to(person, composition),
        }

    def absence(self, person: str, composition: str) -> Json:
        """It is in the trash of its owners, or not there."""
        trashed = self.role(person, composition) is not None
        return {"refused": "composition_trashed" if trashed else "composition_not_found"}

    def pieces(self) -> list[str]:
        """All compositions that were ever made."""
        return [name for name in self.made if name.startswith("piece")]

    def everything(self) -> Json:
        """All that there is; only an operator sees it."""
        members = [
            [name, person, rank]
            for name, place in self.organizations.items()
            for person, rank in place.members.items()
        ]
        return {
            "organizations": list(self.organizations),
            "organization_members": members,
            "member_organizations": [[name, person] for name, person, _ in members],
            "user_compositions": [
                [
                    *(name, piece.owner, piece.organization or "", piece.title),
                    *(len(piece.contents), piece.contents[-1], piece.trashed),
                ]
                for name, piece in self.compositions.items()
            ],
            "composition_versions": [
                [name, version, content]
                for name, piece in self.compositions.items()
                for version, content in enumerate(piece.contents, 1)
            ],
            "shared_compositions": [
                [name, grantee, share.role, share.ends, share.over]
                for name, piece in self.compositions.items()
                for grantee, share in piece.shares.items()
            ],
            # Once each, and only what a version reaches.
            "compositions": list(
                {content for piece in self.compositions.values() for content in piece.contents}
            ),
        }

    def broken_promises(self) -> list[str]:
        """What must never be so, whatever people do: each organisation has an owner, and owners of
        an organisation's compositions are members of it."""
        ownerless = [name for name, place in self.organizations.items() if not place.owners()]
        stray = [
            name
            for name, piece in self.compositions.items()
            if piece.organization is not None and not self.rank(piece.owner, piece.organization)
        ]
        return ownerless + stray

    # Names and times.

    def name(self, kind: str) -> str:
        self.made.append(f"{kind}{sum(name.startswith(kind) for name in self.made) + 1}")
        return self.made[-1]

    def now(self) -> int:
        self.time += 1
        return self.time

    def written(self, composition: str) -> Json:
        piece = self.compositions[composition]
        return {
            "composition_id": composition,
            "version": len(piece.contents),
            "content_hash": piece.contents[-1],
            "title": piece.title,
        }
