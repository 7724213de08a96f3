"""Write types/database.ts: the schema `public` as TypeScript, for `createClient<Database>`.

    python -m scripts.database_types

The Supabase CLI reads the types out of a database with the migrations applied; they are the same on
every kind of project. Given a URL instead of a project, the CLI leaves PostgREST's version out, the
one thing in its output that would differ between projects.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from devstack import cli, migrations, packages
from devstack.packages import PROJECT
from devstack.postgres import Postgres

FILE = PROJECT / "types" / "database.ts"

_HEADER = "// Generated from the database by `make types`: never edited.\n\n"
_FIRST_TYPE = "export type Json "
_PRINT = Path(__file__).with_name("print_types.mjs")


def main() -> None:
    """Apply the migrations to an empty database, and write its types."""
    with tempfile.TemporaryDirectory() as folder, Postgres(Path(folder)) as server:
        migrations.push(server.url())
        FILE.write_text(types_of(server.url()))


def types_of(database_url: str) -> str:
    """The text that types/database.ts has for a database.

    Args:
        database_url: The role `postgres`, of a database with the migrations applied.
    """
    said = cli.supabase("gen", "types", "--schema=public", database_url=database_url)
    # Its first lines name the address that it connects to. It leaves the layout to a formatter;
    # the compiler's printer puts each column on a line, so that a change of one reads as one.
    printed = subprocess.run(
        [packages.node(), _PRINT],
        input=said[said.index(_FIRST_TYPE) :],
        capture_output=True,
        text=True,
        check=True,
    )
    return _HEADER + printed.stdout


if __name__ == "__main__":
    main()
