"""What a database consists of, object by object, so that two can be compared.

Two databases with equal descriptions behave alike: the description covers columns, constraints,
indexes, functions with their settings, triggers, policies, comments, owners, every grant, and the
rows of `private.settings`.
"""

from __future__ import annotations

from typing import LiteralString

import psycopg

_OURS: LiteralString = "array['public', 'private']::regnamespace[]"

# Each query returns (kind, name, definition).
_QUERIES: tuple[LiteralString, ...] = (
    f"""
    select 'schema', n.nspname,
           concat_ws(' ', n.nspowner::regrole, array_to_string(n.nspacl, ','))
      from pg_namespace as n
     where n.oid = any ({_OURS})
    """,
    f"""
    select 'table', c.oid::regclass::text,
           concat_ws(' ', c.relkind, c.relowner::regrole, c.relrowsecurity, c.relforcerowsecurity,
                     c.reloptions::text, obj_description(c.oid, 'pg_class'))
      from pg_class as c
     where c.relnamespace = any ({_OURS}) and c.relkind in ('r', 'v', 'm', 'p', 'S')
    """,
    f"""
    select 'column', c.oid::regclass || '.' || a.attname,
           concat_ws(' ', a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                     a.attidentity, a.attgenerated, a.attstorage, nullif(a.attstattarget, -1),
                     pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum))
      from pg_class as c
      join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      left join pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum
     where c.relnamespace = any ({_OURS}) and c.relkind in ('r', 'v', 'm', 'p')
    """,
    f"""
    select 'constraint', k.conrelid::regclass || '.' || k.conname,
           concat_ws(' ', pg_get_constraintdef(k.oid), k.convalidated,
                     obj_description(k.oid, 'pg_constraint'))
      from pg_constraint as k
     where k.connamespace = any ({_OURS})
    """,
    f"""
    select 'index', i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
      from pg_index as i
      join pg_class as c on c.oid = i.indexrelid
     where c.relnamespace = any ({_OURS})
    """,
    f"""
    select 'function', p.oid::regprocedure::text,
           concat_ws(' ', p.proowner::regrole, pg_get_functiondef(p.oid),
                     obj_description(p.oid, 'pg_proc'))
      from pg_proc as p
     where p.pronamespace = any ({_OURS}) and p.prokind = 'f'
    """,
    f"""
    select 'trigger', t.tgrelid::regclass || '.' || t.tgname,
           concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled)
      from pg_trigger as t
      join pg_proc as p on p.oid = t.tgfoid
     where p.pronamespace = any ({_OURS}) and not t.tgisinternal
    """,
    f"""
    select 'policy', p.polrelid::regclass || '.' || p.polname,
           concat_ws(' ', p.polcmd, p.polpermissive, p.polroles::regrole[]::text,
                     pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
      from pg_policy as p
      join pg_class as c on c.oid = p.polrelid
     where c.relnamespace = any ({_OURS})
    """,
    f"""
    select 'grants', name, string_agg(
             format('%s %s%s', grantee, privilege_type,
                    case when is_grantable then ' with grant option' else '' end),
             ', ' order by grantee, privilege_type, is_grantable)
      from (
        select o.name, coalesce(nullif(a.grantee, 0)::regrole::text, 'public') as grantee,
               a.privilege_type, a.is_grantable
          from (
            select c.oid::regclass::text as name,
                   coalesce(c.relacl, acldefault(
                     case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner)) as acl
              from pg_class as c
             where c.relnamespace = any ({_OURS}) and c.relkind in ('r', 'v', 'm', 'p', 'S')
            union all
            select a.attrelid::regclass || '.' || a.attname, a.attacl
              from pg_attribute as a
              join pg_class as c on c.oid = a.attrelid
             where c.relnamespace = any ({_OURS}) and a.attacl is not null
            union all
            select p.oid::regprocedure::text,
                   coalesce(p.proacl, acldefault('f', p.proowner))
              from pg_proc as p
             where p.pronamespace = any ({_OURS})
          ) as o
         cross join aclexplode(o.acl) as a
      ) as granted
     group by name
    """,
    """
    select 'default grants', concat_ws(' ', d.defaclrole::regrole,
             coalesce(nullif(d.defaclnamespace, 0)::regnamespace::text, 'everywhere'),
             d.defaclobjtype),
           (select string_agg(a::text, ',' order by a::text) from unnest(d.defaclacl) as a)
      from pg_default_acl as d
     where d.defaclrole = 'postgres'::regrole
    """,
    """
    select 'setting', s.name, concat_ws(' ', s.value, s.description)
      from private.settings as s
    """,
)

Catalog = dict[tuple[str, str], str]


def describe(connection: psycopg.Connection) -> Catalog:
    """Describe the schemas public and private.

    Returns:
        Definitions by (kind, name), for example ("table", "user_compositions").
    """
    with connection.transaction():
        connection.execute("set local search_path = ''")
        return {
            (kind, name): definition
            for query in _QUERIES
            for kind, name, definition in connection.execute(query).fetchall()
        }
