"""The database through PostgREST: what it says, byte for byte, and what its silence means."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import jwt
import psycopg
import pytest
import respx

from functions.core.database import Answer, Database, Verbatim
from functions.core.loop import run
from functions.core.problems import DatabaseProblem, DatabaseUnavailable
from functions.core.settings import Settings
from tests.people import NOBODY
from tests.samples import SMALLEST

# Digits that Python's own numbers would lose, and a key whose place they would keep.
NUMBERS = b'{"big": 123456789012345, "precise": 0.12345678901234567890123, "scale": 1.10}'

DEEP = Verbatim(b"[" * 50_000 + b"]" * 50_000)


@pytest.fixture
def ann(sign_up: Callable[[str], str]) -> str:
    return sign_up("ann")


@pytest.fixture
def silent(settings: Settings, database_of: Callable[[Settings], Database]) -> Iterator[Database]:
    """A database that takes every connection, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        yield database_of(
            dataclasses.replace(
                settings, supabase_url=f"http://127.0.0.1:{port}", database_deadline_seconds=0.3
            )
        )


def refusal(
    database: Database, function: str, bearer: str | None, **arguments: Any
) -> DatabaseProblem:
    with pytest.raises(DatabaseProblem) as caught:
        run(database.call(function, bearer, **arguments))
    return caught.value


def silence(database: Database) -> DatabaseUnavailable:
    with pytest.raises(DatabaseUnavailable) as caught:
        run(database.call("load_composition", None, composition_id=NOBODY))
    assert (caught.value.status, caught.value.code) == (503, "database_unavailable")
    return caught.value


def test_numbers_survive_in_both_directions(database, ann):
    document = json.dumps(SMALLEST | {"body": "NUMBERS"}).encode().replace(b'"NUMBERS"', NUMBERS)
    made = run(
        database.call("create_composition", ann, title="Numbers", document=Verbatim(document))
    )
    loaded = run(
        database.call("load_composition", ann, composition_id=made.json()["composition_id"])
    )
    assert b"0.12345678901234567890123" in loaded.body
    assert b"1.10" in loaded.body


def test_an_answer_is_what_postgrest_sent_byte_for_byte(database, addresses, ann):
    made = run(database.call("create_composition", ann, title="Élan", document=SMALLEST)).json()
    path = f"{addresses['supabase_url']}/rest/v1/rpc/load_composition"
    headers = {"apikey": addresses["anon_key"], "Authorization": f"Bearer {ann}"}
    arguments = {"composition_id": made["composition_id"]}
    sent = httpx.post(path, headers=headers, json=arguments, timeout=30).content

    answer = run(database.call("load_composition", ann, **arguments))
    assert answer.body == sent
    assert answer.json()["title"] == "Élan"
    assert answer.headers["Content-Type"].startswith("application/json")


def test_a_header_that_a_function_sets_arrives(database, addresses):
    with psycopg.connect(addresses["database_url"], autocommit=True) as operator:
        operator.execute(
            """
            create function public.says_until() returns jsonb language plpgsql as $$
            begin
              perform set_config('response.headers', '[{"Access-Until": "1700"}]', true);
              return 'null';
            end $$;
            grant execute on function public.says_until to service_role;
            notify pgrst, 'reload schema'
            """
        )
        try:
            answer = until_known(database, "says_until")
        finally:
            operator.execute("drop function public.says_until; notify pgrst, 'reload schema'")
    assert answer.headers["access-until"] == "1700"


def until_known(database: Database, function: str) -> Answer:
    """The answer of a function once PostgREST has seen it."""
    for _ in range(600):
        try:
            return run(database.call_as_service(function))
        except DatabaseProblem as problem:
            if problem.code != "database_outdated":
                raise
            run(asyncio.sleep(0.05))
    raise AssertionError(f"PostgREST has not seen {function}")


def test_each_call_is_that_of_its_own_caller(database, sign_up):
    async def load_both(mine: str, other: str, composition_id: str) -> list[object]:
        calls = [
            database.call("load_composition", bearer, composition_id=composition_id)
            for bearer in [mine, other] * 10
        ]
        return list(await asyncio.gather(*calls, return_exceptions=True))

    ann, ben = sign_up("ann"), sign_up("ben")
    made = run(database.call("create_composition", ann, title="Mine", document=SMALLEST)).json()
    answers = run(load_both(ann, ben, made["composition_id"]))
    assert [isinstance(answer, Answer) for answer in answers] == [True, False] * 10


def test_without_a_token_a_caller_is_anon(database):
    problem = refusal(database, "load_composition", None, composition_id=NOBODY)
    assert (problem.status, problem.code) == (401, "not_signed_in")
    problem = refusal(database, "open_share_link", None, token="no link has this")
    assert (problem.status, problem.code) == (404, "link_not_found")


def test_jobs_run_as_the_service_role_and_nobody_else_does(database, ann):
    run(database.call_as_service("purge_trash"))
    problem = refusal(database, "purge_trash", ann)
    assert (problem.status, problem.code) == (403, "not_allowed")


def test_a_refusal_has_the_status_the_code_and_the_facts_of_the_database(database, ann):
    made = run(database.call("create_composition", ann, title="Mine", document=SMALLEST)).json()
    problem = refusal(
        database,
        "save_version",
        ann,
        composition_id=made["composition_id"],
        base_version=7,
        document=SMALLEST,
    )
    assert problem.outcome_known
    assert problem.status == 409
    assert problem.body() == {
        "error": "version_conflict",
        "message": f"composition {made['composition_id']} is at version 1, not 7",
        "hint": "Load the head, apply the change to it, and save again.",
        "head_version": 1,
    }


@pytest.mark.parametrize(
    ("function", "argument", "status", "code", "sqlstate"),
    [
        ("load_composition", {"composition_id": "s3cret"}, 422, "invalid_argument", "22P02"),
        ("list_my_compositions", {"row_limit": 10**12}, 422, "invalid_argument", "22003"),
        ("validate_document", {"document": "\0"}, 422, "invalid_argument", "22P05"),
        ("validate_document", {"document": "\ud800"}, 400, "invalid_json", "PGRST102"),
        ("validate_document", {"document": Verbatim(b"{")}, 400, "invalid_json", "PGRST102"),
        ("validate_document", {"document": Verbatim(b"NaN")}, 400, "invalid_json", "PGRST102"),
        ("validate_document", {"document": DEEP}, 413, "too_deep", "54001"),
        ("made_up", {"argument": 1}, 503, "database_outdated", "PGRST202"),
    ],
)
def test_what_postgres_refuses_by_itself_is_said_in_our_words(
    database, ann, function, argument, status, code, sqlstate
):
    problem = refusal(database, function, ann, **argument)
    assert (problem.status, problem.code, problem.sqlstate) == (status, code, sqlstate)
    assert problem.hint and "s3cret" not in str(problem.body())


@pytest.mark.parametrize("forge", ["expired", "other key", "nonsense"])
def test_a_token_that_postgrest_refuses_is_no_token(database, addresses, forge):
    claims = {"role": "authenticated", "sub": NOBODY, "exp": 1 if forge == "expired" else 2**31}
    key = "0" * 32 if forge == "other key" else addresses["jwt_secret"]
    bearer = "a.b.c" if forge == "nonsense" else jwt.encode(claims, key, "HS256")
    problem = refusal(database, "load_composition", bearer, composition_id=NOBODY)
    assert (problem.status, problem.code) == (401, "invalid_token")


def test_a_connection_that_is_never_made_has_done_nothing(settings, database_of):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    nowhere = dataclasses.replace(settings, supabase_url=f"http://127.0.0.1:{port}")
    assert silence(database_of(nowhere)).outcome_known


def test_silence_ends_at_the_deadline_and_tells_nothing(silent):
    assert not silence(silent).outcome_known


@respx.mock
@pytest.mark.parametrize(
    "fault",
    [
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("closed without an answer"),
        httpx.Response(500, json={"code": "PT404", "details": '{"code": "lies"}'}),
        httpx.Response(502, html="<h1>Bad gateway</h1>"),
        httpx.Response(503, headers={"Proxy-Status": "PostgREST; error=57P01"}),
        httpx.Response(302, headers={"Location": "https://example.com"}),
        httpx.Response(429, html="<h1>Too many</h1>"),
        httpx.Response(400, json=["no", "object"]),
        httpx.Response(400, content=b"[" * 100_000),
    ],
    ids=str,
)
def test_what_is_no_answer_of_the_database_tells_nothing(database, fault):
    route = respx.post(path="/rest/v1/rpc/load_composition").mock(
        **{"side_effect" if isinstance(fault, Exception) else "return_value": fault}
    )
    assert not silence(database).outcome_known
    assert route.call_count == 1, "a write is not tried twice"


@respx.mock
def test_a_read_is_asked_again_when_its_connection_breaks(database):
    route = respx.post(path="/rest/v1/rpc/load_composition").mock(
        side_effect=[httpx.ReadError("reset"), httpx.Response(200, content=b"1.10")]
    )
    assert run(database.read("load_composition", None)).body == b"1.10"
    route.side_effect = httpx.RemoteProtocolError("closed without an answer")
    with pytest.raises(DatabaseUnavailable):
        run(database.read("load_composition", None))
    assert route.call_count == 4


@respx.mock
@pytest.mark.parametrize(
    ("sqlstate", "status", "code"),
    [
        ("57014", 503, "database_timeout"),
        ("40P01", 503, "try_again"),
        ("53300", 503, "database_busy"),
        ("XX000", 500, "database_refused"),
    ],
)
def test_a_5xx_that_names_what_was_undone_tells_that_nothing_was_written(
    database, sqlstate, status, code
):
    # PostgREST 13 does; the one of the stack leaves the header out.
    headers = {"Proxy-Status": f"PostgREST; error={sqlstate}"}
    respx.post(path="/rest/v1/rpc/load_composition").respond(500, headers=headers, html="<h1>")
    problem = refusal(database, "load_composition", None, composition_id=NOBODY)
    assert (problem.status, problem.code, problem.outcome_known) == (status, code, True)
