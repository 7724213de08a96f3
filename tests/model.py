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

ANON = "anon"
JOBS = "jobs"
FOR_JOBS = ("purge_trash", "record_usage")

RANKS: list[Rank] = ["member", "admin", "owner"]
ROLES: list[Role] = ["viewer", "editor", "owner"]

CONTEXTS = ["home", "route:/videos"]


class Refused(Exception):
    """An act that the rules do not allow: a code of docs/errors.md, and its facts."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code, facts)
        self.code = code
        self.facts = facts


@dataclass
class Invitation:
    """A role in an organisation for whoever has an address, given by one of its members."""

    user: str  # whose address it is
    role: Rank
    by: str
    over: bool = False


@dataclass
class Organization:
    """People who share compositions: each with a role, the longest-standing first."""

    members: dict[str, Rank]
    invitations: dict[str, Invitation] = field(default_factory=dict)

    def owners(self) -> list[str]:
        """Who owns it: at least one, always."""
        return [person for person, rank in self.members.items() if rank == "owner"]

    def heir(self) -> str:
        """Its longest-standing owner; failing that, admin; failing that, member."""
        return max(self.members, key=lambda person: RANKS.index(self.members[person]))


@dataclass
class Share:
    """A role on a composition, until it ends; also what a link gives to whoever has its token."""

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
    head: int = 1
    # Versions that never were the head: what each started from, and whose it is.
    conflicts: dict[int, tuple[int, str]] = field(default_factory=dict)
    # By person or organisation, and by the link that the person came by, if they did.
    shares: dict[tuple[str, str | None], Share] = field(default_factory=dict)
    links: dict[str, Share] = field(default_factory=dict)
    layers: dict[str, str] = field(default_factory=dict)  # by person or organisation
    trashed: bool = False
    overdue: bool = False  # in the trash for so long that it may be purged
    forked_from: tuple[str, int] | None = None
    labels: dict[int, str] = field(default_factory=dict)
    loads: int = 0

    def append(self, content: str, time: int) -> None:
        """The next version, which becomes the head."""
        self.contents.append(content)
        self.head = len(self.contents)
        self.changed = time

    def rows_of_links(self) -> list[tuple[tuple[str, str | None], Share]]:
        """Links among the shares: without a grantee."""
        return [(("", link), share) for link, share in self.links.items()]


class World:
    """All there is, and all that can happen to it."""

    def __init__(self, people: list[str]) -> None:
        self.accounts = set(people)
        self.organizations: dict[str, Organization] = {}
        self.compositions: dict[str, Composition] = {}
        # What is pinned: by person or organisation, and context.
        self.pins: dict[tuple[str, str], str] = {}
        # The memberships that there are, in the order in which they began.
        self.memberships: list[tuple[str, str]] = []
        self.made: list[str] = []  # the names of all that was ever made
        self.time = 0

    def act(self, who: str, what: str, how: Json) -> Json:
        """Whoever tries something: links open for all, jobs are for servers, the rest for people.

        What merely happens is nobody's act.
        """
        if who and (
            (who == ANON and what != "open_share_link") or (who == JOBS) != (what in FOR_JOBS)
        ):
            raise Refused("42501")
        caller = [who] if who not in ("", JOBS) else []
        answer: Json | None = getattr(self, what)(*caller, **how)
        self.tidy()
        return answer or {}

    def tidy(self) -> None:
        """Memberships are kept in their order; pins go with what they are of, and on."""
        there = [
            (name, person) for name, place in self.organizations.items() for person in place.members
        ]
        self.memberships = [membership for membership in self.memberships if membership in there]
        self.memberships += [one for one in there if one not in self.memberships]
        self.pins = {
            (owner, context): composition
            for (owner, context), composition in self.pins.items()
            if (owner in self.accounts or owner in self.organizations) and self.exists(composition)
        }

    # Who is what.

    def exists(self, composition: str) -> bool:
        return composition in self.compositions

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
            for (grantee, _), share in piece.shares.items()
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

    def save_version(
        self,
        caller: str,
        composition: str,
        base_version: int,
        content: str,
        on_conflict: Literal["reject", "merge"] = "reject",
    ) -> Json:
        """Editors save, on top of the head, or else merged into it.

        Contents are one piece: where both sides changed theirs, differently, the one that is saved
        is kept beside the head, once.
        """
        piece = self.require_role(caller, composition, "editor")
        if base_version == piece.head:
            piece.append(content, self.now())
            return self.written(composition)
        # What was kept beside the head is merged from where it started.
        base_version, _ = piece.conflicts.get(base_version, (base_version, ""))
        if on_conflict == "reject" or not 1 <= base_version <= len(piece.contents):
            raise Refused("version_conflict", head_version=piece.head)

        base, head = piece.contents[base_version - 1], piece.contents[piece.head - 1]
        if content in (base, head) or base == head:
            piece.append(head if content == base else content, self.now())
            return self.written(composition) | {"merged": True}
        kept = [
            number
            for number, whose in piece.conflicts.items()
            if whose == (base_version, caller) and piece.contents[number - 1] == content
        ]
        if not kept:
            piece.contents.append(content)
            kept = [len(piece.contents)]
            piece.conflicts[kept[0]] = base_version, caller
        return self.written(composition) | {"merged": False, "conflict_version": kept[0]}

    def restore_version(self, caller: str, composition: str, version: int) -> Json:
        """Editors bring the content of an earlier version back, as a new one."""
        piece = self.require_role(caller, composition, "editor")
        if not 1 <= version <= len(piece.contents):
            raise Refused("version_not_found")
        piece.append(piece.contents[version - 1], self.now())
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

    def label_version(self, caller: str, composition: str, version: int, label: str) -> Json:
        """Editors give a version a name."""
        piece = self.require_role(caller, composition, "editor")
        if not 1 <= version <= len(piece.contents):
            raise Refused("version_not_found")
        piece.labels[version] = label
        return {"version": version, "label": label}

    def fork_composition(
        self,
        caller: str,
        composition: str,
        organization: str | None = None,
        version: int | None = None,
    ) -> Json:
        """Who views a composition makes one of their own out of a version of it."""
        source = self.require_role(caller, composition, "viewer")
        chosen = source.head if version is None else version
        if not 1 <= chosen <= len(source.contents):
            raise Refused("version_not_found")
        content = source.contents[chosen - 1]
        fork = self.create_composition(caller, source.title, content, organization)
        self.compositions[fork["composition_id"]].forked_from = composition, chosen
        return fork

    def transfer_composition(
        self,
        caller: str,
        composition: str,
        user: str | None = None,
        organization: str | None = None,
    ) -> Json:
        """Owners say who owns it, and where it belongs.

        Into an organisation if both are members, else to whom they share an organisation with; out
        of an organisation if they are admins there. Who owns it then needs no share in person.
        """
        piece = self.require_role(caller, composition, "owner")
        receiver = user or caller
        if organization is not None:
            self.require_rank(caller, organization, "member")
            if not self.rank(receiver, organization):
                raise Refused("member_not_found")
        elif receiver != caller and not self.know_each_other(caller, receiver):
            raise Refused("user_not_found")
        if piece.organization not in (None, organization):
            self.require_rank(caller, piece.organization or "", "admin")
        if piece.owner != receiver:
            piece.shares = {key: share for key, share in piece.shares.items() if key[0] != receiver}
        if (piece.owner, piece.organization) != (receiver, organization):
            piece.owner, piece.organization = receiver, organization
            piece.changed = self.now()
        return self.written(composition) | {"owner_id": receiver, "organization_id": organization}

    def know_each_other(self, person: str, other: str) -> bool:
        return any(
            person in place.members and other in place.members
            for place in self.organizations.values()
        )

    def delete_composition(self, caller: str, composition: str) -> Json:
        """Owners put it into the trash."""
        piece = self.require_role(caller, composition, "owner")
        piece.trashed = True
        piece.changed = self.now()
        return self.written(composition)

    def undelete_composition(self, caller: str, composition: str) -> Json:
        """Owners take it out again, and all is as it was."""
        piece = self.require_role(caller, composition, "owner", trashed=True)
        piece.trashed = piece.overdue = False
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

    def list_my_compositions(self, caller: str, filter: Json) -> Json:
        """What the caller views, or the part of it that only shares show; or their own trash.

        Last changed first.
        """
        roles = {name: self.role(caller, name) for name in self.compositions}
        trash = bool(filter.get("trashed"))
        items = [
            [name, roles[name]]
            for name, piece in self.compositions.items()
            if roles[name]
            and piece.trashed == trash
            and not (filter.get("shared") and (trash or self.is_theirs(caller, piece)))
        ]
        return {"items": items}

    def is_theirs(self, person: str, piece: Composition) -> bool:
        """Theirs, or their organisations': they need no share to see it."""
        return piece.owner == person or self.rank(person, piece.organization) is not None

    def list_shares(self, caller: str, composition: str) -> Json:
        self.require_role(caller, composition, "viewer")
        return {}

    # Layers.

    def set_layer(
        self,
        caller: str,
        composition: str,
        base_version: int,
        change: list[str],
        scope: Literal["me", "organization"],
        organization: str | None = None,
    ) -> Json:
        """Who views a composition changes it for themselves, admins for their organisation."""
        holder = self.require_layer(caller, composition, scope, organization, "admin")
        piece = self.compositions[composition]
        if not 1 <= base_version <= len(piece.contents):
            raise Refused("version_not_found")
        piece.layers[holder] = change[1]
        return {
            "composition_id": composition,
            "organization_id": None if scope == "me" else holder,
            "state": "applied",
        }

    def reset_layer(
        self,
        caller: str,
        composition: str,
        scope: Literal["me", "organization"],
        organization: str | None = None,
    ) -> Json:
        """The same people take that back, whether there is anything or not."""
        holder = self.require_layer(caller, composition, scope, organization, "admin")
        self.compositions[composition].layers.pop(holder, None)
        return {"composition_id": composition, "state": "none"}

    def get_layer(
        self,
        caller: str,
        composition: str,
        scope: Literal["me", "organization"],
        organization: str | None = None,
    ) -> Json:
        """Members see the layer of their organisation, too."""
        holder = self.require_layer(caller, composition, scope, organization, "member")
        there = holder in self.compositions[composition].layers
        return {"composition_id": composition, "state": "applied" if there else "none"}

    def require_layer(
        self, caller: str, composition: str, scope: str, organization: str | None, required: Rank
    ) -> str:
        """Whose layer is meant: the caller's, or that of an organisation that views it."""
        piece = self.require_role(caller, composition, "viewer")
        if scope == "me":
            return caller
        holder = organization or piece.organization or ""
        self.require_rank(caller, holder, "member")
        if not self.is_viewed_through(holder, piece):
            raise Refused("organization_not_found")
        self.require_rank(caller, holder, required)
        return holder

    def is_viewed_through(self, organization: str, piece: Composition) -> bool:
        share = piece.shares.get((organization, None))
        return piece.organization == organization or (share is not None and not share.over)

    def layers_over(self, person: str, composition: str) -> Json:
        """What a person gets to see of the layers: their own, and their organisations'."""
        piece = self.compositions[composition]
        return {
            "mine" if holder == person else holder: change
            for holder, change in piece.layers.items()
            if holder == person
            or (self.rank(person, holder) and self.is_viewed_through(holder, piece))
        }

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
            expires_at == "before"
            or user == piece.owner
            or (user is None) == (organization is None)
        ):
            raise Refused("invalid_argument")
        if user is not None and user not in self.accounts:
            raise Refused("user_not_found")
        share = Share(role, ends=expires_at is not None)
        piece.shares[user or organization or "", None] = share
        return {"user_id": user, "organization_id": organization, "link_id": None, "role": role}

    def unshare_composition(
        self,
        caller: str,
        composition: str,
        user: str | None = None,
        organization: str | None = None,
    ) -> Json:
        """Owners take back what a grantee has, and people give up what they have themselves.

        One's own needs no role: it may be over, or the composition in the trash.
        """
        shares = self.compositions[composition].shares if self.exists(composition) else {}
        if user != caller or caller not in {grantee for grantee, _ in shares}:
            self.require_role(caller, composition, "viewer" if user == caller else "owner")
        ended = [key for key in shares if key[0] in (user, organization)]
        if not ended or (user is None) == (organization is None):
            raise Refused("share_not_found")
        roles = {shares.pop(key).role for key in ended}
        role = "editor" if "editor" in roles else "viewer"
        return {"user_id": user, "organization_id": organization, "role": role}

    # Links.

    def create_share_link(
        self,
        caller: str,
        composition: str,
        role: Role,
        expires_at: Literal["later", "before"] | None = None,
    ) -> Json:
        """Owners do."""
        piece = self.require_role(caller, composition, "owner")
        if expires_at == "before":
            raise Refused("invalid_argument")
        link = self.name("link")
        piece.links[link] = Share(role, ends=expires_at is not None)
        return {"link_id": link, "composition_id": composition, "role": role}

    def open_share_link(self, _: str, link: str) -> Json:
        """Anyone who has the token sees what it leads to, signed in or not."""
        composition = self.leads_to(link)
        shown = self.summary(composition)
        return shown | {"role": self.compositions[composition].links[link].role}

    def accept_share_link(self, caller: str, link: str) -> Json:
        """Who has the token takes the role of the link, until the link ends; no owner needs to."""
        composition = self.leads_to(link)
        self.require_account(caller)
        if self.role(caller, composition) == "owner":
            raise Refused("already_owner", composition_id=composition)
        piece = self.compositions[composition]
        given = piece.links[link]
        piece.shares[caller, link] = Share(given.role, given.ends)
        return {"user_id": caller, "link_id": link, "role": given.role}

    def revoke_share_link(self, caller: str, link: str) -> Json:
        """Owners end a link, and what people got through it."""
        composition = self.linked(link)
        if composition is None or self.role(caller, composition) != "owner":
            raise Refused("link_not_found")
        piece = self.require_role(caller, composition, "owner")
        piece.shares = {key: share for key, share in piece.shares.items() if key[1] != link}
        return {"link_id": link, "role": piece.links.pop(link).role}

    def linked(self, link: str) -> str | None:
        """The composition of a link."""
        return next(
            (name for name, piece in self.compositions.items() if link in piece.links), None
        )

    def leads_to(self, link: str) -> str:
        """The composition that a link opens: not when it is over, not into the trash."""
        composition = self.linked(link)
        if composition is None:
            raise Refused("link_not_found")
        piece = self.compositions[composition]
        if piece.links[link].over or piece.trashed:
            raise Refused("link_not_found")
        return composition

    # Contexts.

    def pin_composition(
        self,
        caller: str,
        composition: str,
        context: str,
        scope: Literal["me", "organization"],
        organization: str | None = None,
    ) -> Json:
        """Who views it, for themselves; admins, for an organisation all of which views it."""
        piece = self.require_role(caller, composition, "viewer")
        if scope == "organization":
            organization = organization or piece.organization
            if organization is None:
                raise Refused("invalid_argument")
            self.require_rank(caller, organization, "admin")
            share = piece.shares.get((organization, None))
            if piece.organization != organization and (share is None or share.over):
                raise Refused("not_visible_to_organization", organization_id=organization)
        self.pins[organization or caller, context] = composition
        return {"context": context, "organization_id": organization, "composition_id": composition}

    def unpin_composition(
        self,
        caller: str,
        context: str,
        scope: Literal["me", "organization"],
        organization: str | None = None,
    ) -> Json:
        """Everyone their own; admins, an organisation's."""
        if scope == "organization":
            self.require_rank(caller, organization or "", "admin")
        else:
            self.require_account(caller)
        composition = self.pins.get((organization or caller, context))
        if composition is None:
            raise Refused("pin_not_found")
        visible = self.views(caller, composition)
        del self.pins[organization or caller, context]
        return {"context": context, "composition_id": composition if visible else None}

    def views(self, person: str, composition: str) -> bool:
        return (
            self.role(person, composition) is not None
            and not self.compositions[composition].trashed
        )

    def resolved(self, person: str, context: str) -> Json:
        """Their own pin, else that of the organisation that they belong to for longest.

        What they may not view is passed over.
        """
        places = [place for place, member in self.memberships if member == person]
        candidates = [owner for owner in [person, *places] if (owner, context) in self.pins]
        for skipped, owner in enumerate(candidates):
            composition = self.pins[owner, context]
            if self.views(person, composition):
                return {"composition_id": composition, "of": owner, "skipped": skipped}
        return {"refused": "nothing_pinned", "skipped": len(candidates)}

    def pins_of(self, person: str) -> list[tuple[str, str]]:
        """Their own, and those of their organisations."""
        return [(owner, context) for owner, context in self.pins if self.concerns(person, owner)]

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

    def invite_to_organization(
        self, caller: str, organization: str, email: str, role: Rank
    ) -> Json:
        """Who may add a person may invite one; an invitation of the same address is replaced."""
        place = self.require_rank(caller, organization, self.giver(role))
        for name, other in list(place.invitations.items()):
            if other.user == email:
                self.require_rank(caller, organization, self.giver(other.role))
                del place.invitations[name]
        invitation = self.name("invitation")
        place.invitations[invitation] = Invitation(email, role, by=caller)
        return {"invitation_id": invitation, "organization_id": organization, "role": role}

    def accept_invitation(self, caller: str, invitation: str) -> Json:
        """Whose address it is becomes a member, while who invited them may still add them."""
        organization, invited = self.invited(invitation)
        if (
            invited is None
            or invited.over
            or invited.user != caller
            or caller not in self.accounts
            or not self.may_give(invited.by, organization, invited.role)
        ):
            raise Refused("invitation_not_found")
        place = self.organizations[organization]
        if caller in place.members:
            raise Refused("already_member")
        place.members[caller] = invited.role
        del place.invitations[invitation]
        return {"organization_id": organization, "user_id": caller, "role": invited.role}

    def list_invitations(self, caller: str, organization: str) -> Json:
        """Admins and owners see all of them, over or not."""
        place = self.require_rank(caller, organization, "admin")
        return {"items": sorted(place.invitations)}

    def revoke_invitation(self, caller: str, invitation: str) -> Json:
        """Who may give its role; who does not see it has nothing to take back."""
        organization, invited = self.invited(invitation)
        if invited is None or not self.may_give(caller, organization, "member"):
            raise Refused("invitation_not_found")
        self.require_rank(caller, organization, self.giver(invited.role))
        del self.organizations[organization].invitations[invitation]
        return {"invitation_id": invitation, "role": invited.role}

    def invited(self, invitation: str) -> tuple[str, Invitation | None]:
        """The organisation of an invitation, and what it says."""
        for name, place in self.organizations.items():
            if invitation in place.invitations:
                return name, place.invitations[invitation]
        return "", None

    def may_give(self, person: str, organization: str, role: Rank) -> bool:
        rank = self.rank(person, organization)
        return rank is not None and RANKS.index(rank) >= RANKS.index(self.giver(role))

    def giver(self, role: Rank) -> Rank:
        """Who may give a role in an organisation, and take it."""
        return "admin" if role == "member" else "owner"

    def end_membership(self, organization: str, user: str) -> Json:
        """Whoever leaves or is removed does not come back by an invitation made before."""
        place = self.organizations[organization]
        if len(place.members) > 1 and place.owners() == [user]:
            raise Refused("last_owner")
        rank = place.members.pop(user)
        for name, invited in list(place.invitations.items()):
            if invited.user == user:
                del place.invitations[name]
        self.settle(organization, user)
        return {"organization_id": organization, "user_id": user, "role": rank}

    def settle(self, organization: str, gone: str) -> None:
        """An organisation keeps its work when somebody has gone, and goes with the last one."""
        place = self.organizations[organization]
        self.now()
        for name, piece in list(self.compositions.items()):
            if piece.organization == organization and not place.members:
                del self.compositions[name]
            elif piece.organization == organization and piece.owner == gone:
                piece.owner = place.heir()
                piece.changed = self.time
            elif not place.members:
                piece.shares.pop((organization, None), None)
                piece.layers.pop(organization, None)
        if not place.members:
            del self.organizations[organization]

    # Jobs, and what is nobody's act.

    def purge_trash(self) -> Json:
        """What has been in the trash for too long goes."""
        overdue = [name for name, piece in self.compositions.items() if piece.overdue]
        for name in overdue:
            del self.compositions[name]
        return {}

    def record_usage(self, composition: str) -> Json:
        """Counts go to what there is, in the trash or not."""
        if composition not in self.compositions:
            return {"recorded": 0}
        self.compositions[composition].loads += 1
        return {"recorded": 1}

    def expire(self, name: str, grantee: str | None = None) -> None:
        """Time passes: a share, a link, an invitation is over; what is in the trash, overdue."""
        piece = self.compositions.get(name)
        invited = self.invited(name)[1]
        if piece is not None and grantee is None:
            piece.overdue = True
        elif piece is not None and grantee is not None:
            piece.shares[grantee, None].over = True
        elif invited is not None:
            invited.over = True
        else:
            piece = self.compositions[self.linked(name) or ""]
            piece.links[name].over = True
            for (_, link), share in piece.shares.items():
                share.over = share.over or link == name

    def delete_account(self, person: str) -> None:
        """All that is theirs goes with them; what is their organisations' passes to who stays.

        Invitations go, of theirs and to them.
        """
        for name, place in list(self.organizations.items()):
            place.invitations = {
                invitation: invited
                for invitation, invited in place.invitations.items()
                if person not in (invited.by, invited.user)
            }
            if place.members.pop(person, None) is not None:
                if place.members:
                    place.members[place.heir()] = "owner"
                self.settle(name, person)
        for name, piece in list(self.compositions.items()):
            piece.shares = {key: share for key, share in piece.shares.items() if key[0] != person}
            piece.layers.pop(person, None)
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
            "composition_layers": [
                [name, holder]
                for name in visible
                for holder in self.compositions[name].layers
                if holder in (person, *mine)
            ],
            "composition_pins": [
                [*pin, self.pins[pin]]
                for pin in self.pins_of(person)
                if self.views(person, self.pins[pin])
            ],
            "contexts": [list(pin) for pin in self.pins_of(person)],
            "resolved": {context: self.resolved(person, context) for context in CONTEXTS},
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
        } | {
            name: {"composition_role": self.role(person, name)}
            | (self.loaded(person, name) if name in visible else self.absence(person, name))
            for name in self.pieces()
        }

    def shares_shown_to(self, person: str, composition: str) -> list[list[str]]:
        """Owners see all shares and links; who has a share sees it, over or not."""
        piece = self.compositions[composition]
        if self.role(person, composition) == "owner":
            shown = [*piece.shares.items(), *piece.rows_of_links()]
        else:
            shown = [row for row in piece.shares.items() if self.concerns(person, row[0][0])]
        return [[grantee, link or "", share.role] for (grantee, link), share in shown]

    def summary(self, composition: str) -> Json:
        piece = self.compositions[composition]
        return {
            "title": piece.title,
            "version": piece.head,
            "content_hash": piece.contents[piece.head - 1],
            "owner_id": piece.owner,
            "organization_id": piece.organization,
            "forked_from_id": piece.forked_from and piece.forked_from[0],
            "forked_from_version": piece.forked_from and piece.forked_from[1],
        }

    def loaded(self, person: str, composition: str) -> Json:
        return self.summary(composition) | {
            "role": self.role(person, composition),
            "versions": list(range(1, len(self.compositions[composition].contents) + 1)),
            "shares": self.shares_shown_to(person, composition),
            "layers": self.layers_over(person, composition),
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
                    *(piece.head, piece.contents[piece.head - 1], piece.trashed),
                ]
                for name, piece in self.compositions.items()
            ],
            "composition_versions": [
                [name, version, content, piece.labels.get(version, "")]
                for name, piece in self.compositions.items()
                for version, content in enumerate(piece.contents, 1)
            ],
            "shared_compositions": [
                [name, grantee, link or "", share.role, share.ends, share.over]
                for name, piece in self.compositions.items()
                for (grantee, link), share in [*piece.shares.items(), *piece.rows_of_links()]
            ],
            "composition_layers": [
                [name, holder]
                for name, piece in self.compositions.items()
                for holder in piece.layers
            ],
            "composition_pins": [
                [owner, context, composition] for (owner, context), composition in self.pins.items()
            ],
            "organization_invitations": [
                [name, place_name, invited.role, invited.over]
                for place_name, place in self.organizations.items()
                for name, invited in place.invitations.items()
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
            "version": piece.head,
            "content_hash": piece.contents[piece.head - 1],
            "title": piece.title,
        }
