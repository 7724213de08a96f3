"""Who a request is from: Supabase tokens, verified here, without a call for each.

The kind of key decides the algorithm, never the token: a shared secret verifies HS256 and nothing
else, a published key verifies the one algorithm of its type. So no token can have a public key
taken for a secret, and `none` is the algorithm of no key.

The keys that a project publishes are fetched once and kept. A token that names another one has
them fetched again, at most every 30 s, so a rotation needs nothing from anybody; while they cannot
be fetched, those that are known go on verifying.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import jwt
from jwt import PyJWK

from functions.core.problems import Problem
from functions.core.settings import Settings

_SCHEME = "bearer "
_MOST_CHARACTERS = 8192
_LEEWAY_SECONDS = 5
_MOST_TOKENS = 1024

_REFETCH_SECONDS = 30
_REFRESH_SECONDS = 600  # until a key that was withdrawn verifies nothing any more
_RETRY_SECONDS = 1  # while no key is known at all
_FETCH_DEADLINE_SECONDS = 1
_MOST_KEYS_BYTES = 65_536
_LEAST_RSA_BITS = 2048

# What may differ between two tokens of a session without a policy being able to tell: policies
# read claims, but not when or how often somebody signed in.
_VOLATILE = frozenset({"iat", "exp", "nbf", "jti", "session_id", "amr"})

_PUBLISHED_ALGORITHMS = ("ES256", "RS256")
_PUBLIC_MEMBERS = ("kty", "crv", "x", "y", "n", "e")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a verified token is of.

    Args:
        token: The token as it was sent, to be sent on to the database.
        user_id: Its `sub`.
        role: Its role in the database.
        fingerprint: 32 hexadecimal digits: a hash of every claim that a policy can read.
    """

    token: str
    user_id: UUID
    role: str
    fingerprint: str


class Tokens:
    """Verifies tokens, and remembers those that it has verified until they expire.

    Args:
        settings: The keys, and what a token must say.
        http: Fetches the published keys.
    """

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._settings = settings
        self._secret = settings.supabase_jwt_secret
        self._published = _PublishedKeys(settings.supabase_jwks_url or "", http)
        # Expiry and caller by header, the one that was asked for last at the end.
        self._verified: OrderedDict[str, tuple[float, Caller]] = OrderedDict()

    async def verify(self, authorization: str | None) -> Caller:
        """Say who sends this `Authorization` header.

        Args:
            authorization: Its value; None: there is none.

        Raises:
            Problem: 401 `not_signed_in`: no token; `token_expired`: it was valid once;
                `invalid_token`: anything else, without saying what. 503 `keys_unavailable`: no
                key is known, and the project's cannot be fetched.
        """
        if not authorization:
            raise Problem(
                401,
                "not_signed_in",
                "the request carries no token",
                "Send the access token of the session: Authorization: Bearer …",
            )
        if self._published.stale():
            await self._refresh()
        known = self._verified.get(authorization)
        if known is not None:
            expires, caller = known
            if time.time() >= expires + _LEEWAY_SECONDS:
                raise _expired()
            self._verified.move_to_end(authorization)
            return caller

        expires, caller = await self._verify(authorization)
        self._verified[authorization] = (expires, caller)
        if len(self._verified) > _MOST_TOKENS:
            self._verified.popitem(last=False)
        return caller

    async def _verify(self, authorization: str) -> tuple[float, Caller]:
        token = authorization[len(_SCHEME) :]
        if len(authorization) > _MOST_CHARACTERS or (
            authorization[: len(_SCHEME)].lower() != _SCHEME
        ):
            raise _invalid()
        try:
            # Read to find the key by, and trusted for nothing else.
            header = jwt.get_unverified_header(token)
            key, algorithm = await self._key(header)
            claims = self._claims(token, key, algorithm)
            expires = float(claims["exp"])
        except jwt.ExpiredSignatureError:
            raise _expired() from None
        except (jwt.PyJWTError, UnicodeError, OverflowError):
            raise _invalid() from None
        return expires, _caller(token, claims)

    async def _key(self, header: Mapping[str, Any]) -> tuple[PyJWK | str, str]:
        """The key that a token has to be signed with, and its one algorithm."""
        if header.get("alg") == "HS256" and self._secret:
            return self._secret, "HS256"
        if header.get("alg") not in _PUBLISHED_ALGORITHMS or not self._published.url:
            raise _invalid()
        key_id = header.get("kid")
        if self._published.may_hold_another_than(key_id):
            await self._refresh()
        if not self._published.keys:
            raise Problem(
                503,
                "keys_unavailable",
                "the keys that verify tokens cannot be fetched",
                "Try again in a few seconds.",
            )
        key = self._published.keys.get(key_id) if isinstance(key_id, str) else None
        if key is None:
            raise _invalid()
        return key, key.algorithm_name

    def _claims(self, token: str, key: PyJWK | str, algorithm: str) -> dict[str, Any]:
        settings = self._settings
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=settings.supabase_jwt_audience,
            issuer=settings.supabase_jwt_issuer or None,
            leeway=_LEEWAY_SECONDS,
            options={"require": ["exp", "sub"]},
        )
        return claims

    async def _refresh(self) -> None:
        if await self._published.fetch():
            # Some may be signed by a key that was withdrawn.
            self._verified.clear()


class _PublishedKeys:
    """The keys that a project publishes, as far as they verify something here.

    Args:
        url: Of its JWKS; empty: it publishes none.
        http: Fetches it.
    """

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self.url = url
        self.keys: dict[str, PyJWK] = {}
        self._http = http
        self._members: list[dict[str, Any]] = []
        self._fetching = asyncio.Lock()
        self._refresh_at = float("inf")  # the first token has them fetched
        self._may_ask_at = 0.0

    def stale(self) -> bool:
        """Whether they were fetched so long ago that one may have been withdrawn since."""
        return time.monotonic() >= self._refresh_at

    def may_hold_another_than(self, key_id: object) -> bool:
        """Whether fetching them again could bring a key of this id."""
        return key_id not in self.keys and time.monotonic() >= self._may_ask_at

    async def fetch(self) -> bool:
        """Fetch them, unless somebody has just now.

        Returns:
            Whether they are others than before. When they cannot be fetched, they are not.
        """
        async with self._fetching:
            if time.monotonic() < self._may_ask_at:
                return False
            members = await self._members_published()
            now = time.monotonic()
            self._refresh_at = now + (_REFETCH_SECONDS if members is None else _REFRESH_SECONDS)
            changed = members is not None and members != self._members
            if members is not None and changed:
                self._members = members
                self.keys = dict(filter(None, map(_published_key, members)))
            self._may_ask_at = now + (_REFETCH_SECONDS if self.keys else _RETRY_SECONDS)
            return changed

    async def _members_published(self) -> list[dict[str, Any]] | None:
        try:
            async with asyncio.timeout(_FETCH_DEADLINE_SECONDS):
                answer = await self._http.get(self.url)
            if answer.status_code != 200 or len(answer.content) > _MOST_KEYS_BYTES:
                return None
            members = json.loads(answer.content)["keys"]
            return [member for member in members if isinstance(member, dict)]
        except (TimeoutError, httpx.HTTPError, ValueError, LookupError, TypeError, RecursionError):
            return None


def _published_key(member: Mapping[str, Any]) -> tuple[str, PyJWK] | None:
    """A key of a JWKS by its id; None: one that verifies nothing here, such as a symmetric one."""
    match member:
        case {"kty": "EC", "crv": "P-256", "kid": str(key_id)}:
            algorithm = "ES256"
        case {"kty": "RSA", "kid": str(key_id)}:
            algorithm = "RS256"
        case _:
            return None
    if member.get("alg", algorithm) != algorithm or member.get("use", "sig") != "sig":
        return None
    try:
        # Its public half, should somebody have published both.
        key = PyJWK({name: member[name] for name in _PUBLIC_MEMBERS if name in member}, algorithm)
    except jwt.PyJWTError:
        return None
    if algorithm == "RS256" and key.key.key_size < _LEAST_RSA_BITS:
        return None
    return key_id, key


def _caller(token: str, claims: Mapping[str, Any]) -> Caller:
    try:
        user_id = UUID(claims["sub"])
    except (ValueError, AttributeError):
        raise _invalid() from None
    # One way to write it: the database takes others for the same person.
    if str(user_id) != claims["sub"] or claims.get("role") != "authenticated":
        raise _invalid()
    # The library takes the text of a number as well, the database does not.
    if isinstance(claims["exp"], str):
        raise _invalid()
    return Caller(token, user_id, "authenticated", _fingerprint(claims))


def _fingerprint(claims: Mapping[str, Any]) -> str:
    read = {name: value for name, value in claims.items() if name not in _VOLATILE}
    text = json.dumps(read, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _expired() -> Problem:
    return Problem(
        401, "token_expired", "the token has expired", "Refresh the session and try again."
    )


def _invalid() -> Problem:
    return Problem(
        401, "invalid_token", "the token is not valid here", "Sign in to this project again."
    )
