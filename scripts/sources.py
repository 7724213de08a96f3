"""The SQL sources under `supabase/`, as `supabase/database.sql` lists them."""

from __future__ import annotations

from pathlib import Path

from devstack.packages import PROJECT

SUPABASE = PROJECT / "supabase"


def source_files() -> list[Path]:
    """Every source, in load order.

    Raises:
        ValueError: `database.sql` names a file twice or one that is missing, or a source is not
            named in it.
    """
    lines = (SUPABASE / "database.sql").read_text().splitlines()
    listed = [SUPABASE / line.removeprefix("\\ir ") for line in lines if line.startswith("\\ir ")]
    present = [SUPABASE / "privileges.sql"]
    for folder in ("tables", "routines", "policies"):
        present += (SUPABASE / folder).rglob("*.sql")
    if sorted(listed) != sorted(present):
        difference = sorted(str(path) for path in set(listed) ^ set(present))
        raise ValueError(f"database.sql and the sources differ: {difference or 'listed twice'}")
    return listed


def migration_files() -> list[Path]:
    """Every migration, oldest first."""
    return sorted((SUPABASE / "migrations").glob("*.sql"))
