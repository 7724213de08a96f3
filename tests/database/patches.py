"""Cases for tests of patches, each in lines of JSON text, so that 1 and 1.0 differ."""

from pathlib import Path
from typing import LiteralString

import psycopg


def read_cases(file: str) -> dict[str, list[str]]:
    """The cases of a file of this folder, by name: a document, a patch, and what comes out."""
    text = (Path(__file__).parent / file).read_text()
    blocks = [block.strip().split("\n") for block in text.split("\n\n")]
    cases = {lines[0]: lines[1:] for lines in blocks if lines[0].startswith("# ")}
    assert all(len(lines) == 3 for lines in cases.values())
    assert len(cases) == text.count("\n# ")
    return cases


def one(admin: psycopg.Connection, query: LiteralString, *arguments: str) -> str:
    """The one text that a query returns."""
    row = admin.execute(query, arguments).fetchone()
    assert row is not None
    return str(row[0])


def canonical(admin: psycopg.Connection, text: str) -> str:
    """JSON as Postgres prints it."""
    return one(admin, "select %s::jsonb::text", text)
