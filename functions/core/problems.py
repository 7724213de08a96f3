"""What went wrong, in the one shape that callers get: `{error, message, hint, ...facts}`.

What Postgres and PostgREST say themselves is said again in words of ours: theirs quote the values
they refuse.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

Json = dict[str, Any]


class Problem(Exception):
    """A refusal or a failure, as the caller gets to see it.

    Args:
        status: HTTP status.
        code: Stable name, a row of docs/errors.md.
        message: For people.
        hint: What to do next.
        facts: What a program needs.
    """

    # Whether it is certain that nothing was written. The cache keeps the keys of a write blocked
    # for as long as it might still commit.
    outcome_known = True

    def __init__(
        self, status: int, code: str, message: str, hint: str | None = None, /, **facts: Any
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.hint = hint
        self.facts = facts

    def body(self) -> Json:
        """The JSON body of the answer."""
        # The three last: no fact may take their place.
        return {**self.facts, "error": self.code, "message": self.message, "hint": self.hint}


class DatabaseUnavailable(Problem):
    """No answer of the database: 503 `database_unavailable`.

    Args:
        outcome_known: False when a request was sent, and may have been carried out.
    """

    def __init__(self, *, outcome_known: bool) -> None:
        super().__init__(
            503, "database_unavailable", "the database gave no answer", "Try again in a moment."
        )
        self.outcome_known = outcome_known


class DatabaseProblem(Problem):
    """The database refused, and nothing was written.

    Args:
        sqlstate: SQLSTATE, or PostgREST's own code.
    """

    def __init__(
        self, status: int, code: str, message: str, hint: str | None, /, sqlstate: str
    ) -> None:
        super().__init__(status, code, message, hint)
        self.sqlstate = sqlstate

    @classmethod
    def from_answer(cls, status: int, body: bytes) -> Self | None:
        """What PostgREST's answer says.

        Args:
            status: HTTP status, below 500.
            body: JSON of `{code, message, details, hint}`.

        Returns:
            None: this is no answer of PostgREST, but of something in front of it.
        """
        error = _object(body)
        sqlstate = error.get("code")
        if not isinstance(sqlstate, str):
            return None
        facts = _object(error.get("details"))
        code = facts.pop("code", None)
        if not (sqlstate.startswith("PT") and isinstance(code, str)):
            return cls.from_sqlstate(status, sqlstate)
        problem = cls(status, code, str(error.get("message")), error.get("hint"), sqlstate)
        problem.facts = facts
        return problem

    @classmethod
    def from_sqlstate(cls, status: int, sqlstate: str) -> Self:
        """What Postgres or PostgREST refused by itself, in words of ours."""
        return cls(*_said(status, sqlstate), sqlstate)


class _Said(NamedTuple):
    status: int
    code: str
    message: str
    hint: str


# What Postgres and PostgREST refuse by themselves: by SQLSTATE, else by its class.
_NATIVE: Mapping[str, _Said] = {
    "22": _Said(422, "invalid_argument", "an argument is of another type", "Correct the argument."),
    "23": _Said(
        409, "constraint_violated", "the database holds what forbids this", "Correct the argument."
    ),
    "23502": _Said(
        422, "invalid_argument", "an argument is missing", "Name it: it must not be null."
    ),
    "23514": _Said(422, "invalid_argument", "an argument breaks its rule", "Correct the argument."),
    "42501": _Said(403, "not_allowed", "the caller has no right to this", "Sign in as who has."),
    "54001": _Said(
        413, "too_deep", "the document is nested too deeply to be read", "Nest it less deeply."
    ),
    "57014": _Said(
        503, "database_timeout", "the database took too long, and gave up", "Try again, with less."
    ),
    "40P01": _Said(
        503, "try_again", "this and another change waited for each other", "Try again now."
    ),
    "53": _Said(
        503, "database_busy", "the database can take no more for now", "Try again in a moment."
    ),
    "PGRST102": _Said(400, "invalid_json", "the body is no JSON", "Send a JSON object."),
    "PGRST202": _Said(
        503,
        "database_outdated",
        "the database lacks what this version of the functions calls",
        "An operator has to apply the migrations, or to wait until PostgREST has seen them.",
    ),
    "PGRST3": _Said(401, "invalid_token", "the token is forged or expired", "Sign in again."),
}

_ANON = _Said(401, "not_signed_in", "this needs somebody signed in", "Send a token.")


def _said(status: int, sqlstate: str) -> _Said:
    if (status, sqlstate) == (401, "42501"):
        return _ANON
    for key in (sqlstate, sqlstate[:2], sqlstate[:6]):
        if key in _NATIVE:
            return _NATIVE[key]
    return _Said(status, "database_refused", "the database refused this", "Look up its SQLSTATE.")


def _object(text: object) -> Json:
    """The JSON object in a text, empty when it is none."""
    try:
        value = json.loads(text) if isinstance(text, str | bytes) else None
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
