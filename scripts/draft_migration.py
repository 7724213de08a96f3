"""Draft the migration that leads from what the migrations make to what the sources say.

    python -m scripts.draft_migration add_share_expiry

New objects and changed functions and policies are pasted from their sources, a new table with its
policies and grants. What only a person can decide (a changed table, a grant) is left as a comment
that says what differs.
"""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime

from scripts.both_ways import build_both_ways
from scripts.catalog import Catalog
from scripts.sources import SUPABASE, source_files

Key = tuple[str, str]

# What a new function has without any grant.
_OWNER_ONLY = "postgres EXECUTE"

_HEADER = """\
-- Say here what this is for.

set local lock_timeout = '5s';
set local statement_timeout = '60s';
"""


def main() -> None:
    """Write supabase/migrations/<now>_<name>.sql, or say that there is nothing to do."""
    parser = argparse.ArgumentParser(description="Draft a migration from the changed sources.")
    parser.add_argument("name", help="what it does, in snake_case")
    name: str = parser.parse_args().name
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        parser.error("name is snake_case")

    steps = draft(*build_both_ways())
    if not steps:
        print("The migrations make what the sources say; there is nothing to migrate.")
        return
    file = SUPABASE / "migrations" / f"{datetime.now(UTC):%Y%m%d%H%M%S}_{name}.sql"
    file.write_text("\n".join([_HEADER, *steps]))
    print(f"{file.relative_to(SUPABASE.parent)}: finish it, then `make seal`.")


def draft(migrated: Catalog, sourced: Catalog) -> list[str]:
    """What is left to do, a step each, in the order in which the sources load.

    Args:
        migrated: The catalog that the migrations make.
        sourced: The catalog that the sources make.
    """
    left = {
        key for key in migrated.keys() | sourced.keys() if migrated.get(key) != sourced.get(key)
    }
    new_tables = {name for kind, name in left if kind == "table" and (kind, name) not in migrated}
    steps = []
    for file in source_files():
        text = file.read_text()
        if f"public.{file.stem}" in new_tables or f"private.{file.stem}" in new_tables:
            steps.append(text)  # its table, or its policies
        elif file.parent.name == "policies":
            policies = {key for key in left if key[0] == "policy" and _creates(text, key)}
            steps += [_policy(key, text, migrated) for key in sorted(policies)]
            left -= policies
        else:
            functions = {key for key in left if key[0] in ("function", "trigger")}
            made = {key for key in functions if _creates(text, key)}
            if made:
                steps.append(_routine(text, made, migrated, sourced))
            left -= made
    left = {key for key in left if sourced.get(key) != _OWNER_ONLY}
    left = {key for key in left if not any(_belongs(key, sourced, table) for table in new_tables)}
    steps += [
        f"-- By hand, {kind} {name}:\n"
        f"--   is      {_one_line(migrated.get((kind, name)))}\n"
        f"--   becomes {_one_line(sourced.get((kind, name)))}\n"
        for kind, name in sorted(left)
    ]
    return steps


def _creates(text: str, key: Key) -> bool:
    kind, name = key
    if kind == "function":
        return f"create function {name.partition('(')[0]}(" in text
    bare = name.rpartition(".")[2]
    return re.search(rf"^create {kind} {bare}\b", text, re.MULTILINE) is not None


def _belongs(key: Key, sourced: Catalog, table: str) -> bool:
    """Whether something was made by pasting the source of a table and of its policies."""
    kind, name = key
    if kind == "index":
        return f" ON {table} " in sourced.get(key, "")
    return name == table or name.startswith(f"{table}.")


def _routine(text: str, made: set[Key], migrated: Catalog, sourced: Catalog) -> str:
    changed = {key for key in made if key in migrated and key in sourced}
    if not changed:
        return text
    drops = [
        f"drop function {name};  -- its arguments have other names; grant it again\n"
        for kind, name in sorted(changed)
        if kind == "function" and _head(migrated[kind, name]) != _head(sourced[kind, name])
    ]
    if drops:
        return "".join(drops) + text
    return re.sub(r"^create (function|trigger)", r"create or replace \1", text, flags=re.MULTILINE)


def _head(definition: str) -> str:
    return definition.partition(" RETURNS ")[0]


def _policy(key: Key, text: str, migrated: Catalog) -> str:
    table, _, policy = key[1].rpartition(".")
    found = re.search(rf"^create policy {policy} on .*?;\n", text, re.MULTILINE | re.DOTALL)
    assert found
    drop = f"drop policy {policy} on {table};\n" if key in migrated else ""
    return drop + found[0]


def _one_line(definition: str | None) -> str:
    return " ".join(definition.split())[:500] if definition else "nothing"


if __name__ == "__main__":
    main()
