"""Rules for every object of the project, present and future.

Each rule is a query that returns its offenders, with the reason to care in the test's name. A new
table or function that breaks one is printed by name.
"""

from collections.abc import Iterator
from typing import LiteralString

import psycopg
import pytest

from devstack import cli
from devstack.postgres import Postgres
from devstack.processes import PartFailed

# Definer functions that a client may call, and why each needs its owner's rights: the header of
# each says more.
DEFINER_API = {
    "accept_invitation": "writes members",
    "accept_share_link": "writes shares",
    "acknowledge_invalidations": "jobs have no access to tables",
    "add_organization_member": "writes members",
    "call_once": "writes down what it has done",
    "clear_parameter": "writes versions and layers",
    "create_composition": "writes compositions and versions",
    "create_organization": "writes organisations and members",
    "create_share_link": "writes shares",
    "current_etags": "jobs have no access to tables",
    "delete_composition": "writes compositions",
    "delete_my_account": "deletes accounts",
    "diff_versions": "callers may not call the helpers",
    "export_my_data": "reads accounts, and compositions in the trash",
    "fork_composition": "writes compositions and versions",
    "get_document": "content is for nobody to read",
    "get_layer": "one look-up instead of policies over all that a person may see",
    "get_version": "one look-up instead of policies over all that a person may see",
    "invite_to_organization": "writes invitations",
    "label_version": "writes versions",
    "leave_organization": "writes members",
    "list_invitations": "invitations are for nobody to read",
    "list_my_compositions": "walks indexes instead of policies over all that a person may see",
    "list_pins": "one look-up instead of policies over all that a person may see",
    "list_shares": "one look-up instead of policies over all that a person may see",
    "list_versions": "one look-up instead of policies over all that a person may see",
    "load_composition": "one look-up instead of policies over all that a person may see",
    "load_for_warming": "jobs have no access to tables",
    "load_home": "one look-up instead of policies over all that a person may see",
    "open_share_link": "the token decides, whoever sends it",
    "patch_composition": "writes versions",
    "pending_invalidations": "jobs have no access to tables",
    "pin_composition": "writes pins",
    "popular_compositions": "jobs have no access to tables",
    "preview_merge": "callers may not call the helpers",
    "promote_layer": "writes versions, compositions and layers",
    "purge_composition": "deletes compositions and versions",
    "purge_trash": "deletes compositions and versions",
    "purge_versions": "deletes versions",
    "record_usage": "writes counts",
    "remove_organization_member": "writes members",
    "reset_layer": "writes layers",
    "resolve_context": "one look-up instead of policies over all that a person may see",
    "restore_version": "writes versions",
    "revoke_invitation": "writes invitations",
    "revoke_share_link": "writes shares",
    "save_version": "writes versions",
    "set_layer": "writes layers",
    "set_organization_role": "writes members",
    "set_parameter": "writes versions and layers",
    "share_composition": "writes shares",
    "transfer_composition": "writes compositions and shares",
    "undelete_composition": "writes compositions",
    "undo_turn": "writes versions",
    "unpin_composition": "writes pins",
    "unshare_composition": "writes shares",
    "update_from_upstream": "writes versions",
    "update_metadata": "locks compositions",
    "validate_document": "reads the limits",
}

# What anon may do, by its name as the catalog prints it.
ANON_MAY = {"public.open_share_link(text)"}

# Functions that service_role may execute, and the job that needs each. It has no right to a table.
SERVICE_ROLE_MAY = {
    "acknowledge_invalidations": "says what caches have forgotten",
    "current_etags": "audits what a cache holds",
    "load_for_warming": "warms a cache",
    "pending_invalidations": "asks what caches must forget",
    "popular_compositions": "says what to warm a cache with",
    "purge_trash": "purges what has been in the trash for long enough",
    "purge_versions": "ends what is kept no longer",
    "record_usage": "reports what caches and handlers counted",
}

RULES: dict[str, LiteralString] = {
    "every table has row level security": """
        select c.oid::regclass::text
          from pg_class as c
         where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
           and c.relkind in ('r', 'p')
           and not c.relrowsecurity
    """,
    "every policy names its roles": """
        select p.polrelid::regclass || '.' || p.polname
          from pg_policy as p
          join pg_class as c on c.oid = p.polrelid
         where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
           and 0 = any (p.polroles)
    """,
    "claims and helpers in a policy are evaluated once a statement": r"""
        select p.schemaname || '.' || p.tablename || '.' || p.policyname
          from pg_policies as p
         where p.schemaname in ('public', 'private')
           and regexp_replace(
                 concat_ws(' ', p.qual, p.with_check),
                 'SELECT (auth\.\w+|private\.\w+)\(', '', 'g'
               ) ~ '(auth|private)\.\w+\('
    """,
    "a table has one permissive policy per role and command": """
        select concat_ws(' ', p.schemaname, p.tablename, p.cmd)
          from pg_policies as p
         where p.schemaname in ('public', 'private') and p.permissive = 'PERMISSIVE'
         group by p.schemaname, p.tablename, p.cmd, p.roles
        having count(*) > 1
    """,
    "every function pins its search_path to nothing": """
        select p.oid::regprocedure::text
          from pg_proc as p
         where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
           and not coalesce(p.proconfig @> array['search_path=""'], false)
    """,
    "every function in public that runs as its owner is listed above": """
        select p.oid::regprocedure::text
          from pg_proc as p
         where p.pronamespace = 'public'::regnamespace
           and p.prosecdef
           and p.proname <> all (%(definer_api)s)
    """,
    "every listed function exists and runs as its owner": """
        select l.name
          from unnest(%(definer_api)s::text[]) as l (name)
         where not exists (
                 select from pg_proc as p
                  where p.pronamespace = 'public'::regnamespace
                    and p.prosecdef
                    and p.proname = l.name
               )
    """,
    "every API function has one signature": """
        select p.proname
          from pg_proc as p
         where p.pronamespace = 'public'::regnamespace
         group by p.proname
        having count(*) > 1
    """,
    "every foreign key has an index that starts with its columns": """
        select k.conrelid::regclass || '.' || k.conname
          from pg_constraint as k
         where k.connamespace in ('public'::regnamespace, 'private'::regnamespace)
           and k.contype = 'f'
           and not exists (
                 select from pg_index as i
                  where i.indrelid = k.conrelid
                    and i.indpred is null
                    and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
               )
    """,
    "every view runs with its caller's rights": """
        select c.oid::regclass::text
          from pg_class as c
         where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
           and c.relkind in ('v', 'm')
           and not coalesce(c.reloptions @> array['security_invoker=true'], false)
    """,
    "anon may use nothing that is not listed above": """
        select g.name
          from (
            select c.oid::regclass::text as name
              from pg_class as c
             where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
               and c.relkind in ('r', 'p', 'v', 'm')
               and (
                 has_table_privilege('anon', c.oid, 'select, insert, update, delete, truncate')
                 or has_table_privilege('anon', c.oid, 'references, trigger')
                 or has_any_column_privilege('anon', c.oid, 'select, insert, update, references')
               )
            union all
            select p.oid::regprocedure::text
              from pg_proc as p
             where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
               and has_function_privilege('anon', p.oid, 'execute')
            union all
            select 'schema private'
             where has_schema_privilege('anon', 'private', 'usage')
          ) as g
         where g.name <> all (%(anon_may)s)
    """,
    "signed-in people get no right that row level security does not check": """
        select c.oid::regclass::text
          from pg_class as c
         where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
           and c.relkind in ('r', 'p', 'v', 'm')
           and has_table_privilege('authenticated', c.oid, 'truncate, references, trigger')
    """,
    "signed-in people insert and delete through functions, and update listed columns": """
        select c.oid::regclass::text
          from pg_class as c
         where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
           and c.relkind in ('r', 'p', 'v', 'm')
           and (
             has_table_privilege('authenticated', c.oid, 'insert, update, delete')
             or has_any_column_privilege('authenticated', c.oid, 'insert')
           )
    """,
    "service_role may execute what is listed above, and has no right to a table": """
        select c.oid::regclass::text
          from pg_class as c
         where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
           and c.relkind in ('r', 'p', 'v', 'm')
           and (
             has_table_privilege(
               'service_role', c.oid,
               'select, insert, update, delete, truncate, references, trigger'
             )
             or has_any_column_privilege('service_role', c.oid, 'select, insert, update')
           )
        union all
        select p.oid::regprocedure::text
          from pg_proc as p
         where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
           and has_function_privilege('service_role', p.oid, 'execute')
           and not (
             p.pronamespace = 'public'::regnamespace
             and p.proname = any (%(service_role_may)s)
           )
    """,
    "service_role may execute all that is listed above, and nobody else": """
        select l.name
          from unnest(%(service_role_may)s::text[]) as l (name)
         where not exists (
                 select from pg_proc as p
                  where p.pronamespace = 'public'::regnamespace
                    and p.proname = l.name
                    and has_function_privilege('service_role', p.oid, 'execute')
                    and not has_function_privilege('authenticated', p.oid, 'execute')
               )
    """,
    "every object belongs to the role that ran the migrations": """
        select c.oid::regclass::text
          from pg_class as c
         where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
           and c.relowner <> 'postgres'::regrole
        union all
        select p.oid::regprocedure::text
          from pg_proc as p
         where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
           and p.proowner <> 'postgres'::regrole
    """,
    "a new table or function is reachable by nobody": """
        select c.oid::regclass::text
          from pg_class as c, unnest(array['anon', 'authenticated', 'service_role']) as r (role)
         where c.relname = 'probe'
           and (
             has_table_privilege(
               r.role, c.oid, 'select, insert, update, delete, truncate, references, trigger'
             )
           )
        union all
        select p.oid::regprocedure::text
          from pg_proc as p, unnest(array['anon', 'authenticated', 'service_role']) as r (role)
         where p.proname = 'probe'
           and has_function_privilege(r.role, p.oid, 'execute')
    """,
}


# How to break each rule, as a migration might.
BREACHES: dict[str, LiteralString] = {
    "every table has row level security": "create table public.breach (id integer)",
    "every policy names its roles": """
        create policy breach on public.organizations for update using (false)
    """,
    "claims and helpers in a policy are evaluated once a statement": """
        create policy breach on public.organizations for update to authenticated
          using (id = auth.uid())
    """,
    "a table has one permissive policy per role and command": """
        create policy breach on public.organizations for select to authenticated using (false)
    """,
    "every function pins its search_path to nothing": """
        create function private.breach() returns integer language sql as 'select 1'
    """,
    "every function in public that runs as its owner is listed above": """
        create function public.breach() returns integer language sql security definer
        set search_path = '' as 'select 1'
    """,
    "every listed function exists and runs as its owner": """
        alter function public.load_composition security invoker
    """,
    "every API function has one signature": """
        create function public.load_composition() returns integer language sql
        set search_path = '' as 'select 1'
    """,
    "every foreign key has an index that starts with its columns": """
        drop index public.organization_members_user_id_idx
    """,
    "every view runs with its caller's rights": """
        create view public.breach as select 1 as one
    """,
    "anon may use nothing that is not listed above": """
        grant execute on function public.load_composition to anon
    """,
    "signed-in people get no right that row level security does not check": """
        grant truncate on public.organizations to authenticated
    """,
    "signed-in people insert and delete through functions, and update listed columns": """
        grant insert (name) on public.organizations to authenticated
    """,
    "service_role may execute what is listed above, and has no right to a table": """
        grant select on public.organizations to service_role
    """,
    "service_role may execute all that is listed above, and nobody else": """
        revoke execute on function public.record_usage from service_role
    """,
    "every object belongs to the role that ran the migrations": """
        set local role supabase_admin; create table private.breach (id integer)
    """,
    "a new table or function is reachable by nobody": """
        alter default privileges in schema public grant select on tables to anon
    """,
}


@pytest.fixture
def migrating(admin: psycopg.Connection) -> Iterator[None]:
    """A migration under way, taken back at the end."""
    with admin.transaction(force_rollback=True):
        admin.execute("set local role postgres")
        yield


def offenders(admin: psycopg.Connection, rule: str) -> list[str]:
    admin.execute(
        """
        create table public.probe (id integer);
        alter table public.probe enable row level security;
        create function public.probe() returns integer language sql
        set search_path = '' as 'select 1'
        """
    )
    # So that the catalog spells every name out.
    admin.execute("set local search_path = ''")
    found = admin.execute(
        RULES[rule],
        {
            "definer_api": list(DEFINER_API),
            "anon_may": list(ANON_MAY),
            "service_role_may": list(SERVICE_ROLE_MAY),
        },
    ).fetchall()
    return [name for (name,) in found]


@pytest.mark.usefixtures("migrating")
@pytest.mark.parametrize("rule", RULES)
def test_rule(admin, rule):
    assert offenders(admin, rule) == [], rule


@pytest.mark.usefixtures("migrating")
@pytest.mark.parametrize("rule", RULES)
def test_a_breach_of_the_rule_is_found(admin, rule):
    admin.execute(BREACHES[rule])
    assert offenders(admin, rule) != []


def advisors(postgres: Postgres) -> str:
    """What `supabase db advisors` says, which fails on a warning or an error."""
    return cli.supabase(
        *("db", "advisors", "--level=warn", "--fail-on=warn"), database_url=postgres.url()
    )


def test_supabase_db_advisors_is_silent(postgres):
    assert "No issues found" in advisors(postgres)


def test_supabase_db_advisors_is_heard(postgres, admin):
    admin.execute("create table public.breach (id integer); grant select on public.breach to anon")
    try:
        with pytest.raises(PartFailed, match="RLS"):
            advisors(postgres)
    finally:
        admin.execute("drop table public.breach")
