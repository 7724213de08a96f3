"""How every function of the API is attacked: what a call of it names, and what nobody may learn.

Each entry is a call that works for Mallory, who has things of their own. Tests then change one
argument at a time. A function or an argument that has no entry fails them, and so does an entry
without a function or an argument.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from tests.people import NOBODY, Json
from tests.samples import SMALLEST


@dataclass(frozen=True)
class Id:
    """An argument that names a thing, by its kind (tests/database/test_hostile_callers.py).

    `instead_of` is an argument that has to be null for this one to be given; with it, the call
    that works has this one null. `inside` builds the value of the argument around the id.
    """

    kind: str
    instead_of: str | None = None
    inside: Callable[[Any], Any] = lambda named: named


@dataclass(frozen=True)
class Attack:
    """How a function is attacked.

    Args:
        arguments: All of them, in a call that works for Mallory: ids by their kind.
        also: Other ids that an argument can name, beside the one in `arguments`.
        anyone: Why it answers without a person to ask; empty: it does not.
    """

    arguments: Json
    also: tuple[tuple[str, Id], ...] = ()
    anyone: str = ""

    @property
    def ids(self) -> list[tuple[str, Id]]:
        """Each argument that names something, with what it names."""
        named = [(name, value) for name, value in self.arguments.items() if isinstance(value, Id)]
        return [*named, *self.also]


COMPOSITION = Id("composition")
TRASHED = Id("trashed")
ORGANIZATION = Id("organization")
VERSION = Id("version")

ATTACKS: dict[str, Attack] = {
    "accept_invitation": Attack({"token": Id("invitation_token")}),
    "accept_share_link": Attack({"token": Id("link_token")}),
    "acknowledge_invalidations": Attack({"ids": [1]}),
    "add_organization_member": Attack(
        {"organization_id": ORGANIZATION, "user_id": Id("user"), "role": "member"}
    ),
    "call_once": Attack(
        {
            "mutation_id": "d2a84cb6",
            "function": "label_version",
            "arguments": Id(
                "composition",
                inside=lambda named: {"composition_id": named, "version": 1, "label": "Good"},
            ),
        }
    ),
    "clear_parameter": Attack(
        {
            "composition_id": COMPOSITION,
            "name": "rows",
            "scope": "organization",
            "organization_id": ORGANIZATION,
            "base_version": VERSION,
            "message": None,
            "origin": None,
        }
    ),
    "create_composition": Attack(
        {
            "title": "New",
            "document": SMALLEST,
            "organization_id": ORGANIZATION,
            "description": "",
            "tags": ["new"],
            "message": None,
            "origin": None,
        }
    ),
    "create_organization": Attack({"name": "New"}),
    "create_share_link": Attack(
        {"composition_id": COMPOSITION, "role": "viewer", "expires_at": None}
    ),
    "current_etags": Attack(
        {
            "entries": Id(
                "composition",
                inside=lambda named: [{"composition_id": named, "user_id": NOBODY}],
            )
        }
    ),
    "delete_composition": Attack({"composition_id": COMPOSITION, "base_version": 2}),
    "delete_my_account": Attack({"email": Id("email")}),
    "diff_versions": Attack(
        {"composition_id": COMPOSITION, "from_version": VERSION, "to_version": VERSION}
    ),
    "export_my_data": Attack({"after": None, "row_limit": 20}),
    "fork_composition": Attack(
        {
            "composition_id": COMPOSITION,
            "title": None,
            "organization_id": ORGANIZATION,
            "version": VERSION,
            "origin": None,
        }
    ),
    "get_document": Attack({"content_hash": Id("content_hash")}),
    "get_layer": Attack(
        {
            "composition_id": COMPOSITION,
            "scope": "organization",
            "organization_id": ORGANIZATION,
        }
    ),
    "get_version": Attack({"composition_id": COMPOSITION, "version": VERSION}),
    "invite_to_organization": Attack(
        {"organization_id": ORGANIZATION, "email": "new@example.com", "role": "member"}
    ),
    "label_version": Attack(
        {"composition_id": COMPOSITION, "version": VERSION, "label": "The one we showed"}
    ),
    "leave_organization": Attack({"organization_id": ORGANIZATION}),
    "list_invitations": Attack({"organization_id": ORGANIZATION}),
    "list_my_compositions": Attack(
        {"filter": {}, "after": None, "row_limit": 50},
        also=(
            ("filter", Id("user", inside=lambda named: {"owner_id": named})),
            ("filter", Id("organization", inside=lambda named: {"organization_id": named})),
            ("filter", Id("user", inside=lambda named: {"owner_id": named, "trashed": True})),
        ),
    ),
    "list_pins": Attack({}),
    "list_shares": Attack({"composition_id": COMPOSITION}),
    "list_versions": Attack({"composition_id": COMPOSITION, "after": None, "row_limit": 50}),
    "load_composition": Attack({"composition_id": COMPOSITION, "known_etags": [], "layered": True}),
    "load_for_warming": Attack(
        {"composition_ids": Id("composition", inside=lambda named: [named])}
    ),
    "load_home": Attack({"known_etags": []}),
    "open_share_link": Attack({"token": Id("link_token")}, anyone="the token of the link decides"),
    "patch_composition": Attack(
        {
            "composition_id": COMPOSITION,
            "base_version": 2,
            "patch": [{"op": "add", "path": "/body/more", "value": 1}],
            "format": "json-patch",
            "message": None,
            "on_conflict": "reject",
            "origin": None,
        }
    ),
    "pending_invalidations": Attack({"row_limit": 500}),
    "pin_composition": Attack(
        {
            "context": "home",
            "composition_id": COMPOSITION,
            "scope": "organization",
            "organization_id": ORGANIZATION,
            "position": 1,
            "origin": None,
        }
    ),
    "popular_compositions": Attack({"row_limit": 100, "days": 7}),
    "preview_merge": Attack(
        {
            "composition_id": COMPOSITION,
            "base_version": 2,
            "document": SMALLEST,
            "patch": None,
            "format": "json-patch",
        }
    ),
    "promote_layer": Attack(
        {
            "composition_id": COMPOSITION,
            "into": "fork",
            "scope": "organization",
            "organization_id": ORGANIZATION,
            "title": None,
            "fork_organization_id": ORGANIZATION,
            "message": None,
            "origin": None,
        }
    ),
    "purge_composition": Attack({"composition_id": TRASHED}),
    "purge_trash": Attack({"row_limit": 100}),
    "purge_versions": Attack({"row_limit": 1000}),
    "record_usage": Attack(
        {
            "entries": Id(
                "composition",
                inside=lambda named: [{"composition_id": named, "loads": 2, "hits": 1}],
            )
        }
    ),
    "remove_organization_member": Attack(
        {"organization_id": ORGANIZATION, "user_id": Id("member")}
    ),
    "reset_layer": Attack(
        {
            "composition_id": COMPOSITION,
            "paths": ["/body/layer"],
            "scope": "organization",
            "organization_id": ORGANIZATION,
            "origin": None,
        }
    ),
    "resolve_context": Attack({"context": "pinned", "known_etags": []}),
    "restore_version": Attack(
        {"composition_id": COMPOSITION, "version": VERSION, "message": None, "origin": None}
    ),
    "revoke_invitation": Attack({"invitation_id": Id("invitation")}),
    "revoke_share_link": Attack({"link_id": Id("link")}),
    "save_version": Attack(
        {
            "composition_id": COMPOSITION,
            "base_version": 2,
            "document": SMALLEST,
            "message": None,
            "on_conflict": "reject",
            "origin": None,
        }
    ),
    "set_layer": Attack(
        {
            "composition_id": COMPOSITION,
            "base_version": VERSION,
            "patch": [{"op": "add", "path": "/body/more", "value": 1}],
            "scope": "organization",
            "organization_id": ORGANIZATION,
            "format": "json-patch",
            "mode": "replace",
            "origin": None,
        }
    ),
    "set_organization_role": Attack(
        {"organization_id": ORGANIZATION, "user_id": Id("member"), "role": "admin"}
    ),
    "set_parameter": Attack(
        {
            "composition_id": COMPOSITION,
            "name": "rows",
            "parameter": {"type": "limit", "value": 10, "target": []},
            "scope": "organization",
            "organization_id": ORGANIZATION,
            "base_version": VERSION,
            "message": None,
            "origin": None,
        }
    ),
    "share_composition": Attack(
        {
            "composition_id": COMPOSITION,
            "role": "viewer",
            "user_id": Id("user"),
            "organization_id": Id("organization", instead_of="user_id"),
            "expires_at": None,
        }
    ),
    "transfer_composition": Attack(
        {"composition_id": COMPOSITION, "user_id": Id("member"), "organization_id": ORGANIZATION}
    ),
    "undelete_composition": Attack({"composition_id": TRASHED}),
    "undo_turn": Attack({"turn": Id("turn"), "conversation": None, "origin": None}),
    "unpin_composition": Attack(
        {
            "context": "pinned",
            "scope": "organization",
            "organization_id": ORGANIZATION,
            "origin": None,
        }
    ),
    "unshare_composition": Attack(
        {
            "composition_id": COMPOSITION,
            "user_id": Id("grantee"),
            "organization_id": Id("organization", instead_of="user_id"),
        }
    ),
    "update_from_upstream": Attack(
        {
            "composition_id": Id("fork"),
            "apply": True,
            "on_conflict": "reject",
            "base_version": 1,
            "message": None,
            "origin": None,
        }
    ),
    "update_metadata": Attack(
        {"composition_id": COMPOSITION, "title": "New", "description": "", "tags": ["new"]}
    ),
    "validate_document": Attack({"document": SMALLEST}, anyone="it reads nothing of anybody"),
}

# Arguments that tell ids that exist from others, and why that may be.
TELLING: dict[tuple[str, str], str] = {
    ("add_organization_member", "user_id"): "docs/decisions/0006-ids-of-accounts.md",
    ("share_composition", "user_id"): "docs/decisions/0006-ids-of-accounts.md",
}


def fingerprint(database: psycopg.Connection) -> list[tuple[Any, ...]]:
    """What all tables hold, in one number a table: the same as long as nothing has changed."""
    tables = database.execute(
        "select schemaname, tablename from pg_tables where schemaname in ('public', 'private')"
        " order by 1, 2"
    ).fetchall()
    sums = sql.SQL(" union all ").join(
        sql.SQL("select {}, sum(hashtextextended(t::text, 0)) from {} as t").format(
            sql.Literal(".".join(table)), sql.Identifier(*table)
        )
        for table in tables
    )
    return sorted(database.execute(sums).fetchall())
