"""What supabase-py users do, against the running stack."""

from __future__ import annotations

import contextlib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from postgrest import APIError
from supabase import AuthApiError, Client

from devstack.stack import Stack
from tests.devstack.conftest import wait_until

Connect = Callable[..., Client]
PASSWORD = "correct-horse"


@pytest.fixture
def whoami(stack: Stack, connect: Connect) -> Iterator[Callable[[Client], Any]]:
    """A function of the API, made while PostgREST runs, and how to call it."""

    def call(client: Client) -> Any:
        return client.rpc("devstack_whoami").execute().data

    def served() -> bool:
        with contextlib.suppress(APIError):
            return bool(call(connect(stack.addresses, "service_role_key")))
        return False

    with psycopg.connect(stack.addresses["database_url"], autocommit=True) as database:
        database.execute(
            """
            create function public.devstack_whoami() returns jsonb language sql as $$
              select jsonb_build_object('id', auth.uid(), 'role', auth.role(),
                                        'email', auth.email(), 'claims', auth.jwt())
            $$;
            revoke execute on function public.devstack_whoami() from public;
            grant execute on function public.devstack_whoami() to authenticated, service_role;
            """
        )
        try:
            wait_until(served)
            yield call
        finally:
            database.execute("drop function public.devstack_whoami()")


def test_two_people_sign_up_and_call_a_function_as_themselves(
    stack: Stack, connect: Connect, whoami: Callable[[Client], Any]
) -> None:
    for name in ("ann", "ben"):
        client = connect(stack.addresses)
        email = f"{name}@example.com"
        signed_up = client.auth.sign_up(
            {
                "email": email,
                "password": PASSWORD,
                "options": {"data": {"name": name, "likes": ["[1]"]}},
            }
        ).user
        assert signed_up and signed_up.created_at.year > 2000
        assert signed_up.user_metadata["likes"] == ["[1]"]

        signed_in = client.auth.sign_in_with_password({"email": email, "password": PASSWORD}).user
        assert signed_in and signed_in.id == signed_up.id

        seen = whoami(client)
        assert (seen["id"], seen["email"]) == (signed_up.id, email)
        assert seen["role"] == seen["claims"]["role"] == "authenticated"

    with psycopg.connect(stack.addresses["database_url"]) as database:
        kinds = database.execute(
            "select jsonb_typeof(raw_user_meta_data) from auth.users where email = any(%s)",
            [["ann@example.com", "ben@example.com"]],
        )
        assert kinds.fetchall() == [("object",), ("object",)]


def test_each_key_is_its_role(
    stack: Stack, connect: Connect, whoami: Callable[[Client], Any]
) -> None:
    assert whoami(connect(stack.addresses, "service_role_key"))["role"] == "service_role"

    with pytest.raises(APIError) as refusal:
        whoami(connect(stack.addresses))
    assert refusal.value.code == "42501"


def test_a_wrong_password_is_refused(stack: Stack, connect: Connect) -> None:
    client = connect(stack.addresses)
    client.auth.sign_up({"email": "cat@example.com", "password": PASSWORD})

    with pytest.raises(AuthApiError) as refusal:
        client.auth.sign_in_with_password({"email": "cat@example.com", "password": "guessed"})

    assert refusal.value.code == "invalid_credentials"


def test_auth_serves_nothing_but_auth(stack: Stack, connect: Connect) -> None:
    signed_up = connect(stack.addresses).auth.sign_up(
        {"email": "dan@example.com", "password": PASSWORD}
    )
    assert signed_up.session
    request = urllib.request.Request(
        stack.addresses["supabase_url"] + "/auth/v1/studio",
        headers={
            "apikey": stack.addresses["anon_key"],
            "Authorization": f"Bearer {signed_up.session.access_token}",
        },
    )

    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request)

    with refusal.value as answer:
        assert answer.code == 404
