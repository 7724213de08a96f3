"""Parts of the user's own, which the stack then uses instead of starting its."""

import os
from collections.abc import Mapping
from typing import NamedTuple, Self

from devstack.packages import StackError


class Supabase(NamedTuple):
    """A project that has the migrations already: hosted, or made by `supabase start`.

    Args:
        url: Its address.
        anon_key: Its public key.
        service_role_key: Its secret key.
        jwt_secret: Signs its tokens; None: it publishes keys to check them by.
        database_url: Its Postgres, as the role `postgres`; None: out of reach.
    """

    url: str
    anon_key: str
    service_role_key: str
    jwt_secret: str | None = None
    database_url: str | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Self | None:
        """The one that the environment names, if it names one.

        Raises:
            StackError: SUPABASE_URL is set, one of its keys is not.
        """
        url = environment.get("SUPABASE_URL")
        if not url:
            return None
        return cls(
            url.rstrip("/"),
            _with(environment, "SUPABASE_URL", "SUPABASE_ANON_KEY"),
            _with(environment, "SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY"),
            environment.get("SUPABASE_JWT_SECRET"),
            environment.get("DATABASE_URL"),
        )


class Redis(NamedTuple):
    """A database at Upstash, or whatever speaks its REST interface."""

    url: str
    token: str

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Self | None:
        """The one that the environment names, if it names one.

        Raises:
            StackError: UPSTASH_REDIS_REST_URL is set, its token is not.
        """
        url = environment.get("UPSTASH_REDIS_REST_URL")
        if not url:
            return None
        return cls(url, _with(environment, "UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"))


def _with(environment: Mapping[str, str], given: str, name: str) -> str:
    value = environment.get(name)
    if not value:
        raise StackError(f"{given} is set in the environment, {name} is not: set both, or none")
    return value
