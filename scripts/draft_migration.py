"""Draft the migration that leads from what the migrations make to what the sources say.

    python -m scripts.draft_migration add_share_expiry

New objects and changed functions and policies are pasted from their sources. What only a person
can decide (a changed table, a grant taken back) is left as a comment that says what differs.
"""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime
from pathlib import Path

from scripts.both_ways import build_both_ways
from scripts.catalog import Catalog
from scripts.sources import SUPABASE, source_files

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
    differing = {
        key for key in migrated.keys() | sourced.keys() if migrated.get(key) != sourced.get(key)
    }
    pasted: set[tuple[str, str]] = set()
    steps = []
    for file in source_files():
        text = file.read_text()
        made = {key for key in differing if _is_made_by(key, file, text)}
        if not made:
            continue
        pasted |= made
        changed = {key for key in made if key in migrated}
        if file.parent.name == "policies":
            steps += [
                _policy(name, text, changed) for kind, name in sorted(made) if kind == "policy"
            ]
        elif not changed:
            steps.append(text)
        elif "routines" in file.parts:
            steps.append(
                re.sub(
                    r"^create (function|trigger)", r"create or replace \1", text, flags=re.MULTILINE
                )
            )
    for kind, name in sorted(differing - pasted):
        steps.append(
            f"-- By hand, {kind} {name}:\n"
            f"--   is     {_one_line(migrated.get((kind, name)))}\n"
            f"--   becomes {_one_line(sourced.get((kind, name)))}\n"
        )
    return steps


def _is_made_by(key: tuple[str, str], file: Path, text: str) -> bool:
    kind, name = key
    bare = name.split("(")[0]
    if kind == "function":
        return f"create function {bare if '.' in bare else 'public.' + bare}(" in text
    if kind == "policy":
        return f"create policy {name.rsplit('.', 1)[-1]} on" in text
    return kind == "table" and file.parent.name == "tables" and f".{bare.split('.')[-1]} (" in text


def _policy(name: str, text: str, changed: set[tuple[str, str]]) -> str:
    policy = name.rsplit(".", 1)[-1]
    found = re.search(
        rf"^create policy {policy} on (\S+).*?;\n", text, flags=re.MULTILINE | re.DOTALL
    )
    assert found is not None
    drop = f"drop policy {policy} on {found[1]};\n" if ("policy", name) in changed else ""
    return drop + found[0]


def _one_line(definition: str | None) -> str:
    return " ".join(definition.split())[:500] if definition else "nothing"


if __name__ == "__main__":
    main()
