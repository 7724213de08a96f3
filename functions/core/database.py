"""The database as a caller may see it: functions of the schema `public`, through PostgREST.

Every call carries the token of its caller, so the database decides. The bytes of an answer are
those that PostgREST sent: a number that was read and written again might be another one. When there
is no answer, what is raised says whether the call may have been carried out all the same.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
from postgrest import AsyncPostgrestClient
from postgrest.types import CountMethod

from functions.core.problems import DatabaseProblem, DatabaseUnavailable
from functions.core.settings import Settings, SettingsError

# A connection that was idle for longer may be closed at the other end, or forgotten on the way.
_KEEPALIVE_SECONDS = 20
_CONNECTIONS = 100

# SQLSTATE classes that say that the transaction was undone: of those that PostgREST answers with a
# 5xx. Not among them: 08 and 57P, a connection that broke, perhaps after the commit.
_UNDONE = ("40", "53", "54", "57014", "XX")


class Verbatim(bytes):
    """JSON text that goes to the database as it is, each digit of each number."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the database answered.

    Args:
        body: JSON, byte for byte as PostgREST sent it.
        headers: Those of PostgREST and those that the function set.
    """

    body: bytes
    headers: httpx.Headers

    def json(self) -> Any:
        """The value that the body holds."""
        return json.loads(self.body)


def http_client(settings: Settings) -> httpx.AsyncClient:
    """The one HTTP client of a process: each costs some 25 ms to make."""
    # Half of the deadline is left for an answer when a connection took long to make, and a
    # connection that was never made tells that nothing can have happened.
    waiting = settings.database_deadline_seconds / 2
    return httpx.AsyncClient(
        timeout=httpx.Timeout(None, connect=waiting, pool=waiting),
        limits=httpx.Limits(
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_CONNECTIONS,
            keepalive_expiry=_KEEPALIVE_SECONDS,
        ),
    )


class Database:
    """Functions of the schema `public`.

    Args:
        settings: Where PostgREST is, with which keys, and how long an answer may take.
        http: Shared by all that speak HTTP (`http_client`); closed by who made it.
    """

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._anon_key = settings.supabase_anon_key
        self._service_role_key = settings.supabase_service_role_key
        self._deadline = settings.database_deadline_seconds
        self._http = http
        self._client = AsyncPostgrestClient(
            f"{settings.supabase_url}/rest/v1", http_client=http, retry_enabled=False
        )

    async def call(self, function: str, bearer: str | None, /, **arguments: Any) -> Answer:
        """Run `public.<function>` as the holder of a token.

        Args:
            function: Name of a SQL function that the role of the token may execute.
            bearer: Token of the caller, or the service role key; None: anon.
            arguments: Its arguments by name: JSON values, UUIDs, times, or `Verbatim`.

        Raises:
            DatabaseProblem: The database refused; status and code are its own.
            DatabaseUnavailable: No answer within the deadline, or none that is one.
        """
        return await self._run(function, bearer, arguments, attempts=1)

    async def read(self, function: str, bearer: str | None, /, **arguments: Any) -> Answer:
        """Run a function that writes nothing: as `call`, and once more if the connection breaks.

        A connection that was kept while the process was frozen may be one that nobody else knows.

        Raises:
            DatabaseProblem: As `call`.
            DatabaseUnavailable: As `call`.
        """
        return await self._run(function, bearer, arguments, attempts=2)

    async def select(
        self, table: str, bearer: str, /, columns: str, limit: int, **equal: Any
    ) -> tuple[list[Any], bool]:
        """Read rows of `public.<table>` as the holder of a token.

        Args:
            table: Its name.
            bearer: Token of the caller.
            columns: Their names, separated by commas.
            limit: At most so many rows.
            equal: What columns have to be.

        Returns:
            The rows, and whether these are all. A project may hand out fewer at a time.

        Raises:
            DatabaseProblem: As `call`.
            DatabaseUnavailable: As `call`.
        """
        builder = self._client.table(table).select(columns, count=CountMethod.exact).limit(limit)
        for column, value in equal.items():
            builder = builder.eq(column, value)
        request = builder.request
        url = f"{request.path}?{request.params}"
        answer = await self._send("GET", url, request.headers, bearer, None, attempts=2)
        rows = answer.json()
        return rows, answer.headers.get("content-range", "").endswith(f"/{len(rows)}")

    async def call_as_service(self, function: str, /, **arguments: Any) -> Answer:
        """Run `public.<function>` as `service_role`: for jobs, never for a caller.

        Raises:
            DatabaseProblem: The database refused.
            DatabaseUnavailable: As `call`.
            SettingsError: There is no key of it.
        """
        if self._service_role_key is None:
            raise SettingsError("SUPABASE_SERVICE_ROLE_KEY is not set")
        return await self.call(function, self._service_role_key, **arguments)

    async def _run(
        self, function: str, bearer: str | None, arguments: Mapping[str, Any], *, attempts: int
    ) -> Answer:
        # The headers are a copy that the builder made for this call alone.
        request = self._client.rpc(function, {}).request
        content = encode(arguments)
        return await self._send(
            "POST", str(request.path), request.headers, bearer, content, attempts=attempts
        )

    async def _send(
        self,
        method: str,
        url: str,
        headers: httpx.Headers,
        bearer: str | None,
        content: bytes | None,
        *,
        attempts: int,
    ) -> Answer:
        bearer = bearer or self._anon_key
        of_service = bearer == self._service_role_key
        headers["apikey"] = bearer if of_service else self._anon_key
        headers["Authorization"] = f"Bearer {bearer}"
        try:
            async with asyncio.timeout(self._deadline):
                response = await self._request(method, url, headers, content, attempts)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise DatabaseUnavailable(outcome_known=True) from error
        except (TimeoutError, httpx.HTTPError) as error:
            raise DatabaseUnavailable(outcome_known=False) from error
        if response.is_success:
            return Answer(response.content, response.headers)
        raise _problem(response)

    async def _request(
        self,
        method: str,
        url: str,
        headers: httpx.Headers,
        content: bytes | None,
        attempts: int,
    ) -> httpx.Response:
        while True:
            attempts -= 1
            try:
                return await self._http.request(method, url, content=content, headers=headers)
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                if attempts == 0:
                    raise


def encode(members: Mapping[str, Any]) -> bytes:
    """The JSON object of these members; what is `Verbatim`, as it is."""
    pairs = (
        json.dumps(name).encode()
        + b":"
        + (value if isinstance(value, Verbatim) else json.dumps(value, default=_plain).encode())
        for name, value in members.items()
    )
    return b"{" + b",".join(pairs) + b"}"


def _plain(value: object) -> str:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _problem(response: httpx.Response) -> DatabaseProblem | DatabaseUnavailable:
    """What an answer without success means."""
    status = response.status_code
    problem = None
    if status >= 500:
        # Whoever sent it: its body may be anything. PostgREST 13 names the reason in a header.
        sqlstate = _proxy_status(response.headers.get("Proxy-Status", ""))
        if sqlstate.startswith(_UNDONE):
            problem = DatabaseProblem.from_sqlstate(status, sqlstate)
    else:
        problem = DatabaseProblem.from_answer(status, response.content)
    # No answer of PostgREST, but of something between: whether it was asked cannot be known.
    return problem or DatabaseUnavailable(outcome_known=False)


def _proxy_status(header: str) -> str:
    """The error that PostgREST names: `PostgREST; error=57014`."""
    name, _, error = header.partition("; error=")
    return error if name == "PostgREST" else ""
