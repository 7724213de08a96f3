"""Settings: what is read, what is refused, and the page that lists them."""

from __future__ import annotations

import dataclasses

import pytest

from functions.core.settings import Settings, SettingsError
from tests.docs.test_docs import rows, section

LEAST = {"SUPABASE_URL": "https://x.supabase.co/", "SUPABASE_ANON_KEY": "anon"}
NEW, OLD = "s3cret-new" * 4, "s3cret-old" * 4
FULL = LEAST | {
    "SUPABASE_SERVICE_ROLE_KEY": "s3cret-service",
    "SUPABASE_JWT_SECRET": "s3cret-jwt",
    "UPSTASH_REDIS_REST_URL": "http://127.0.0.1:8079",
    "UPSTASH_REDIS_REST_TOKEN": "s3cret-redis",
    "WEBHOOK_SECRETS": f" {NEW}, {OLD} ,",
    "ALLOWED_ORIGINS": "https://a.example,https://b.example",
    "BREAKER_SECONDS": "0.5",
    "WRITE_BLOCK_SECONDS": "7",
}


def test_little_has_to_be_set():
    settings = Settings.from_environment(LEAST)
    assert settings.supabase_url == "https://x.supabase.co"
    assert settings.supabase_jwks_url == "https://x.supabase.co/auth/v1/.well-known/jwks.json"
    assert settings.supabase_jwt_issuer == "https://x.supabase.co/auth/v1"
    assert settings.upstash_redis_rest_url is None


def test_what_is_set_is_read():
    settings = Settings.from_environment(FULL)
    assert settings.webhook_secrets == (NEW, OLD)
    assert settings.allowed_origins == ("https://a.example", "https://b.example")
    assert (settings.breaker_seconds, settings.write_block_seconds) == (0.5, 7)


def test_with_a_secret_no_keys_are_fetched_unless_told():
    assert Settings.from_environment(FULL).supabase_jwks_url is None
    told = FULL | {"SUPABASE_JWKS_URL": "https://keys.example/jwks"}
    assert Settings.from_environment(told).supabase_jwks_url == "https://keys.example/jwks"


def test_an_empty_issuer_turns_the_check_off_and_nothing_else_does():
    assert Settings.from_environment(LEAST | {"SUPABASE_JWT_ISSUER": ""}).supabase_jwt_issuer == ""
    empty = dict.fromkeys(FULL.keys() - LEAST.keys(), "")
    assert Settings.from_environment(LEAST | empty) == Settings.from_environment(LEAST)


def test_no_secret_is_printed():
    assert "s3cret" not in repr(Settings.from_environment(FULL))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SUPABASE_URL", ""),
        ("SUPABASE_URL", "x.supabase.co"),
        ("SUPABASE_URL", "https://["),
        ("SUPABASE_URL", "file:///s3cret"),
        ("SUPABASE_ANON_KEY", " "),
        ("UPSTASH_REDIS_REST_TOKEN", ""),
        ("CACHE_TTL_SECONDS", "1.5"),
        ("CACHE_DEADLINE_SECONDS", "0"),
        ("CACHE_DEADLINE_SECONDS", "inf"),
        ("CACHE_DEADLINE_SECONDS", "nan"),
        ("BREAKER_FAILURES", "s3cret"),
        ("WEBHOOK_SECRETS", f"{NEW},s3cret"),
    ],
)
def test_what_cannot_be_is_refused_by_name_without_its_value(name, text):
    with pytest.raises(SettingsError, match=name) as caught:
        Settings.from_environment(FULL | {name: text})
    assert "s3cret" not in str(caught.value)


def test_every_setting_is_documented_with_its_default():
    documented = {row[0].strip("`"): row[1] for row in rows(section("settings.md", "All settings"))}
    assert list(documented) == [field.name.upper() for field in dataclasses.fields(Settings)]
    for field in dataclasses.fields(Settings):
        said = documented[field.name.upper()]
        if field.default is dataclasses.MISSING:
            assert said == "required"
        elif isinstance(field.default, int | float):
            assert said == f"{field.default:g}"
        elif isinstance(field.default, str) and field.name != "supabase_jwt_issuer":
            assert said == f"`{field.default}`"
