"""Postgres alone, as other tests use it."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from devstack import packages, postgres
from devstack.packages import Major, StackError
from devstack.postgres import Grants, Postgres

NEXT_TO_NOTHING = {"TRUNCATE", "REFERENCES", "TRIGGER"}
ALL = NEXT_TO_NOTHING | {"SELECT", "INSERT", "UPDATE", "DELETE"}


@pytest.mark.parametrize("major", [15, 17])
@pytest.mark.parametrize("grants", ["closed", "open"])
def test_new_objects_are_granted_as_on_a_project_of_that_age(
    tmp_path: Path, major: Major, grants: Grants
) -> None:
    with (
        Postgres(tmp_path, major, grants) as server,
        psycopg.connect(server.url(), autocommit=True) as database,
    ):
        assert database.info.server_version // 10000 == major
        database.execute("create table public.things (id integer generated always as identity)")
        database.execute("create function public.act() returns void language sql as ''")

        maintain = {"MAINTAIN"} if major == 17 else set()
        expected = {
            "closed": {"table": NEXT_TO_NOTHING | maintain, "sequence": set(), "function": set()},
            "open": {
                "table": ALL | maintain,
                "sequence": {"USAGE", "SELECT", "UPDATE"},
                "function": {"EXECUTE"},
            },
        }
        for role in ("anon", "authenticated", "service_role"):
            assert _granted(database, role) == expected[grants]
        # Whatever its age, a project opens functions to PUBLIC.
        allowed = database.execute("select has_function_privilege('anon', 'act()', 'execute')")
        assert allowed.fetchone() == (True,)


@pytest.mark.parametrize("major", [15, 17])
def test_the_role_postgres_may_do_what_it_may_on_hosted_supabase(
    tmp_path: Path, major: Major
) -> None:
    with (
        Postgres(tmp_path, major) as server,
        psycopg.connect(server.url(), autocommit=True) as database,
    ):
        database.execute("create extension pg_trgm with schema extensions")
        database.execute("select extensions.digest('', 'sha256'), extensions.uuid_generate_v4()")
        database.execute("create table public.profiles (id uuid references auth.users (id))")
        database.execute(
            """
            create function public.welcome() returns trigger language plpgsql as
              'begin insert into public.profiles values (new.id); return new; end';
            create trigger welcome after insert on auth.users
              for each row execute function public.welcome()
            """
        )
        database.execute("insert into auth.users (id) values (%s)", [uuid.uuid4()])
        assert database.execute("select count(*) from public.profiles").fetchone() == (1,)
        database.execute("create table extensions.mine ()")
        database.execute("create role somebody")
        database.execute("set role authenticated")
        database.execute("reset role")

        for forbidden in (
            "alter system set work_mem = '1GB'",
            "create table auth.mine ()",
            "create or replace function auth.uid() returns uuid language sql as 'select null'",
            "set role supabase_admin",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                database.execute(forbidden.encode())


def test_auth_functions_read_the_claims_as_on_hosted_supabase(tmp_path: Path) -> None:
    someone = uuid.uuid4()
    with Postgres(tmp_path) as server, psycopg.connect(server.url("authenticator")) as database:
        functions = "select auth.uid(), auth.role(), auth.email(), auth.jwt() ->> 'x'"
        database.execute("set local role anon")
        assert database.execute(functions).fetchone() == (None, None, None, None)
        database.execute(
            "select set_config('request.jwt.claims', %s, true)",
            [f'{{"sub": "{someone}", "role": "r", "email": "e", "x": "y"}}'],
        )
        assert database.execute(functions).fetchone() == (someone, "r", "e", "y")


@pytest.mark.parametrize(("durable", "setting"), [(True, "on"), (False, "off")])
def test_only_durable_data_waits_for_the_disk(tmp_path: Path, durable: bool, setting: str) -> None:
    with (
        Postgres(tmp_path, durable=durable) as server,
        psycopg.connect(server.url()) as database,
    ):
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            value = database.execute("select current_setting(%s)", [name]).fetchone()
            assert value == (setting,)


def test_it_starts_again_though_its_old_process_id_is_somebody_elses(tmp_path: Path) -> None:
    lock = tmp_path / "cluster" / "postmaster.pid"
    with Postgres(tmp_path):
        _, *rest = lock.read_text().splitlines()
        password = (tmp_path / "password").read_text()
    as_server = ["setpriv", "--reuid=nobody", "--clear-groups"] if os.geteuid() == 0 else []
    with subprocess.Popen([*as_server, "setpriv", "--pdeathsig=TERM", "sleep", "60"]) as other:
        try:
            lock.write_text("\n".join([str(other.pid), *rest, ""]))
            with Postgres(tmp_path) as server, psycopg.connect(server.url()):
                assert other.poll() is None
        finally:
            other.kill()
    assert (tmp_path / "password").read_text() == password


def test_an_initdb_that_was_cut_short_is_done_again(tmp_path: Path) -> None:
    (tmp_path / "cluster.new" / "base").mkdir(parents=True)

    with Postgres(tmp_path) as server:
        psycopg.connect(server.url()).close()


only_root = pytest.mark.skipif(os.geteuid() != 0, reason="others run Postgres as themselves")


@only_root
def test_root_may_keep_project_and_data_where_only_root_may_enter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = Path("embedded-postgres-17", "native")
    shutil.copytree(packages.NODE_MODULES / package, closed / package, symlinks=True)
    monkeypatch.setattr(packages, "NODE_MODULES", closed)

    with Postgres(closed / "data") as server:
        psycopg.connect(server.url()).close()


@only_root
def test_root_without_capabilities_is_told_which_folder_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(postgres, "_capability", lambda: None)

    with pytest.raises(StackError, match=r"may not enter .*: run the stack as an ordinary user"):
        Postgres(closed / "data").__enter__()


def _granted(database: psycopg.Connection, role: str) -> dict[str, set[str]]:
    """Privileges that a role was given by name, by kind of object."""
    granted: dict[str, set[str]] = {"table": set(), "sequence": set(), "function": set()}
    rows = database.execute(
        """
        select o.kind, a.privilege_type
          from (select 'table', relacl from pg_class where oid = 'things'::regclass
                union all
                select 'sequence', relacl from pg_class where oid = 'things_id_seq'::regclass
                union all
                select 'function', proacl from pg_proc where oid = 'act()'::regprocedure
               ) as o (kind, acl),
               aclexplode(o.acl) as a
         where a.grantee = %s::regrole
        """,
        [role],
    )
    for kind, privilege in rows:
        granted[kind].add(privilege)
    return granted
