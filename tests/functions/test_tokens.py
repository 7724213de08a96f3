"""Tokens that are forged, and keys that rotate."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import math
import time
import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from functions.core import tokens
from functions.core.problems import Problem
from functions.core.settings import Settings
from functions.core.tokens import Caller, Tokens
from tests.people import Json

SECRET = "a secret of sixty-four bytes or more, so that any algorithm takes it"
ISSUER = "https://project.example/auth/v1"
ANN = "0a33aa30-e3f4-4b0c-9f5e-2f3a0d5c7e11"

ELLIPTIC = ec.generate_private_key(ec.SECP256R1())
OTHER_ELLIPTIC = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def claims(**changed: Any) -> Json:
    """Claims of a token that is valid for an hour; None leaves one out."""
    now = int(time.time())
    whole = {
        "iss": ISSUER,
        "aud": "authenticated",
        "sub": ANN,
        "role": "authenticated",
        "email": "ann@example.com",
        "iat": now,
        "exp": now + 3600,
        "session_id": str(uuid.uuid4()),
    }
    return {name: value for name, value in (whole | changed).items() if value is not None}


def signed(key: Any = SECRET, algorithm: str = "HS256", /, kid: Any = None, **changed: Any) -> str:
    """A header with a token of these claims."""
    headers = {} if kid is None else {"kid": kid}
    return "Bearer " + jwt.encode(claims(**changed), key, algorithm=algorithm, headers=headers)


def made_by_hand(header: Any, payload: Any, key: bytes | None = None) -> str:
    """A header with a token of any JSON; signed with HS256 if there is a key."""
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in (header, payload)
    ]
    text = b".".join(parts)
    signature = hmac.digest(key, text, hashlib.sha256) if key else b""
    return f"Bearer {text.decode()}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def member(key: Any, kid: str, **more: Any) -> Json:
    """A key as a JWKS lists it."""
    algorithm = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, **more}


class Project:
    """Publishes keys, and counts how often they are fetched."""

    def __init__(self) -> None:
        self.keys: Any = [member(ELLIPTIC, "one"), member(RSA_KEY, "two")]
        self.answer: Callable[[], httpx.Response] = lambda: httpx.Response(
            200, json={"keys": self.keys}
        )
        self.fetched = 0
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def _answer(self, _request: httpx.Request) -> httpx.Response:
        self.fetched += 1
        return self.answer()


@pytest.fixture
def project() -> Project:
    return Project()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let seconds pass."""
    passed = 0.0

    def wait(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    clocks = SimpleNamespace(
        time=lambda: time.time() + passed, monotonic=lambda: time.monotonic() + passed
    )
    monkeypatch.setattr(tokens, "time", clocks)
    return wait


def settings(**changed: str) -> Settings:
    return Settings.from_environment(
        {
            "SUPABASE_URL": "https://project.example",
            "SUPABASE_ANON_KEY": "anon",
            **changed,
        }
    )


@pytest.fixture
def by_secret(project: Project) -> Tokens:
    return Tokens(settings(SUPABASE_JWT_SECRET=SECRET), project.http)


@pytest.fixture
def by_keys(project: Project) -> Tokens:
    return Tokens(settings(), project.http)


@pytest.fixture
def by_both(project: Project) -> Tokens:
    url = "https://project.example/auth/v1/.well-known/jwks.json"
    return Tokens(settings(SUPABASE_JWT_SECRET=SECRET, SUPABASE_JWKS_URL=url), project.http)


def verify(verifier: Tokens, authorization: str | None) -> Caller:
    return asyncio.run(verifier.verify(authorization))


def refusal(verifier: Tokens, authorization: str | None) -> tuple[int, str]:
    """(status, code) of what refuses this header, which the answer tells nothing of."""
    with pytest.raises(Problem) as caught:
        verify(verifier, authorization)
    said = json.dumps(caught.value.body())
    assert len(said) < 300
    for word in (authorization or "").split():
        assert len(word) < 10 or word not in said
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value.status, caught.value.code


INVALID = (401, "invalid_token")


def test_a_token_says_who_sends_it(by_both, project):
    for header in (
        signed(),
        signed(ELLIPTIC, "ES256", kid="one"),
        signed(RSA_KEY, "RS256", kid="two"),
        signed().replace("Bearer", "bearer"),
        signed(aud=["other", "authenticated"]),
    ):
        caller = verify(by_both, header)
        assert (str(caller.user_id), caller.role) == (ANN, "authenticated")
        assert caller.token == header.split()[1]
        assert verify(by_both, header) is caller, "verified once"
    assert project.fetched == 1


def test_whoever_sends_no_token_is_not_signed_in(by_secret):
    assert refusal(by_secret, None) == refusal(by_secret, "") == (401, "not_signed_in")


def test_no_token_is_signed_by_nobody(by_both, subtests):
    for alg in ("none", "None", "NONE", "", None, 7, ["HS256"]):
        with subtests.test(alg=alg):
            assert refusal(by_both, made_by_hand({"alg": alg}, claims())) == INVALID
            assert refusal(by_both, made_by_hand({"alg": alg, "kid": "one"}, claims())) == INVALID
    assert refusal(by_both, signed().rpartition(".")[0] + ".") == INVALID
    assert refusal(by_both, signed().rpartition(".")[0]) == INVALID


def test_no_public_key_is_taken_for_a_secret(by_keys, by_both, subtests):
    for key, kid in ((RSA_KEY, "two"), (ELLIPTIC, "one")):
        public = key.public_key()
        for secret in (
            public.public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            ),
            public.public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            ),
            json.dumps(member(key, kid)).encode(),
            b"",
        ):
            for verifier in (by_keys, by_both):
                for header in ({"alg": "HS256", "kid": kid}, {"alg": "HS256"}):
                    with subtests.test(kid=kid, header=header):
                        forged = made_by_hand(header, claims(), secret or b"\0")
                        assert refusal(verifier, forged) == INVALID


def test_a_key_verifies_only_the_algorithm_of_its_kind(by_both, subtests):
    for key, algorithm, kid in (
        (OTHER_ELLIPTIC, "ES256", "one"),  # another one's
        (ELLIPTIC, "ES256", "two"),  # an RSA key's id
        (RSA_KEY, "RS256", "one"),
        (RSA_KEY, "RS512", "two"),
        (RSA_KEY, "PS256", "two"),
        (SECRET, "HS512", None),
        (SECRET[::-1], "HS256", None),
        (ELLIPTIC, "ES256", None),  # names none
    ):
        with subtests.test(algorithm=algorithm, kid=kid):
            assert refusal(by_both, signed(key, algorithm, kid=kid)) == INVALID


def test_a_secret_that_is_not_configured_verifies_nothing(by_keys, by_secret):
    assert refusal(by_keys, signed()) == INVALID
    assert refusal(by_keys, made_by_hand({"alg": "HS256"}, claims(), b"\0")) == INVALID
    assert refusal(by_secret, signed(ELLIPTIC, "ES256", kid="one")) == INVALID


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "anon"},
        {"aud": None},
        {"aud": []},
        {"aud": {"authenticated": True}},
        {"iss": "https://elsewhere.example/auth/v1"},
        {"iss": None},
        {"exp": None},
        {"exp": "never"},
        {"exp": "4000000000"},
        {"exp": 1 << 1100},
        {"exp": math.inf},
        {"exp": []},
        {"nbf": 4_000_000_000},
        {"iat": 4_000_000_000},
        {"sub": None},
        {"sub": ""},
        {"sub": "ann"},
        {"sub": 7},
        {"sub": "{" + ANN + "}"},
        {"sub": ANN.upper()},
        {"sub": ANN.replace("-", "")},
        {"sub": "urn:uuid:" + ANN},
        {"sub": ANN + "\n"},
        {"role": None},
        {"role": "anon"},
        {"role": "service_role"},
        {"role": "postgres"},
        {"role": ["authenticated"]},
    ],
    ids=str,
)
def test_claims_that_are_not_as_they_must_be_are_refused(by_secret, changed):
    claimed = {k: v for k, v in (claims() | changed).items() if v is not None}
    header = {"alg": "HS256", "typ": "JWT"}
    assert refusal(by_secret, made_by_hand(header, claimed, SECRET.encode())) == INVALID


def test_a_token_ends_with_its_time_even_when_it_is_remembered(by_secret, clock):
    assert refusal(by_secret, signed(exp=int(time.time()) - 60)) == (401, "token_expired")
    header = signed(exp=int(time.time()) + 60)
    verify(by_secret, header)
    clock(50)
    verify(by_secret, header)
    clock(20)
    assert refusal(by_secret, header) == (401, "token_expired")
    forged = signed(SECRET[::-1], exp=int(time.time()) - 60)
    assert refusal(by_secret, forged) == INVALID, "nobody learns that of a token of another key"


def test_clocks_may_differ_by_a_few_seconds(by_secret):
    now = int(time.time())
    verify(by_secret, signed(iat=now + 3, nbf=now + 3))
    verify(by_secret, signed(exp=now - 2))


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer  ",
        "Basic YW5uOnNlY3JldA==",
        "Bearer a.b.c",
        "Bearer ....",
        "Bearer \N{SNOWMAN}.\N{SNOWMAN}.\N{SNOWMAN}",
        "Bearer \ud800.a.b",
        "Bearer a\r\nX-Role: service_role",
        "Bearer " + "a" * 8192,
        "Bearer " + "." * 8000,
        "a" * 1_000_000,
        made_by_hand([], []),
        made_by_hand("HS256", claims()),
        made_by_hand({"alg": "HS256"}, [claims()], SECRET.encode()),
        made_by_hand({"alg": "HS256", "crit": ["exp"]}, claims(), SECRET.encode()),
        made_by_hand({"alg": "HS256", "b64": False, "crit": ["b64"]}, claims(), SECRET.encode()),
        "Bearer " + base64.urlsafe_b64encode(b"[" * 5000).rstrip(b"=").decode() + ".e30.e30",
        "Bearer " + base64.urlsafe_b64encode(b'{"alg":1e999}').rstrip(b"=").decode() + ".e30.e30",
    ],
    ids=lambda header: ascii(header)[:40],
)
def test_what_is_no_token_is_refused(by_both, header):
    assert refusal(by_both, header) == INVALID


def test_a_valid_token_that_is_huge_is_refused(by_secret):
    verify(by_secret, signed(app_metadata={"x": "y" * 4000}))
    assert refusal(by_secret, signed(app_metadata={"x": "y" * 8000})) == INVALID


@pytest.mark.parametrize(
    "kid",
    [
        "../../../dev/null",
        "/etc/passwd",
        "http://elsewhere.example/jwks.json",
        "one' or '1'='1",
        "one\0",
        "ONE",
        "",
        "one ",
        "x" * 4000,
    ],
)
def test_the_id_of_a_key_is_a_name_and_nothing_else(by_keys, kid):
    assert refusal(by_keys, signed(OTHER_ELLIPTIC, "ES256", kid=kid)) == INVALID
    assert refusal(by_keys, signed(ELLIPTIC, "ES256", kid=kid)) == INVALID


@pytest.mark.parametrize("kid", [None, 7, ["one"], {"one": 1}, True])
def test_an_id_of_a_key_that_is_no_text_is_refused(by_keys, kid):
    assert refusal(by_keys, made_by_hand({"alg": "ES256", "kid": kid}, claims())) == INVALID


def test_no_key_that_a_token_brings_along_is_looked_at(by_keys, project):
    headers = {
        "kid": "mine",
        "jwk": member(OTHER_ELLIPTIC, "mine"),
        "jku": "https://elsewhere.example/jwks.json",
        "x5u": "https://elsewhere.example/certificate",
    }
    forged = "Bearer " + jwt.encode(claims(), OTHER_ELLIPTIC, algorithm="ES256", headers=headers)
    assert refusal(by_keys, forged) == INVALID
    assert project.fetched == 1


def test_a_key_that_comes_later_is_fetched_when_a_token_names_it(by_keys, project, clock):
    verify(by_keys, signed(ELLIPTIC, "ES256", kid="one"))
    project.keys.append(member(OTHER_ELLIPTIC, "three"))
    rotated = signed(OTHER_ELLIPTIC, "ES256", kid="three")

    assert refusal(by_keys, rotated) == INVALID
    assert project.fetched == 1, "not so soon again"
    clock(31)
    verify(by_keys, rotated)
    assert project.fetched == 2


def test_nobody_has_the_keys_fetched_by_naming_many(by_keys, project, clock):
    for _ in range(3):
        for n in range(20):
            assert refusal(by_keys, signed(ELLIPTIC, "ES256", kid=f"no-{n}")) == INVALID
        clock(31)
    assert project.fetched == 3


def test_a_key_that_was_withdrawn_ends_and_what_it_had_verified(by_keys, project, clock):
    header = signed(ELLIPTIC, "ES256", kid="one", exp=int(time.time()) + 7200)
    verify(by_keys, header)
    del project.keys[0]
    verify(by_keys, header)
    clock(601)
    assert refusal(by_keys, header) == INVALID


FAULTS: dict[str, Callable[[], httpx.Response]] = {
    "an error": lambda: httpx.Response(500, text="<html>"),
    "another page": lambda: httpx.Response(200, text="<html>"),
    "no keys": lambda: httpx.Response(200, json={}),
    "keys that are none": lambda: httpx.Response(200, json={"keys": 7}),
    "an array": lambda: httpx.Response(200, json=[]),
    "depth": lambda: httpx.Response(200, text="[" * 20_000),
    "a megabyte": lambda: httpx.Response(200, json={"keys": [], "x": "x" * 1_000_000}),
}


def no_answer() -> httpx.Response:
    raise httpx.ConnectError("refused")


@pytest.mark.parametrize("fault", [*FAULTS.values(), no_answer], ids=[*FAULTS, "no answer"])
def test_known_keys_stay_while_they_cannot_be_fetched(by_keys, project, clock, fault):
    verify(by_keys, signed(ELLIPTIC, "ES256", kid="one"))
    well, project.answer = project.answer, fault
    for _ in range(3):
        clock(601)
        verify(by_keys, signed(ELLIPTIC, "ES256", kid="one"))
        assert refusal(by_keys, signed(OTHER_ELLIPTIC, "ES256", kid="three")) == INVALID

    project.answer = well
    project.keys = [member(OTHER_ELLIPTIC, "three")]
    clock(31)
    verify(by_keys, signed(OTHER_ELLIPTIC, "ES256", kid="three"))


def test_without_any_key_it_is_not_the_token_that_is_refused(by_keys, project, clock):
    header = signed(ELLIPTIC, "ES256", kid="one")
    well, project.answer = project.answer, no_answer
    assert refusal(by_keys, header) == (503, "keys_unavailable")
    project.answer = well
    clock(2)
    verify(by_keys, header)


def test_a_project_that_does_not_answer_holds_nobody_up(by_keys, project, monkeypatch):
    async def hang(*_args: object) -> httpx.Response:
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(tokens, "_FETCH_DEADLINE_SECONDS", 0.05)
    monkeypatch.setattr(project.http, "get", hang)
    assert refusal(by_keys, signed(ELLIPTIC, "ES256", kid="one")) == (503, "keys_unavailable")


def test_published_keys_that_are_not_fit_are_ignored(by_keys, project, monkeypatch):
    monkeypatch.setattr(tokens, "_LEAST_RSA_BITS", 2049)
    key = base64.urlsafe_b64encode(SECRET.encode()).rstrip(b"=").decode()
    project.keys = [
        {"kty": "oct", "k": key, "kid": "symmetric", "alg": "HS256"},
        {"kty": "oct", "k": key, "kid": "disguised", "alg": "ES256"},
        member(ELLIPTIC, "encryption", use="enc"),
        member(ELLIPTIC, "other", alg="HS256"),
        member(RSA_KEY, "weak"),
        {"kty": "EC", "crv": "P-256", "x": 7, "y": None, "kid": "broken"},
        {"kty": "EC", "crv": "P-256", "kid": "empty"},
        {"kty": ["EC"], "crv": {}, "kid": "odd"},
        {"kty": "RSA", "kid": 7},
        {"kty": "OKP", "crv": "Ed25519", "x": key, "kid": "edwards"},
        7,
        None,
        member(ELLIPTIC, "one", use="sig", key_ops=["verify"]),
    ]
    verify(by_keys, signed(ELLIPTIC, "ES256", kid="one"))
    assert refusal(by_keys, signed(RSA_KEY, "RS256", kid="weak")) == INVALID
    for kid in ("symmetric", "disguised"):
        assert refusal(by_keys, signed(SECRET, "HS256", kid=kid)) == INVALID
    for kid in ("encryption", "other", "broken", "empty", "odd", "edwards"):
        assert refusal(by_keys, signed(ELLIPTIC, "ES256", kid=kid)) == INVALID


def test_a_published_private_key_verifies_as_its_public_half(by_keys, project):
    project.keys = [
        {**ECAlgorithm.to_jwk(ELLIPTIC, as_dict=True), "kid": "one"},
        {**RSAAlgorithm.to_jwk(RSA_KEY, as_dict=True), "kid": "two"},
    ]
    verify(by_keys, signed(ELLIPTIC, "ES256", kid="one"))
    verify(by_keys, signed(RSA_KEY, "RS256", kid="two"))


def test_an_issuer_that_is_set_to_nothing_is_not_asked_for(project):
    verifier = Tokens(settings(SUPABASE_JWT_SECRET=SECRET, SUPABASE_JWT_ISSUER=""), project.http)
    verify(verifier, signed(iss=None))
    verify(verifier, signed(iss="anything"))


def test_a_fingerprint_is_of_all_that_a_policy_can_read(by_secret):
    def fingerprint(**changed: Any) -> str:
        return verify(by_secret, signed(**changed)).fingerprint

    now = int(time.time())
    assert len(fingerprint()) == 32
    assert fingerprint() == fingerprint(
        iat=now - 5, exp=now + 7, nbf=now, jti="x", session_id="y", amr=[{"method": "otp"}]
    )
    seen = [
        fingerprint(),
        fingerprint(sub=str(uuid.uuid4())),
        fingerprint(email="ben@example.com"),
        fingerprint(app_metadata={"plan": "pro"}),
        fingerprint(app_metadata={"plan": "free"}),
        fingerprint(app_metadata={"plan": None}),
        fingerprint(user_metadata={"plan": "free"}),
        fingerprint(aal="aal2"),
        fingerprint(is_anonymous=True),
        fingerprint(aud=["authenticated"]),
    ]
    assert len(set(seen)) == len(seen)


def test_only_so_many_tokens_are_remembered_the_last_ones(by_secret, monkeypatch):
    monkeypatch.setattr(tokens, "_MOST_TOKENS", 3)
    first, *others = (signed(n=n) for n in range(4))
    remembered = verify(by_secret, first)
    for header in others[:2]:
        verify(by_secret, header)
    assert verify(by_secret, first) is remembered
    verify(by_secret, others[2])
    assert verify(by_secret, first) is remembered, "asked for just now"
    assert len(by_secret._verified) == 3
