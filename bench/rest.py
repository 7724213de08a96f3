"""What a load costs over HTTP, against what people would do instead."""

import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from urllib.parse import urlsplit

from bench.clients import NotAnsweredError, token
from bench.measure import Side, calls_a_second, race, ratio, short
from bench.report import Figure, times
from bench.world import Bench, Person, document

_THREADS = 8
_SECONDS = 0.5
PLAIN_TABLE = """
drop table if exists public.bench_documents;
create table public.bench_documents (id uuid primary key, owner_id uuid, document jsonb);
alter table public.bench_documents enable row level security;
grant select on public.bench_documents to authenticated;
create policy bench_documents_select_owner on public.bench_documents
  for select to authenticated using (owner_id = (select auth.uid()));
"""


@dataclass(frozen=True)
class Request:
    """What is asked for, and how it is called in the report."""

    label: str
    method: str
    path: str
    body: bytes | None = None


def rest(bench: Bench) -> Figure:
    """load_composition() over the gateway and PostgREST, against a select under RLS."""
    database = bench.world.database
    person = bench.world.person()
    piece = person.create(document(10_000))
    database.execute(PLAIN_TABLE.encode(), prepare=False)
    database.execute(
        "insert into public.bench_documents values (%s, %s, %s::jsonb)",
        [piece, person.id, document(10_000)],
    )
    return _measured(bench, person, piece)


def _measured(bench: Bench, person: Person, piece: str) -> Figure:
    load = json.dumps({"composition_id": piece}).encode()
    requests = [
        Request("select, document in a plain table", "GET", f"bench_documents?id=eq.{piece}"),
        Request("rpc load_composition", "POST", "rpc/load_composition", load),
    ]
    # PostgREST learns of the new table a moment after it was made.
    _wait(_caller(bench, person, requests[0]))
    sides = [Side(request.label, _caller(bench, person, request)) for request in requests]
    timings = race(sides, bench.sizes.rounds, runs=20)

    # A client of the standard library: httpx would take more of the processor than the servers.
    crowds = [[_caller(bench, person, r) for _ in range(_THREADS)] for r in requests]
    rates: list[list[float]] = [[] for _ in requests]
    for _ in range(bench.sizes.rounds):
        for crowd, measured in zip(crowds, rates, strict=True):
            measured.append(calls_a_second(crowd, _SECONDS))

    base = timings[0]
    rows = []
    for timing, rate in zip(timings, rates, strict=True):
        one = times(timing, base if timing is not base else None)[:-1]
        many = [short(median(rate)), str(ratio(rate, rates[0])) if timing is not base else "1"]
        rows.append([*one, short(1000 / timing.percentile(50)), *many])
    what = f"A 10 kB document over HTTP with kept connections: one, then {_THREADS} at once."
    columns = [
        "",
        "p50 ms",
        "p95 ms",
        "ratio (range)",
        "a second",
        "8 at once",
        "ratio (range)",
    ]
    return Figure(what, columns, rows)


def _caller(bench: Bench, person: Person, request: Request) -> Callable[[], None]:
    """What sends the request over a connection of its own, again and again."""
    headers = {
        "apikey": bench.addresses["anon_key"],
        "Authorization": f"Bearer {token(bench.addresses['jwt_secret'], person.id)}",
        "Content-Type": "application/json",
    }
    connection = http.client.HTTPConnection(urlsplit(bench.addresses["supabase_url"]).netloc)

    def call() -> None:
        connection.request(request.method, f"/rest/v1/{request.path}", request.body, headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != http.HTTPStatus.OK or b'"salt"' not in body:
            raise NotAnsweredError(f"{request.path}: {answer.status} {body[:200]!r}")

    return call


def _wait(call: Callable[[], None]) -> None:
    deadline = time.monotonic() + 5
    while True:
        try:
            return call()
        except NotAnsweredError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
