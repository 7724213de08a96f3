"""What happened in a play, as tables, and how to go on by hand."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import psycopg
from rich import filesize
from rich.console import Console
from rich.table import Table
from rich.text import Text

from demo.histories import Source

_FAILURES_SHOWN = 20


@dataclass
class Outcome:
    """What happened.

    Args:
        json_bytes: Of all versions as they were sent, without white space.
        content_hashes: What the documents are known by: as many as there are distinct ones.
        read_backs: How many loaded documents were compared with what was sent.
        mismatches: How many of them differed.
        seconds: How long each answered call took, by what was called.
        refusals: How often, by who or what was refused, status and code.
        failures: What should have held and did not, in words.
    """

    compositions: int = 0
    versions: int = 0
    json_bytes: int = 0
    content_hashes: set[str] = field(default_factory=set)
    read_backs: int = 0
    mismatches: int = 0
    elapsed_seconds: float = 0
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    refusals: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that `share` (over 0, at most 1) of them do not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def print_report(
    console: Console, outcome: Outcome, source: Source, database_url: str | None
) -> None:
    """Print what was played, how long calls took, what was refused, and what failed.

    Args:
        console: Where to.
        outcome: Of the play.
        source: What was played.
        database_url: To look into the store; None: it is not ours to look into.
    """
    for table in (_facts(outcome, source, database_url), _times(outcome), _refusals(outcome)):
        console.print(table)
        console.print()
    for failure in outcome.failures[:_FAILURES_SHOWN]:
        console.print(f"FAILED {failure}", style="red", markup=False, soft_wrap=True)
    if hidden := len(outcome.failures[_FAILURES_SHOWN:]):
        console.print(f"FAILED {hidden:,} more", style="red")


def print_invitation(
    console: Console,
    addresses: Mapping[str, object],
    accounts: Mapping[str, str],
    composition_id: str,
) -> None:
    """Print where everything is and who may sign in, and a program to paste.

    Args:
        console: Where to.
        addresses: By name, with `supabase_url` and `anon_key`.
        accounts: Passwords by e-mail address.
        composition_id: What the first account may load.
    """
    email, password = next(iter(accounts.items()))
    lines = [
        *(f"{name:<17} {address}" for name, address in addresses.items() if name != "pids"),
        "",
        *(f"{email:<30} {password}" for email, password in accounts.items()),
        "",
        ".venv/bin/python - <<'END'",
        "from supabase import create_client",
        f'supabase = create_client("{addresses["supabase_url"]}", "{addresses["anon_key"]}")',
        f'supabase.auth.sign_in_with_password({{"email": "{email}", "password": "{password}"}})',
        f'arguments = {{"composition_id": "{composition_id}"}}',
        'print(supabase.rpc("load_composition", arguments).execute().data["title"])',
        "END",
    ]
    # As it is, however wide: half a key is no use.
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _facts(outcome: Outcome, source: Source, database_url: str | None) -> Table:
    facts = _table(f"Played in from {source.name}", ["what"], ["how much"])
    rate = outcome.versions / outcome.elapsed_seconds
    facts.add_row("compositions", f"{outcome.compositions:,}")
    facts.add_row("versions", f"{outcome.versions:,}")
    facts.add_row("JSON of all versions", filesize.decimal(outcome.json_bytes))
    facts.add_row("distinct documents", f"{len(outcome.content_hashes):,}")
    if database_url:
        facts.add_row(
            "their rows in the store", filesize.decimal(_stored_bytes(database_url, outcome))
        )
    facts.add_row("time", f"{outcome.elapsed_seconds:.1f} s")
    facts.add_row("versions/s", f"{rate:.0f}")
    facts.add_row("read back and compared", f"{outcome.read_backs:,}")
    facts.add_row("of these different", f"{outcome.mismatches:,}")
    for reason, count in sorted(source.skipped.items()):
        facts.add_row(f"skipped {reason}", f"{count:,}")
    return facts


def _times(outcome: Outcome) -> Table:
    times = _table("Milliseconds an answered call", ["call"], ["calls", "p50", "p95"])
    for function, seconds in sorted(outcome.seconds.items()):
        figures = (f"{percentile(seconds, share) * 1000:.1f}" for share in (0.5, 0.95))
        times.add_row(function, f"{len(seconds):,}", *figures)
    return times


def _refusals(outcome: Outcome) -> Table:
    refusals = _table("Refusals", ["refused", "status", "code"], ["times"])
    for what, count in sorted(outcome.refusals.items()):
        refusals.add_row(*what, f"{count:,}")
    return refusals


def _table(title: str, texts: Sequence[str], numbers: Sequence[str]) -> Table:
    # Text: the name of a folder may look like markup.
    table = Table(*texts, title=Text(title), title_justify="left")
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _stored_bytes(database_url: str, outcome: Outcome) -> int:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            """
            select sum(pg_column_size(c.*))::bigint
              from public.compositions as c
             where c.content_hash = any (%s)
            """,
            ([bytes.fromhex(content_hash) for content_hash in outcome.content_hashes],),
        ).fetchone()
    assert row
    stored: int = row[0]
    return stored
