"""What an operator sets: read once from the environment, each name as in docs/settings.md."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

# As private.configure_webhook() wants it.
_SECRET_LENGTH = 32


class SettingsError(Exception):
    """A setting is missing or cannot be; names it, and never quotes its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings; a field is named as its variable in lower case."""

    supabase_url: str
    supabase_anon_key: str
    supabase_service_role_key: str | None = field(default=None, repr=False)
    supabase_jwt_secret: str | None = field(default=None, repr=False)
    supabase_jwks_url: str | None = None
    supabase_jwt_issuer: str = ""
    supabase_jwt_audience: str = "authenticated"

    upstash_redis_rest_url: str | None = None
    upstash_redis_rest_token: str | None = field(default=None, repr=False)
    cache_prefix: str = "p1"
    cache_deadline_seconds: float = 0.15
    cache_ttl_seconds: int = 14400
    cache_negative_ttl_seconds: int = 60
    breaker_failures: int = 3
    breaker_seconds: float = 5.0

    database_deadline_seconds: float = 5.0
    write_block_seconds: int = 30
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    allowed_origins: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the settings.

        Args:
            environment: Variables by name. One that is empty counts as absent, but for
                SUPABASE_JWT_ISSUER: there it turns the check off.

        Raises:
            SettingsError: One is missing, or is not what it has to be.
        """
        values: dict[str, Any] = {}
        for field_ in dataclasses.fields(cls):
            name = field_.name.upper()
            text = environment.get(name, "").strip()
            if text:
                values[field_.name] = _value(name, text, field_.default)
            elif field_.default is dataclasses.MISSING:
                raise SettingsError(f"{name} is not set")
        if any(len(secret) < _SECRET_LENGTH for secret in values.get("webhook_secrets", ())):
            raise SettingsError(f"WEBHOOK_SECRETS have {_SECRET_LENGTH} characters or more each")
        if ("upstash_redis_rest_url" in values) != ("upstash_redis_rest_token" in values):
            raise SettingsError("UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN go together")
        auth = f"{values['supabase_url']}/auth/v1"
        if "SUPABASE_JWT_ISSUER" not in environment:
            values["supabase_jwt_issuer"] = auth
        if "supabase_jwt_secret" not in values:
            values.setdefault("supabase_jwks_url", f"{auth}/.well-known/jwks.json")
        return cls(**values)


def _value(name: str, text: str, default: object) -> object:
    """A setting, of the type that its default has; without one it is text."""
    if isinstance(default, tuple):
        return tuple(item.strip() for item in text.split(",") if item.strip())
    if isinstance(default, int | float):
        return _positive(name, text, type(default))
    if not name.endswith("_URL"):
        return text
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsError(f"{name} is no http or https URL")
    return text.rstrip("/")


def _positive(name: str, text: str, kind: type[int] | type[float]) -> int | float:
    try:
        value = kind(text)
    except ValueError:
        value = 0
    if not 0 < value < math.inf:
        raise SettingsError(f"{name} is no {'whole ' if kind is int else ''}number above 0")
    return value
