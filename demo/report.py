"""What happened in a play, as tables, and how to go on by hand."""

import itertools
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import psycopg
from rich import filesize
from rich.columns import Columns
from rich.console import Console
from rich.table import Table
from rich.text import Text

from demo.histories import Json, Source
from demo.measured import KINDS, hit_rate

_FAILURES_SHOWN = 20
_CALLS_SHOWN = 8
_SENTENCES_SHOWN = 3
_TITLE_WIDTH = 48


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
        acts: How often what else was played, in words.
        loads: How many seconds each load through the functions took, by what answered it.
        lags: Seconds from each save past the functions until they showed it.
        sentences: What diff_versions said, for a few pairs of versions.
        told: What else was told of a step in words that people read: sentences, and conflicts.
        problems: What validate_document said of misspelt names.
        left_out: What could not be played, and why.
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
    acts: Counter[str] = field(default_factory=Counter)
    loads: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    lags: list[float] = field(default_factory=list)
    sentences: dict[str, list[str]] = field(default_factory=dict)
    told: dict[str, list[str | Json]] = field(default_factory=dict)
    problems: list[Json] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that `share` (over 0, at most 1) of them do not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def print_report(
    console: Console, outcome: Outcome, source: Source, database_url: str | None
) -> None:
    """Print what was played, how long calls took, what was refused, and what failed.

    Tables stand side by side where there is room.

    Args:
        console: Where to.
        outcome: Of the play.
        source: What was played.
        database_url: To look into the store; None: it is not ours to look into.
    """
    facts = _facts(outcome, source, database_url)
    for tables in ((facts, _times(outcome)), (_acts(outcome), _refusals(outcome))):
        _print_tables(console, tables)
    if outcome.loads:
        _print_tables(console, [_cached(outcome)])
    for line in _examples(outcome):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    for reason in outcome.left_out:
        console.print(f"left out {reason}", style="yellow", markup=False, soft_wrap=True)
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
        addresses: By name, with `supabase_url` and `anon_key`; with `functions_url`, the program
            loads through the functions, too.
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
        f'account = {{"email": "{email}", "password": "{password}"}}',
        "session = supabase.auth.sign_in_with_password(account).session",
        f'arguments = {{"composition_id": "{composition_id}"}}',
        'print(supabase.rpc("load_composition", arguments).execute().data["title"])',
        *(_loads(url, composition_id) if (url := addresses.get("functions_url")) else []),
        "END",
    ]
    # As it is, however wide: half a key is no use.
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _loads(functions_url: object, composition_id: str) -> list[str]:
    return [
        "",
        "import httpx",
        f'url = "{functions_url}/v1/compositions/{composition_id}"',
        'headers = {"Authorization": f"Bearer {session.access_token}"}',
        "for _ in range(2):",
        "    loaded = httpx.get(url, headers=headers)",
        '    print(loaded.headers["x-cache"], loaded.json()["title"])',
    ]


def _print_tables(console: Console, tables: Sequence[Table]) -> None:
    width = sum(console.measure(table).maximum for table in tables) + len(tables) - 1
    for row in [Columns(tables)] if width <= console.width else tables:
        console.print(row)
        console.print()


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
    ranked = sorted(outcome.seconds.items(), key=lambda item: -len(item[1]))
    rest = ranked[_CALLS_SHOWN:]
    others = [(f"{len(rest)} others", list(itertools.chain(*(r for _, r in rest))))] if rest else []
    for function, seconds in ranked[:_CALLS_SHOWN] + others:
        times.add_row(function, f"{len(seconds):,}", *_milliseconds(seconds))
    return times


def _cached(outcome: Outcome) -> Table:
    loads = {kind: len(seconds) for kind, seconds in outcome.loads.items()}
    rate = hit_rate(loads) or 0
    title = f"Loads through the functions: {rate:.1%} from the cache"
    cached = _table(title, ["answered"], ["loads", "p50 ms", "p95 ms"])
    for kind in filter(loads.get, KINDS):
        cached.add_row(kind, f"{loads[kind]:,}", *_milliseconds(outcome.loads[kind]))
    if outcome.lags:
        cached.add_section()
        writes = f"{len(outcome.lags):,}"
        cached.add_row("seen after a direct save", writes, *_milliseconds(outcome.lags))
    return cached


def _milliseconds(seconds: Sequence[float]) -> Iterator[str]:
    return (f"{percentile(seconds, share) * 1000:.1f}" for share in (0.5, 0.95))


def _acts(outcome: Outcome) -> Table:
    acts = _table("What else was played", ["somebody"], ["times"])
    for what, count in outcome.acts.items():
        acts.add_row(what, f"{count:,}")
    return acts


def _refusals(outcome: Outcome) -> Table:
    refusals = _table("Refusals", ["refused", "status", "code"], ["times"])
    for what, count in sorted(outcome.refusals.items()):
        refusals.add_row(*what, f"{count:,}")
    return refusals


def _examples(outcome: Outcome) -> Iterator[str]:
    if outcome.sentences:
        yield "What changed, as diff_versions tells it"
    for step, sentences in outcome.sentences.items():
        yield f"  {step}"
        for sentence in sentences[:_SENTENCES_SHOWN]:
            yield f"    {sentence}"
        if hidden := len(sentences[_SENTENCES_SHOWN:]):
            yield f"    and {hidden:,} more"
    if outcome.sentences:
        yield ""

    for step, lines in outcome.told.items():
        yield step
        for line in lines:
            yield f"  {line if isinstance(line, str) else _conflict(line)}"
    if outcome.told:
        yield ""

    by_code = {problem["code"]: problem for problem in outcome.problems}
    if by_code:
        yield "What is wrong, as validate_document tells it"
    for problem in by_code.values():
        meant = f"{problem['nearest']} was probably meant"
        yield f"  {problem['path']}: {problem['message']} ({meant})"
    if by_code:
        yield ""


def _conflict(conflict: Json) -> str:
    base, head, mine = (
        json.dumps(conflict[side], ensure_ascii=False) if side in conflict else "nothing"
        for side in ("base", "head", "mine")
    )
    return f"{conflict['path']}: {base} → {head} there, {mine} here"


def _table(title: str, texts: Sequence[str], numbers: Sequence[str]) -> Table:
    # Text: the name of a folder may look like markup.
    width = min(len(title), _TITLE_WIDTH)
    table = Table(*texts, title=Text(title), title_justify="left", min_width=width)
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
