"""The rules of who may see and do what, as a small world in memory.

Said once more, after the words of docs/, of the matrices in supabase/policies and of the headers in
supabase/routines, and without looking at how those do it. tests/database/test_rules.py plays the
same acts here and in the database: what one allows and the other refuses is a fault of one of them.

People, organisations and compositions are names. A name that nothing has (any more) is as good as
an id that nothing has. Every function of the API is a method here with the caller as its first
argument; it returns what the answer says at least, or raises Refused.

A document is a word: each of its letters is the value of one of the FIELDS, and NOTHING stands for
a field that is not there. A change is such a word, too, with KEPT where nothing changes.

Where several reasons to refuse meet, the first of these is given: what the caller may not see, what
the caller may not do, where it is (in the trash or not), what else the arguments name, what they
say.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
Rank = Literal["member", "admin", "owner"]
Role = Literal["viewer", "editor", "owner"]

ANON = "anon"
JOBS = "jobs"
FOR_JOBS = ("purge_trash", "record_usage")

NOTHING = "-"
KEPT = "."
FIELDS = "xyz"
CONTEXTS = ["home", "route:/videos"]

RANKS: list[Rank] = ["member", "admin", "owner"]
ROLES: list[Role] = ["viewer", "editor", "owner"]


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
    since: dict[str, int] = field(default_factory=dict)  # when each of them came

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
class Version:
    """A content that a composition had, or would have had."""

    content: str
    kind: str
    by: str | None
    parent: int | None = None
    turn: str | None = None  # of an agent, in which its author made it
    brought_back: int | None = None  # the version that it undoes others for


@dataclass(frozen=True)
class Layer:
    """What somebody changed for themselves: on what, and what it looked like then."""

    base_version: int
    base: str
    wanted: str

    def on(self, beneath: str) -> tuple[str, str]:
        """What something looks like with it, and its state: how well it applies."""
        if beneath == self.base:
            return self.wanted, "applied"
        shown, flags = merged(self.base, beneath, self.wanted, keep_edits=False)
        return shown, "applied" if not flags else "stale" if flags <= {
            "edit_delete"
        } else "conflict"


@dataclass(frozen=True)
class Pin:
    """What is shown in a context."""

    composition: str
    position: int


@dataclass
class Note:
    """What somebody changed in a turn of an agent, beside versions.

    A layer, by composition and organisation; a pin, by organisation and context; or on which
    version of its upstream a fork stands.
    """

    by: str
    turn: str
    kind: Literal["layer", "pin", "upstream"]
    of: tuple[str | None, str | None]
    before: Any
    after: Any
    undone: bool = False


@dataclass
class Composition:
    """A named history of contents, with an owner; an organisation's unless personal."""

    owner: str
    organization: str | None
    title: str
    versions: dict[int, Version]
    changed: int
    head: int = 1  # the newest version that is no conflict
    # By person or organisation, and by the link that the person came by, if they did.
    shares: dict[tuple[str, str | None], Share] = field(default_factory=dict)
    links: dict[str, Share] = field(default_factory=dict)
    trashed: bool = False
    overdue: bool = False  # in the trash for so long that it may be purged
    forked_from: tuple[str, int] | None = None
    labels: dict[int, str] = field(default_factory=dict)
    loads: int = 0
    layers: dict[str, Layer] = field(default_factory=dict)  # by person or organisation

    @property
    def content(self) -> str:
        """That of the head."""
        return self.versions[self.head].content

    def stands_on(self) -> list[int]:
        """The head, and what is under it: an undo stands on what it brought back."""
        line, number = [], self.head
        while number:
            line.append(number)
            version = self.versions[number]
            number = version.brought_back or version.parent or 0
        return line

    def append(self, version: Version) -> int:
        """Give it a version: the head, unless it is a conflict."""
        number = max(self.versions) + 1
        self.versions[number] = version
        if version.kind != "conflict":
            self.head = number
        return number

    def rows_of_links(self) -> list[tuple[tuple[str, str | None], Share]]:
        """Links among the shares: without a grantee."""
        return [(("", link), share) for link, share in self.links.items()]


class World:
    """All there is, and all that can happen to it."""

    def __init__(self, people: list[str], ids: Mapping[str, str]) -> None:
        self.accounts = set(people)
        self.ids = ids  # of organisations: where nothing else decides, their order does
        self.organizations: dict[str, Organization] = {}
        self.compositions: dict[str, Composition] = {}
        self.pins: dict[tuple[str, str], Pin] = {}  # by person or organisation, and context
        self.notes: list[Note] = []
        self.turn: str | None = None  # what is done now is done in it
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
        if what != "undo_turn":
            how = dict(how)
            self.turn = how.pop("turn", None)
        answer: Json | None = getattr(self, what)(*caller, **how)
        return answer or {}

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

    def require_version(self, piece: Composition, version: int) -> Version:
        """A version that the composition has."""
        if version not in piece.versions:
            raise Refused("version_not_found")
        return piece.versions[version]

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
            *(caller, organization, title),
            {1: Version(content, "create", caller, turn=self.turn)},
            self.now(),
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
        """Editors save, on top of the head, or merged into what others made of it meanwhile.

        What does not go together is kept beside it.
        """
        piece = self.require_role(caller, composition, "editor")
        if base_version == piece.head:
            return self.append(composition, Version(content, "save", caller, piece.head))
        base = piece.versions.get(base_version)
        if base is not None and base.kind == "conflict":
            base_version = base.parent or 0
            base = piece.versions.get(base_version)
        if on_conflict == "reject" or base is None:
            raise Refused("version_conflict", head_version=piece.head)
        whole, flags = merged(base.content, piece.content, content)
        if not flags:
            merge = Version(whole, "merge", caller, piece.head)
            return self.append(composition, merge) | {"merged": True}
        kept = Version(content, "conflict", caller, base_version)
        number = next((n for n, other in piece.versions.items() if other == kept), None)
        number = number or piece.append(kept)
        return self.written(composition) | {"merged": False, "conflict_version": number}

    def patch_composition(
        self,
        caller: str,
        composition: str,
        base_version: int,
        change: str,
        on_conflict: Literal["reject", "merge"] = "reject",
    ) -> Json:
        """Editors do the same, by saying what changes."""
        piece = self.require_role(caller, composition, "editor")
        base = piece.versions.get(base_version)
        if base is None:
            raise Refused("version_conflict", head_version=piece.head)
        content = changed(base.content, change)
        return self.save_version(caller, composition, base_version, content, on_conflict)

    def append(self, composition: str, version: Version) -> Json:
        piece = self.compositions[composition]
        version.turn = self.turn
        piece.append(version)
        piece.changed = self.now()
        return self.written(composition)

    def restore_version(self, caller: str, composition: str, version: int) -> Json:
        """Editors bring the content of an earlier version back, as a new one."""
        piece = self.require_role(caller, composition, "editor")
        content = self.require_version(piece, version).content
        return self.append(composition, Version(content, "restore", caller, piece.head))

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
        self.require_version(piece, version)
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
        content = self.require_version(source, chosen).content
        return self.fork(caller, composition, chosen, content, organization)

    def fork(
        self, caller: str, composition: str, version: int, content: str, organization: str | None
    ) -> Json:
        title = self.compositions[composition].title
        answer = self.create_composition(caller, title, content, organization)
        fork = self.compositions[answer["composition_id"]]
        fork.forked_from = composition, version
        fork.versions[1].kind = "fork"
        return answer

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
        self.end(composition)
        return written

    def end(self, composition: str) -> None:
        """It is gone, and what was pinned of it."""
        del self.compositions[composition]
        self.notes = [
            note for note in self.notes if note.kind == "pin" or note.of[0] != composition
        ]
        self.pins = {
            place: pin for place, pin in self.pins.items() if pin.composition != composition
        }

    # Reading: what is seen otherwise is in seen_by().

    def get_version(self, caller: str, composition: str, version: int) -> Json:
        """Who views a composition views all of its versions."""
        piece = self.require_role(caller, composition, "viewer")
        found = self.require_version(piece, version)
        return {"version": version, "content_hash": found.content}

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
        change: str,
        mode: Literal["replace", "extend"] = "replace",
        **whose: Any,
    ) -> Json:
        """Who views a composition changes it for themselves; admins, for their organisation."""
        piece, holder = self.require_layer(caller, composition, "admin", **whose)
        self.require_version(piece, base_version)
        base = self.beneath(caller, composition, base_version, holder)
        before = base
        if mode == "extend" and holder in piece.layers:
            before, _ = piece.layers[holder].on(base)
        layer = Layer(base_version, base, changed(before, change))
        self.put_layer(caller, composition, holder, layer)
        return self.layer_summary(caller, composition, holder)

    def reset_layer(
        self, caller: str, composition: str, fields: str | None = None, **whose: Any
    ) -> Json:
        """Who made a layer takes it back, or some fields of it."""
        piece, holder = self.require_layer(caller, composition, "admin", **whose)
        layer = piece.layers.get(holder)
        if not set(fields or "") <= set(layer_fields(layer)):
            raise Refused("layer_path_not_found")
        if layer is not None:
            wanted = "".join(
                was if fields is None or name in fields else letter
                for name, was, letter in zip(FIELDS, layer.base, layer.wanted, strict=True)
            )
            layer = Layer(layer.base_version, layer.base, wanted)
            self.put_layer(caller, composition, holder, layer)
        return self.layer_summary(caller, composition, holder)

    def promote_layer(
        self,
        caller: str,
        composition: str,
        into: Literal["version", "fork"],
        fork_organization: str | None = None,
        **whose: Any,
    ) -> Json:
        """Editors make a layer a version, viewers a composition of their own.

        A version has no layer of an organisation beneath a person's; a fork has.
        """
        if into == "version":
            self.require_role(caller, composition, "editor")
        piece, holder = self.require_layer(caller, composition, "admin", **whose)
        layer = piece.layers.get(holder)
        if layer is None:
            raise Refused("layer_not_found")
        beneath = piece.content
        if into == "fork":
            beneath = self.beneath(caller, composition, piece.head, holder)
        content, state = layer.on(beneath)
        if state != "applied":
            raise Refused("layer_conflict")
        if into == "version":
            answer = self.append(composition, Version(content, "save", caller, piece.head))
        else:
            answer = self.fork(caller, composition, piece.head, content, fork_organization)
        self.put_layer(caller, composition, holder, None)
        return answer

    def get_layer(self, caller: str, composition: str, **whose: Any) -> Json:
        """Who views a composition sees their own layer, members that of their organisation."""
        _, holder = self.require_layer(caller, composition, "member", **whose)
        return self.layer_summary(caller, composition, holder)

    def require_layer(
        self,
        caller: str,
        composition: str,
        required: Rank,
        scope: Literal["me", "organization"] = "me",
        organization: str | None = None,
    ) -> tuple[Composition, str]:
        """A composition that the caller views, and whose layer it is."""
        piece = self.require_role(caller, composition, "viewer")
        if scope == "me":
            return piece, caller
        holder = organization or piece.organization or ""
        self.require_rank(caller, holder, "member")
        if not self.views(holder, composition):
            raise Refused("organization_not_found")
        self.require_rank(caller, holder, required)
        return piece, holder

    def views(self, organization: str, composition: str) -> bool:
        """Whether members view a composition through their organisation."""
        piece = self.compositions[composition]
        share = piece.shares.get((organization, None))
        return piece.organization == organization or (share is not None and not share.over)

    def put_layer(self, caller: str, composition: str, holder: str, layer: Layer | None) -> None:
        """A layer that changes nothing is none."""
        layers = self.compositions[composition].layers
        before = layers.pop(holder, None)
        if layer is not None and layer.base != layer.wanted:
            layers[holder] = layer
        if before or holder in layers:
            organization = None if holder == caller else holder
            self.note(caller, "layer", (composition, organization), before, layers.get(holder))

    def note(
        self,
        caller: str,
        kind: Literal["layer", "pin", "upstream"],
        of: tuple[str | None, str | None],
        before: Any,
        after: Any,
    ) -> None:
        """Remember what is done in a turn."""
        if self.turn:
            self.notes.append(Note(caller, self.turn, kind, of, before, after))

    def laid(self, person: str, composition: str, content: str) -> tuple[str, list[list[str]]]:
        """Something with the layers of a person's organisations on it, and their states.

        Those lie on each other by the ids of the organisations.
        """
        states = []
        for holder in sorted(self.organizations, key=self.ids.__getitem__):
            layer = self.compositions[composition].layers.get(holder)
            if layer and self.rank(person, holder) and self.views(holder, composition):
                content, state = layer.on(content)
                states.append([holder, state])
        return content, states

    def beneath(self, person: str, composition: str, version: int, holder: str) -> str:
        """What a layer lies on: on a version, or on those of the person's organisations."""
        content = self.compositions[composition].versions[version].content
        return self.laid(person, composition, content)[0] if holder == person else content

    def shown(self, person: str, composition: str) -> tuple[str, list[list[str]]]:
        """What a person sees who loads a composition, with the layers that make it."""
        piece = self.compositions[composition]
        content, states = self.laid(person, composition, piece.content)
        if layer := piece.layers.get(person):
            content, state = layer.on(content)
            states.append(["me", state])
        return content, states

    def layer_summary(self, caller: str, composition: str, holder: str) -> Json:
        piece = self.compositions[composition]
        layer, state = piece.layers.get(holder), "none"
        if layer:
            state = layer.on(self.beneath(caller, composition, piece.head, holder))[1]
        return {
            "composition_id": composition,
            "organization_id": None if holder == caller else holder,
            "base_version": layer and layer.base_version,
            "version": piece.head,
            "state": state,
            "changes": [f"/body/{name}" for name in layer_fields(layer)],
        }

    # Pins.

    def pin_composition(
        self,
        caller: str,
        context: str,
        composition: str,
        scope: Literal["me", "organization"] = "me",
        organization: str | None = None,
        position: int | None = None,
    ) -> Json:
        """People pin what they view; admins, for their organisation, what all of it views."""
        piece = self.require_role(caller, composition, "viewer")
        holder = caller
        if scope == "organization":
            if organization is None and piece.organization is None:
                raise Refused("invalid_argument")
            holder = organization or piece.organization or ""
            self.require_rank(caller, holder, "admin")
            if not self.views(holder, composition):
                raise Refused("not_visible_to_organization")
        if position is None:
            before = self.pins.get((holder, context))
            position = before.position if before else 0
        self.put_pin(caller, holder, context, Pin(composition, position))
        return self.pin_summary(caller, holder, context)

    def put_pin(self, caller: str, holder: str, context: str, pin: Pin | None) -> None:
        before = self.pins.pop((holder, context), None)
        if pin:
            self.pins[holder, context] = pin
        if before != pin:
            organization = None if holder == caller else holder
            self.note(caller, "pin", (organization, context), before, pin)

    def unpin_composition(
        self,
        caller: str,
        context: str,
        scope: Literal["me", "organization"] = "me",
        organization: str | None = None,
    ) -> Json:
        """Who may pin takes it back."""
        if scope == "organization":
            if organization is None:
                raise Refused("invalid_argument")
            self.require_rank(caller, organization, "admin")
        else:
            self.require_account(caller)
        holder = organization or caller
        if (holder, context) not in self.pins:
            raise Refused("pin_not_found")
        unpinned = self.pin_summary(caller, holder, context)
        self.put_pin(caller, holder, context, None)
        return unpinned

    def move_pin(
        self, caller: str, context: str, position: int, organization: str | None = None
    ) -> None:
        """Who may pin updates the table, where it is for them to see."""
        pin = self.pins.get((organization or caller, context))
        if (
            pin is None
            or not self.is_visible(caller, pin.composition)
            or (organization and self.rank(caller, organization) not in ("admin", "owner"))
        ):
            raise Refused("no_row")
        self.pins[organization or caller, context] = Pin(pin.composition, position)

    def pin_summary(self, caller: str, holder: str, context: str) -> Json:
        pin = self.pins[holder, context]
        return {
            "context": context,
            "organization_id": None if holder == caller else holder,
            "composition_id": pin.composition if self.is_visible(caller, pin.composition) else None,
            "position": pin.position,
        }

    def is_visible(self, person: str, composition: str) -> bool:
        """Whether loading answers a person: not what is in the trash."""
        piece = self.compositions[composition]
        return self.role(person, composition) is not None and not piece.trashed

    def chosen(self, person: str, context: str) -> tuple[str | None, int]:
        """Whose pin says what a person is shown, and how many were passed over for it.

        One's own; else that of the organisation to which one has belonged for longest. What cannot
        be seen now, is passed over.
        """
        holders = [person, *self.organizations_of(person)]
        candidates = [holder for holder in holders if (holder, context) in self.pins]
        for skipped, holder in enumerate(candidates):
            if self.is_visible(person, self.pins[holder, context].composition):
                return holder, skipped
        return None, len(candidates)

    def organizations_of(self, person: str) -> list[str]:
        """Those that a person belongs to, for longest first."""
        places = self.organizations.items()
        return [
            name
            for _, name in sorted(
                (place.since[person], name) for name, place in places if person in place.members
            )
        ]

    def resolved(self, person: str, context: str) -> Json:
        """What a person is shown in a context, and how many pins were passed over for it."""
        holder, skipped = self.chosen(person, context)
        if holder is None:
            return {"refused": "nothing_pinned", "skipped": skipped}
        composition = self.pins[holder, context].composition
        return {
            "composition_id": composition,
            "of": "me" if holder == person else holder,
            "shown": self.shown(person, composition)[0],
            "role": self.role(person, composition),
            "skipped": skipped,
        }

    def first_page(self, person: str) -> Json:
        """What a person is shown first."""
        places = {person: "me"} | {name: name for name in self.organizations_of(person)}
        return {
            "home": self.resolved(person, "home"),
            "contexts": [
                [context, places[holder], pin.position]
                for (holder, context), pin in self.pins.items()
                if holder in places
            ],
            "organizations": [
                [name, self.rank(person, name)] for name in self.organizations_of(person)
            ],
        }

    def pins_shown_to(self, person: str) -> list[list[Any]]:
        """A person's own pins and those of their organisations, on what they may see."""
        return [
            [holder, context, pin.composition, pin.position]
            for (holder, context), pin in self.pins.items()
            if self.concerns(person, holder) and self.is_visible(person, pin.composition)
        ]

    # Turns and upstreams.

    def undo_turn(self, caller: str, turn: str) -> Json:
        """All that somebody did in a turn is as before, or nothing is, where more stands on it."""
        self.require_account(caller)
        saved = copy.deepcopy((self.compositions, self.pins, self.notes))
        try:
            return self.undo(caller, turn)
        except Refused:
            self.compositions, self.pins, self.notes = saved
            raise

    def undo(self, caller: str, turn: str) -> Json:
        mine = {
            name: [
                number
                for number, version in piece.versions.items()
                if (version.by, version.turn) == (caller, turn)
            ]
            for name, piece in self.compositions.items()
        }
        notes = [note for note in self.notes if (note.by, note.turn) == (caller, turn)]
        if not notes and not any(mine.values()):
            raise Refused("turn_not_found")
        notes = [note for note in notes if not note.undone]
        for organization in sorted({where for note in notes if (where := self.where(note))}):
            self.require_rank(caller, organization, "admin")

        touched = {self.touched(caller, note) for note in notes}
        targets = []
        for name in sorted(self.compositions, key=self.ids.__getitem__):
            piece, numbers = self.compositions[name], mine[name]
            undone = [number for number in piece.stands_on() if number in numbers]
            if (1 in numbers and piece.trashed) or not (undone or name in touched):
                continue
            self.require_role(
                caller, name, "viewer" if not undone else "owner" if undone[-1] == 1 else "editor"
            )
            targets.append((name, undone))

        undone_pieces = [
            self.undo_versions(caller, name, undone) for name, undone in targets if undone
        ]
        things: dict[Any, list[Note]] = {}
        for note in notes:
            things.setdefault((note.kind, note.of), []).append(note)
        overtaken = [self.undo_notes(caller, changes) for changes in things.values()]
        if "later" in undone_pieces + overtaken:
            raise Refused("turn_overtaken")
        if not undone_pieces and not any(kind != "upstream" for kind, _ in things):
            raise Refused("turn_undone")
        return {"turn": turn}

    def turns(self) -> list[tuple[str, str]]:
        """Who did something in which turn."""
        versions = [v for piece in self.compositions.values() for v in piece.versions.values()]
        return sorted(
            {(version.by, version.turn) for version in versions if version.by and version.turn}
            | {(note.by, note.turn) for note in self.notes}
        )

    def where(self, note: Note) -> str | None:
        """The organisation for which something was changed."""
        return note.of[0] if note.kind == "pin" else note.of[1]

    def touched(self, caller: str, note: Note) -> str | None:
        """The composition that is touched if that is taken back."""
        if note.kind != "pin":
            return note.of[0]
        before = note.before and note.before.composition
        return before if self.exists(before) and self.is_visible(caller, before) else None

    def undo_versions(self, caller: str, composition: str, undone: list[int]) -> str:
        """Bring back what was before the versions, or throw away what they are all of."""
        piece = self.compositions[composition]
        line = piece.stands_on()
        above = line[: line.index(undone[-1])]
        # Undone already was what others brought something back over.
        if any(number not in undone and piece.versions[number].kind != "undo" for number in above):
            return "later"
        piece.changed = self.now()
        before = piece.versions[undone[-1]].parent
        if before is None:
            piece.trashed = True
        else:
            content = piece.versions[before].content
            piece.append(Version(content, "undo", caller, piece.head, brought_back=before))
        return ""

    def undo_notes(self, caller: str, changes: list[Note]) -> str:
        """Make one thing what it was before changes of it."""
        first, last = changes[0], changes[-1]
        for note in changes:
            note.undone = True
        if first.kind == "upstream":
            piece = self.compositions[first.of[0] or ""]
            piece.forked_from = first.before
            return ""

        alone = all(a.after == b.before for a, b in itertools.pairwise(changes))
        if first.kind == "layer":
            composition, organization = first.of
            layers = self.compositions[composition or ""].layers
            if not alone or layers.pop(organization or caller, None) != last.after:
                return "later"
            if first.before:
                layers[organization or caller] = first.before
            return ""

        organization, context = first.of
        place = organization or caller, context or ""
        is_gone = last.after and not self.exists(last.after.composition)
        pin = self.pins.pop(place, None)
        if not alone or (pin != last.after and not (pin is None and is_gone)):
            return "later"
        before = first.before
        if before and self.exists(before.composition):
            composition = before.composition
            if self.is_visible(caller, composition) and (
                organization is None or self.views(organization, composition)
            ):
                self.pins[place] = before
        return ""

    def update_from_upstream(
        self,
        caller: str,
        composition: str,
        apply: bool,
        on_conflict: Literal["reject", "keep"] = "reject",
    ) -> Json:
        """Editors of a fork take over what was changed since in what it was made from.

        What the fork has changed itself stays, if they say so.
        """
        piece = self.require_role(caller, composition, "editor" if apply else "viewer")
        upstream, version = piece.forked_from or ("", 0)
        if not self.exists(upstream) or not self.is_visible(caller, upstream):
            raise Refused("upstream_not_found")
        source = self.compositions[upstream]
        facts = {"upstream_id": upstream, "from_version": version, "to_version": source.head}
        facts["up_to_date"] = version == source.head
        base = source.versions[version].content
        whole, flags = merged(base, piece.content, source.content, keep_edits=False)
        if not apply:
            return facts
        if version == source.head:
            return self.written(composition) | facts
        if flags and on_conflict == "reject":
            raise Refused("merge_conflict")
        piece.forked_from = upstream, source.head
        self.note(caller, "upstream", (composition, None), (upstream, version), piece.forked_from)
        return self.append(composition, Version(whole, "upstream", caller, piece.head)) | facts

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

    # Organisations.

    def create_organization(self, caller: str, name: str) -> Json:
        """Anyone may, and owns it."""
        self.require_account(caller)
        organization = self.name("org")
        self.organizations[organization] = Organization({})
        self.begin_membership(organization, caller, "owner")
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
        self.begin_membership(organization, user, role)
        return {"organization_id": organization, "user_id": user, "role": role}

    def begin_membership(self, organization: str, user: str, role: Rank) -> None:
        self.organizations[organization].members[user] = role
        self.organizations[organization].since[user] = self.now()

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
        self.begin_membership(organization, caller, invited.role)
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
                self.end(name)
            elif piece.organization == organization and piece.owner == gone:
                piece.owner = place.heir()
                piece.changed = self.time
            elif not place.members:
                piece.shares.pop((organization, None), None)
                piece.layers.pop(organization, None)
        if not place.members:
            del self.organizations[organization]
            self.pins = {key: pin for key, pin in self.pins.items() if key[0] != organization}
            self.notes = [note for note in self.notes if organization not in note.of]

    # Jobs, and what is nobody's act.

    def purge_trash(self) -> Json:
        """What has been in the trash for too long goes."""
        overdue = [name for name, piece in self.compositions.items() if piece.overdue]
        for name in overdue:
            self.end(name)
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
            for version in piece.versions.values():
                version.by = version.by if version.by != person else None
            if piece.owner == person:
                self.end(name)
        self.pins = {key: pin for key, pin in self.pins.items() if key[0] != person}
        self.notes = [note for note in self.notes if note.by != person]
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
                [name, version] for name in visible for version in self.compositions[name].versions
            ],
            "composition_layers": [
                [name, holder]
                for name in visible
                for holder in self.compositions[name].layers
                if self.concerns(person, holder)
            ],
            "shared_compositions": [[name, *share] for name in visible for share in shares[name]],
            "composition_pins": self.pins_shown_to(person),
            "list_pins": [[*pin, self.role(person, pin[2])] for pin in self.pins_shown_to(person)],
            "contexts": {context: self.resolved(person, context) for context in CONTEXTS},
            "first_page": self.first_page(person),
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
            "content_hash": piece.content,
            "owner_id": piece.owner,
            "organization_id": piece.organization,
            "forked_from_id": piece.forked_from and piece.forked_from[0],
            "forked_from_version": piece.forked_from and piece.forked_from[1],
        }

    def loaded(self, person: str, composition: str) -> Json:
        shown, layers = self.shown(person, composition)
        return self.summary(composition) | {
            "role": self.role(person, composition),
            "shown": shown,
            "layers": layers,
            "bare": self.compositions[composition].content,
            "versions": list(self.compositions[composition].versions),
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
        pieces = self.compositions.values()
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
                    *(piece.head, piece.content, piece.trashed),
                ]
                for name, piece in self.compositions.items()
            ],
            "composition_versions": [
                [
                    *(name, number, version.content, version.kind, version.parent or 0),
                    *(version.by or "", piece.labels.get(number, "")),
                ]
                for name, piece in self.compositions.items()
                for number, version in piece.versions.items()
            ],
            "composition_layers": [
                [name, holder, layer.base_version, layer.base, layer.wanted]
                for name, piece in self.compositions.items()
                for holder, layer in piece.layers.items()
            ],
            "composition_pins": [
                [*place, pin.composition, pin.position] for place, pin in self.pins.items()
            ],
            "shared_compositions": [
                [name, grantee, link or "", share.role, share.ends, share.over]
                for name, piece in self.compositions.items()
                for (grantee, link), share in [*piece.shares.items(), *piece.rows_of_links()]
            ],
            "organization_invitations": [
                [name, place_name, invited.role, invited.over]
                for place_name, place in self.organizations.items()
                for name, invited in place.invitations.items()
            ],
            # Once each, and only what a version, a layer, or one that may come back, reaches.
            "compositions": list(
                {version.content for piece in pieces for version in piece.versions.values()}
                | {layer.base for piece in pieces for layer in piece.layers.values()}
                | {note.before.base for note in self.notes if isinstance(note.before, Layer)}
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
            "content_hash": piece.content,
            "title": piece.title,
        }


# Words.


def changed(word: str, change: str) -> str:
    """A word with a change."""
    return "".join(
        was if letter == KEPT else letter for was, letter in zip(word, change, strict=True)
    )


def merged(base: str, head: str, mine: str, keep_edits: bool = True) -> tuple[str, set[str]]:
    """What two people made of the same word, in one, and how what they made does not go together.

    Who alone changed a letter has it their way. Where both did, an edit counts more than that the
    letter is gone, unless `keep_edits` says that gone is gone; and the head more than mine.
    """
    word, flags = "", set()
    for was, theirs, my in zip(base, head, mine, strict=True):
        letter = theirs
        if my not in (was, theirs):
            if theirs == was:
                letter = my
            elif theirs == NOTHING:
                flags.add("edit_delete")
                letter = my if keep_edits else NOTHING
            else:
                flags.add("delete_edit" if my == NOTHING else "both_changed")
        word += letter
    return word, flags


def layer_fields(layer: Layer | None) -> str:
    """What a layer changes."""
    if layer is None:
        return ""
    parts = zip(FIELDS, layer.base, layer.wanted, strict=True)
    return "".join(name for name, was, letter in parts if was != letter)
