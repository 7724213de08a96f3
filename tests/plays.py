"""Random acts for plays: who tries what, in a world of tests/model.py."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.model import ANON, CONTEXTS, JOBS, RANKS, Json, World

PEOPLE = ["ann", "ben", "cleo", "dan", "eve"]
NOBODY = ""
STRANGER = "zoe"  # whom nobody gives anything, and who makes nothing
CONTENTS = ["a", "b", "c"]


class Act:
    """Somebody tries something, or, without anybody, something happens."""

    def __init__(self, who: str, what: str, how: Json) -> None:
        self.who = who
        self.what = what
        self.how = how

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.how.items())
        return f"{self.who}.{self.what}({arguments})" if self.who else f"{self.what}({arguments})"


def on_top(key: str) -> Json:
    """A layer on the first version: under the name of its organisation, or of one's own."""
    scope = "me" if key == "mine" else "organization"
    return {"scope": scope, "base_version": 1, "change": [key, "a"]}


def opening(ranks: Json) -> list[Act]:
    """An organisation of ann's, with works, trash, shares, links and an invitation."""
    organization = {"organization": "org1"}
    later = {"expires_at": "later"}
    return [
        Act("ann", "create_organization", {"name": "Northwind"}),
        *(
            Act("ann", "add_organization_member", organization | {"user": user, "role": rank})
            for user, rank in ranks.items()
        ),
        *(
            Act(who, "create_composition", {"title": "First", "content": "a"} | where)
            for who, where in [
                ("ann", organization),
                ("cleo", organization),
                ("dan", {}),
                ("cleo", organization),
            ]
        ),
        *(
            Act(who, what, {"composition": composition} | how)
            for who, what, composition, how in [
                ("ann", "share_composition", "piece1", {"role": "editor", "user": "eve"} | later),
                ("dan", "share_composition", "piece3", {"role": "viewer"} | organization),
                ("dan", "share_composition", "piece3", {"role": "editor", "user": "ben"}),
                ("ann", "create_share_link", "piece1", {"role": "editor"} | later),
                ("dan", "create_share_link", "piece3", {"role": "viewer"}),
                ("ann", "set_layer", "piece1", on_top("org1")),
                ("eve", "set_layer", "piece1", on_top("mine")),
                ("ben", "set_layer", "piece3", on_top("mine")),
                ("cleo", "delete_composition", "piece4", {}),
            ]
        ),
        *(
            Act(who, "pin_composition", {"composition": composition, "context": "home"} | how)
            for who, composition, how in [
                ("ann", "piece1", {"scope": "organization"}),
                ("ben", "piece3", {"scope": "me"}),
                ("eve", "piece1", {"scope": "me"}),
            ]
        ),
        Act("ann", "invite_to_organization", organization | {"email": "eve", "role": "admin"}),
    ]


# How plays begin, so that they get to where it matters.
OPENINGS = {
    "from nothing": [],
    "with one owner": opening({"ben": "admin", "cleo": "member", "dan": "member"}),
    "with owners": opening({"cleo": "member", "dan": "admin", "ben": "owner", "eve": "owner"}),
}


# What people try.


class Tries:
    """Draws of one act: mostly what makes sense where the play has come to, or nearly."""

    def __init__(self, draw: st.DrawFn, world: World) -> None:
        self.draw = draw
        self.world = world

    def one_of(self, choices: list[Any]) -> Any:
        return self.draw(st.sampled_from(choices))

    def often(self) -> bool:
        return bool(self.draw(st.booleans()))

    def sometimes(self) -> bool:
        return bool(self.draw(st.integers(0, 2)) == 2)

    def rarely(self) -> bool:
        return bool(self.draw(st.integers(0, 7)) == 7)

    def person(self) -> str:
        return str(self.one_of(PEOPLE))

    def anyone(self) -> str:
        return ANON if self.rarely() else str(self.one_of([*PEOPLE, STRANGER]))

    def composition(self) -> str:
        """One that is there, if there is one; rarely one that was, or never was."""
        there = list(self.world.compositions)
        if not there or self.rarely():
            there = [name for name in self.world.made if name.startswith("piece")] + ["no piece"]
        return str(self.one_of(there))

    def organization(self, member: str | None = None) -> str:
        there = [
            name
            for name in self.world.organizations
            if member is None or self.world.rank(member, name)
        ]
        if not there or self.rarely():
            there = [name for name in self.world.made if name.startswith("org")] + ["no org"]
        return str(self.one_of(there))

    def party(self, composition: str, *roles: str) -> str:
        """Mostly somebody with one of the roles on it; else mostly somebody with another one."""
        able = [person for person in PEOPLE if self.world.role(person, composition) in roles]
        close = [person for person in PEOPLE if self.world.role(person, composition)]
        if able and not self.sometimes():
            return str(self.one_of(able))
        return str(self.one_of(close)) if close and not self.sometimes() else self.anyone()

    def member(self, organization: str) -> str:
        members = [person for person in PEOPLE if self.world.rank(person, organization)]
        return str(self.one_of(members)) if members and not self.rarely() else self.anyone()

    def grantee(self, composition: str, caller: str) -> dict[str, str]:
        """Whom it is shared with, or somebody else."""
        piece = self.world.compositions.get(composition)
        if piece and piece.shares and not self.sometimes():
            name = self.one_of([name for name, _ in piece.shares])
            return {"organization" if name in self.world.organizations else "user": name}
        user = {"user": self.person()}
        organization = {"organization": self.organization(caller)}
        if self.rarely():
            odd: list[dict[str, str]] = [{}, user | organization]
            return dict(self.one_of([*odd, {"user": piece.owner}] if piece else odd))
        return user if self.often() else organization

    # One method for each thing that can be tried: it returns who tries it, and how.

    def create_composition(self) -> tuple[str, Json]:
        caller = self.person()
        how = {"title": "First", "content": self.one_of(CONTENTS)}
        if self.often():
            how["organization"] = self.organization(caller)
        return caller, how

    def save_version(self) -> tuple[str, Json]:
        composition = self.composition()
        piece = self.world.compositions.get(composition)
        head, last = (piece.head, len(piece.contents)) if piece else (1, 1)
        return self.party(composition, "owner", "editor"), {
            "composition": composition,
            "base_version": self.draw(st.integers(0, last)) if self.sometimes() else head,
            "content": self.one_of(CONTENTS),
            "on_conflict": "reject" if self.rarely() else "merge",
        }

    def restore_version(self) -> tuple[str, Json]:
        composition = self.composition()
        return self.party(composition, "owner", "editor"), {
            "composition": composition,
            "version": self.draw(st.integers(1, 3)),
        }

    def rename(self) -> tuple[str, Json]:
        composition = self.composition()
        return self.party(composition, "owner", "editor"), {
            "composition": composition,
            "title": self.one_of(["Second", "Third"]),
        }

    def label_version(self) -> tuple[str, Json]:
        caller, how = self.restore_version()
        return caller, how | {"label": self.one_of(["good", "better"])}

    def fork_composition(self) -> tuple[str, Json]:
        composition = self.composition()
        caller = self.party(composition, "owner", "editor", "viewer")
        how: Json = {"composition": composition}
        if self.often():
            how["organization"] = self.organization(caller)
        if self.often():
            how["version"] = self.draw(st.integers(1, 3))
        return caller, how

    def transfer_composition(self) -> tuple[str, Json]:
        composition = self.composition()
        caller = self.party(composition, "owner")
        how: Json = {"composition": composition}
        if not self.sometimes():
            how["user"] = self.person()
        if self.often():
            how["organization"] = self.organization(caller)
        return caller, how

    def purge_trash(self) -> tuple[str, Json]:
        return self.anyone() if self.rarely() else JOBS, {}

    def owned(self) -> tuple[str, Json]:
        composition = self.composition()
        return self.party(composition, "owner"), {"composition": composition}

    delete_composition = owned

    def trashed(self) -> tuple[str, Json]:
        trash = [name for name, piece in self.world.compositions.items() if piece.trashed]
        composition = self.one_of(trash) if trash and not self.rarely() else self.composition()
        return self.party(composition, "owner"), {"composition": composition}

    undelete_composition = purge_composition = trashed

    def get_version(self) -> tuple[str, Json]:
        composition = self.composition()
        return self.anyone(), {"composition": composition, "version": self.draw(st.integers(1, 3))}

    def read(self) -> tuple[str, Json]:
        return self.anyone(), {"composition": self.composition()}

    list_versions = list_shares = read

    def list_my_compositions(self) -> tuple[str, Json]:
        filter = self.one_of([{}, {"trashed": True}, {"shared": True}])
        return self.anyone(), {"filter": filter}

    def record_usage(self) -> tuple[str, Json]:
        return self.anyone() if self.rarely() else JOBS, {"composition": self.composition()}

    def share_composition(self) -> tuple[str, Json]:
        composition = self.composition()
        caller = self.party(composition, "owner")
        return caller, {
            "composition": composition,
            "role": self.one_of(["viewer", "editor"]),
            **self.grantee(composition, caller),
            "expires_at": "before" if self.rarely() else self.one_of([None, "later"]),
        }

    def unshare_composition(self) -> tuple[str, Json]:
        composition = self.composition()
        caller = self.party(composition, "owner")
        grantee = self.grantee(composition, caller)
        if "user" in grantee and self.often():
            caller = grantee["user"]
        return caller, {"composition": composition} | grantee

    def layer(self) -> tuple[str, Json]:
        composition = self.composition()
        caller = self.party(composition, "owner", "editor", "viewer")
        piece = self.world.compositions.get(composition)
        if piece and piece.layers and self.often():
            holder = self.one_of(list(piece.layers))
            if holder not in self.world.organizations:
                return holder, {"composition": composition, "scope": "me"}
            how = {"composition": composition, "scope": "organization", "organization": holder}
            return self.member(holder), how
        if self.often():
            return caller, {"composition": composition, "scope": "me"}
        organization = self.organization(caller) if self.often() else None
        how = {"composition": composition, "scope": "organization", "organization": organization}
        return caller, how

    get_layer = reset_layer = layer

    def set_layer(self) -> tuple[str, Json]:
        caller, how = self.layer()
        piece = self.world.compositions.get(how["composition"])
        key = how.get("organization") or (piece and piece.organization) or "none"
        return caller, how | {
            "base_version": self.draw(st.integers(1, 3)) if self.rarely() else 1,
            "change": ["mine" if how["scope"] == "me" else key, self.one_of(CONTENTS)],
        }

    def pin_composition(self) -> tuple[str, Json]:
        composition = self.composition()
        how: Json = {"composition": composition, "context": self.one_of(CONTEXTS), "scope": "me"}
        if self.often():
            return self.party(composition, "owner", "editor", "viewer"), how
        organization = self.organization()
        if not self.sometimes():
            how["organization"] = organization
        return self.member(organization), how | {"scope": "organization"}

    def unpin_composition(self) -> tuple[str, Json]:
        pins = sorted(self.world.pins)
        owner, context = self.one_of(pins or [(self.person(), CONTEXTS[0])])
        if owner in self.world.organizations:
            how = {"context": context, "scope": "organization", "organization": owner}
            return self.member(owner), how
        return self.anyone() if self.rarely() else owner, {"context": context, "scope": "me"}

    def create_organization(self) -> tuple[str, Json]:
        return self.person(), {"name": "Northwind"}

    def leave_organization(self) -> tuple[str, Json]:
        organization = self.organization()
        return self.member(organization), {"organization": organization}

    def add_organization_member(self) -> tuple[str, Json]:
        organization = self.organization()
        return self.member(organization), {
            "organization": organization,
            "user": self.person(),
            "role": self.one_of(RANKS),
        }

    def remove_organization_member(self) -> tuple[str, Json]:
        organization = self.organization()
        place = self.world.organizations.get(organization)
        members = list(place.members) if place else []
        return self.member(organization), {
            "organization": organization,
            "user": self.one_of([*members, self.person()]),
        }

    def set_organization_role(self) -> tuple[str, Json]:
        caller, how = self.remove_organization_member()
        return caller, how | {"role": self.one_of(RANKS)}

    def create_share_link(self) -> tuple[str, Json]:
        caller, how = self.owned()
        return caller, how | {
            "role": self.one_of(["viewer", "editor"]),
            "expires_at": "before" if self.rarely() else self.one_of([None, "later"]),
        }

    def link(self) -> str:
        there = [name for piece in self.world.compositions.values() for name in piece.links]
        if not there or self.rarely():
            there = [name for name in self.world.made if name.startswith("link")] + ["no link"]
        return str(self.one_of(there))

    def open_share_link(self) -> tuple[str, Json]:
        return self.one_of([*PEOPLE, ANON]), {"link": self.link()}

    def accept_share_link(self) -> tuple[str, Json]:
        return self.person(), {"link": self.link()}

    def revoke_share_link(self) -> tuple[str, Json]:
        link = self.link()
        return self.party(self.world.linked(link) or "", "owner"), {"link": link}

    def invite_to_organization(self) -> tuple[str, Json]:
        organization = self.organization()
        place = self.world.organizations.get(organization)
        invited = [one.user for one in place.invitations.values()] if place else []
        return self.member(organization), {
            "organization": organization,
            "email": self.one_of(invited) if invited and self.often() else self.person(),
            "role": self.one_of(RANKS),
        }

    def invitation(self) -> str:
        there = [name for place in self.world.organizations.values() for name in place.invitations]
        if not there or self.rarely():
            there = [name for name in self.world.made if name.startswith("inv")] + ["no invitation"]
        return str(self.one_of(there))

    def accept_invitation(self) -> tuple[str, Json]:
        invitation = self.invitation()
        invited = self.world.invited(invitation)[1]
        caller = invited.user if invited and not self.rarely() else self.anyone()
        return caller, {"invitation": invitation}

    def revoke_invitation(self) -> tuple[str, Json]:
        invitation = self.invitation()
        return self.member(self.world.invited(invitation)[0]), {"invitation": invitation}

    def list_invitations(self) -> tuple[str, Json]:
        organization = self.organization()
        return self.member(organization), {"organization": organization}

    def expire(self) -> tuple[str, Json]:
        return NOBODY, self.one_of(ending(self.world))

    def delete_account(self) -> tuple[str, Json]:
        return NOBODY, {"person": self.one_of(sorted(self.world.accounts - {STRANGER}))}


ALWAYS = ["create_organization", "create_composition"]
WITH_ORGANIZATIONS = [
    "invite_to_organization",
    "list_invitations",
    "add_organization_member",
    "add_organization_member",
    "set_organization_role",
    "remove_organization_member",
    "leave_organization",
]
WITH_COMPOSITIONS = [
    "create_composition",
    "get_version",
    "list_versions",
    "list_shares",
    "record_usage",
    "save_version",
    "restore_version",
    "rename",
    "label_version",
    "fork_composition",
    "transfer_composition",
    "transfer_composition",
    "list_my_compositions",
    "list_my_compositions",
    "share_composition",
    "share_composition",
    "share_composition",
    "unshare_composition",
    "create_share_link",
    "set_layer",
    "set_layer",
    "set_layer",
    "reset_layer",
    "get_layer",
    "delete_composition",
    "undelete_composition",
    "purge_composition",
    "pin_composition",
    "pin_composition",
    "unpin_composition",
]


def ending(world: World) -> list[Json]:
    """What time could end."""
    pieces = world.compositions.items()
    shares: list[Json] = [
        {"name": name, "grantee": grantee}
        for name, piece in pieces
        for (grantee, link), share in piece.shares.items()
        if share.ends and not share.over and link is None
    ]
    links: list[Json] = [
        {"name": link}
        for _, piece in pieces
        for link, share in piece.links.items()
        if share.ends and not share.over
    ]
    invitations: list[Json] = [
        {"name": name}
        for place in world.organizations.values()
        for name, invited in place.invitations.items()
        if not invited.over
    ]
    trash: list[Json] = [
        {"name": name} for name, piece in pieces if piece.trashed and not piece.overdue
    ]
    return shares + links + invitations + trash


WITH_LINKS = ["open_share_link", "accept_share_link", "accept_share_link", "revoke_share_link"]
WITH_INVITATIONS = ["accept_invitation", "accept_invitation", "revoke_invitation"]


@st.composite
def acts(draw: st.DrawFn) -> Act:
    """What may be tried next."""
    play = draw(st.runner())
    tries = Tries(draw, play.world)
    world: World = play.world
    possible = list(ALWAYS)
    if world.organizations:
        possible += WITH_ORGANIZATIONS
    if world.compositions:
        possible += WITH_COMPOSITIONS
    if any(piece.links for piece in world.compositions.values()):
        possible += WITH_LINKS
    if any(place.invitations for place in world.organizations.values()):
        possible += WITH_INVITATIONS
    if ending(world):
        possible += ["expire", "expire"]
    if any(piece.trashed for piece in world.compositions.values()):
        possible += ["purge_trash"]
    if world.accounts != {STRANGER} and tries.rarely():
        possible += ["delete_account"] * 3
    what = tries.one_of(possible)
    who, how = getattr(tries, what)()
    return Act(who, what, how)
