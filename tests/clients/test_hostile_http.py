"""What hostile callers get through the gateway and PostgREST: no data, no change, nothing told.

Ann has something of everything, all of it secret; Eve has nothing, so every row she sees is a leak.
"""

from __future__ import annotations

import base64
import json
import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, LiteralString

import httpx
import jwt
import psycopg
import pytest
from psycopg import sql

from devstack.stack import Addresses, Stack
from scripts import api_docs
from tests.attacks import ATTACKS, Id, fingerprint
from tests.docs.test_docs import rows, section
from tests.people import NOBODY, Json
from tests.samples import SMALLEST

SECRET = "nobody-elses-business"
LATER = 4_000_000_000


@dataclass(frozen=True)
class Table:
    """What a signed-in person may do to their own rows of a table."""

    readable: bool = False
    updates: frozenset[str] = frozenset()


# Every table of the schema public; one may be here before it is there.
TABLES = {
    "composition_layers": Table(readable=True),
    "composition_pins": Table(readable=True, updates=frozenset({"position"})),
    "composition_usage": Table(readable=True),
    "composition_versions": Table(readable=True),
    "compositions": Table(),
    "organization_invitations": Table(),
    "organization_members": Table(readable=True),
    "organizations": Table(readable=True),
    "shared_compositions": Table(readable=True),
    "user_compositions": Table(readable=True, updates=frozenset({"title", "description", "tags"})),
}

CODES = {row[0].strip("`"): row for row in rows(section("errors.md", "Codes"))}


class Caller:
    """Somebody with a token, or with nothing but the public key."""

    def __init__(self, http: httpx.Client, anon_key: str, token: str | None, id: str = "") -> None:
        self._http = http
        self.id = id
        self.token = token
        self._headers = {"apikey": anon_key}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Ask; a body that is no text is sent as JSON."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            body = body if isinstance(body, (str, bytes)) else json.dumps(body)
            sent = {"Content-Type": "application/json"} | sent
        answer = self._http.request(method, path, content=body, headers=self._headers | sent)
        assert answer.status_code < 500, answer.text
        return answer

    def rpc(self, function: str, **arguments: Any) -> Any:
        """Call a function that is not meant to refuse."""
        answer = self("POST", f"rpc/{function}", arguments)
        assert answer.status_code == 200, answer.text
        return answer.json()


@dataclass(frozen=True)
class Column:
    """A column of a table, with a value of Ann's and one that nobody has."""

    table: str
    name: str
    type: str
    hers: str | None
    nobodys: str


@dataclass(frozen=True)
class World:
    """People, and the tables as the catalog has them."""

    addresses: Addresses
    http: httpx.Client
    anon: Caller
    ann: Caller
    eve: Caller
    database: psycopg.Connection
    columns: tuple[Column, ...]

    def caller(self, token: str | None) -> Caller:
        """Somebody with any token."""
        return Caller(self.http, self.addresses["anon_key"], token)

    def names(self, query: LiteralString, *values: Any) -> list[str]:
        """The first column of what the catalog says."""
        found = self.database.execute(query, values).fetchall()
        return [name for (name, *_) in found]

    @property
    def tables(self) -> list[str]:
        """Tables of the schema public."""
        return sorted({column.table for column in self.columns})

    def columns_of(self, table: str) -> list[Column]:
        """The columns of a table."""
        return [column for column in self.columns if column.table == table]


FAKES = {
    "uuid": NOBODY,
    "int4": "987654",
    "int8": "987654",
    "bool": "true",
    "date": "1999-12-31",
    "timestamptz": "1999-12-31T00:00:00Z",
    "text": "nobody has this",
    "_text": '{"nobody has this"}',
    "jsonb": '{"nobody": "has this"}',
    "bytea": r"\x" + "ab" * 32,
}


def columns(database: psycopg.Connection) -> Iterator[Column]:
    """Every column of every table, with a value of a row that is there."""
    for table, name, type_ in database.execute(
        """
        select c.relname, a.attname, t.typname
          from pg_class as c
          join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
          join pg_type as t on t.oid = a.atttypid
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
         order by c.relname, a.attnum
        """
    ).fetchall():
        value = database.execute(
            sql.SQL("select {0}::text from public.{1} where {0} is not null limit 1").format(
                sql.Identifier(name), sql.Identifier(table)
            )
        ).fetchone()
        yield Column(table, name, type_, value[0] if value else None, FAKES[type_])


@pytest.fixture(scope="module")
def world(stack: Stack) -> Iterator[World]:
    addresses = stack.addresses
    with (
        httpx.Client(base_url=addresses["supabase_url"] + "/rest/v1/", timeout=30) as http,
        psycopg.connect(addresses["database_url"], autocommit=True) as database,
    ):

        def sign_up(name: str) -> Caller:
            answer = http.post(
                addresses["supabase_url"] + "/auth/v1/signup",
                json={"email": f"{name}-{uuid.uuid4()}@{SECRET}.com", "password": "a long secret"},
                headers={"apikey": addresses["anon_key"]},
            ).json()
            token, id = answer["access_token"], answer["user"]["id"]
            return Caller(http, addresses["anon_key"], token, id)

        ann, ben, eve = (sign_up(name) for name in ("ann", "ben", "eve"))
        organization = ann.rpc("create_organization", name=SECRET)["organization_id"]
        document = SMALLEST | {"body": {"text": SECRET}}
        composition = ann.rpc(
            "create_composition",
            title=SECRET, description=SECRET, tags=[SECRET], message=SECRET,
            document=document, organization_id=organization,
        )["composition_id"]  # fmt: skip
        ann.rpc("share_composition", composition_id=composition, user_id=ben.id, role="viewer")
        yield World(
            addresses,
            http,
            Caller(http, addresses["anon_key"], None),
            ann,
            eve,
            database,
            tuple(columns(database)),
        )


@pytest.fixture(autouse=True)
def unchanged(world: World) -> Iterator[None]:
    """Whatever is sent here, nothing has changed afterwards."""
    before = fingerprint(world.database)
    yield
    assert fingerprint(world.database) == before


def refusal(answer: httpx.Response) -> Json:
    """The error of an answer that has to be one, in the one shape that errors have."""
    assert answer.is_client_error, f"{answer.request.url} {answer.text[:300]}"
    assert SECRET not in answer.text
    assert len(answer.content) < 3000
    error: Json = answer.json()
    assert error.keys() == {"code", "message", "details", "hint"}
    return error


def told(answer: httpx.Response) -> tuple[int, str | None, str]:
    """All that a caller learns from an answer."""
    assert SECRET not in answer.text
    return (answer.status_code, answer.headers.get("Content-Range"), answer.text)


def test_every_table_is_listed_above(world):
    assert set(world.tables) <= TABLES.keys()


def test_what_is_served_is_what_is_documented(world):
    nobodys, hers = (caller("GET", "").json() for caller in (world.anon, world.eve))

    functions = {f"/rpc/{f.name}": f.callers for f in api_docs.functions()}
    open_ = {path for path, callers in functions.items() if "anon" in callers}
    assert nobodys["paths"].keys() == {"/", *open_}
    assert nobodys.get("definitions", {}) == {}

    readable = {table for table in world.tables if TABLES[table].readable}
    for_people = {path for path, callers in functions.items() if "authenticated" in callers}
    assert hers["paths"].keys() == {"/", *for_people, *(f"/{table}" for table in readable)}
    assert hers["definitions"].keys() == readable


def segment(value: Any) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def tokens(addresses: Addresses, ann: Caller) -> dict[str, str]:
    """Tokens that are not ours, or not for this."""
    mine = {"sub": ann.id, "role": "authenticated", "aud": "authenticated", "exp": LATER}
    server = mine | {"role": "service_role"}
    right, wrong = addresses["jwt_secret"], "another secret of thirty-two bytes"
    header, _, signature = jwt.encode(mine, right, "HS256").split(".")
    body = segment(mine)
    return {
        "the public key": addresses["anon_key"],
        "expired": jwt.encode(mine | {"exp": int(time.time()) - 3600}, right, "HS256"),
        "not yet valid": jwt.encode(mine | {"nbf": LATER - 1}, right, "HS256"),
        "forged": jwt.encode(mine, wrong, "HS256"),
        "forged for a server": jwt.encode(server, wrong, "HS256"),
        "unsigned": jwt.encode(mine, "", "none"),
        "unsigned, as it is": f"{header}.{body}.",
        "unsigned, in capitals": f"{segment({'alg': 'NONE', 'typ': 'JWT'})}.{body}.",
        "another algorithm named": f"{segment({'alg': 'RS256'})}.{body}.{signature}",
        "changed": f"{header}.{segment(server)}.{signature}",
        "signed with the public key": jwt.encode(mine, addresses["anon_key"], "HS256"),
        "a key of its own": jwt.encode(
            mine, wrong, "HS256", headers={"jwk": {"kty": "oct", "k": segment(wrong)}}
        ),
        "no token": "x",
        "a role that is not there": jwt.encode(mine | {"role": "nobody"}, right, "HS256"),
        "no role": jwt.encode({"sub": ann.id, "exp": LATER}, right, "HS256"),
        **{
            f"the role {role}": jwt.encode(mine | {"role": role}, right, "HS256")
            for role in ("postgres", "supabase_admin", "supabase_auth_admin", "authenticator")
        },
        "several roles": jwt.encode(mine | {"role": ["authenticated"]}, right, "HS256"),
        "a role in disguise": jwt.encode(mine | {"role": 'anon"; set role postgres; --'}, right),
    }


def test_no_token_but_ours_gets_in(world, subtests):
    for name, token in tokens(world.addresses, world.ann).items():
        caller = world.caller(token)
        for method, path in (
            ("GET", "user_compositions"),
            ("HEAD", "user_compositions"),
            ("PATCH", "user_compositions"),
            ("GET", "rpc/list_my_compositions"),
            ("POST", "rpc/create_organization"),
        ):
            with subtests.test(token=name, method=method, path=path):
                body = {"title": "x", "name": "x"}
                body.pop("name" if method == "PATCH" else "title")
                answer = caller(method, path, body if method in ("POST", "PATCH") else None)
                # 400: our own key has signed it, for a role that is not there.
                assert answer.status_code in (400 if "role" in name else 401, 401, 403), answer.text
                assert SECRET not in answer.text


def test_nobody_writes_what_only_functions_write(world, subtests):
    for table in world.tables:
        columns = world.columns_of(table)
        row = {c.name: c.hers for c in columns if c.hers is not None}
        key = world.names(
            """
            select a.attname
              from pg_index as i
              join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
             where i.indisprimary and i.indrelid = %s::regclass
             order by a.attnum
            """,
            f"public.{table}",
        )
        hers = "&".join(f"{name}=eq.{row[name]}" for name in key if name in row)
        merge = {"Prefer": "resolution=merge-duplicates"}
        attempts: list[tuple[str, str, Any, dict[str, str]]] = [
            ("POST", table, {}, {}),
            ("POST", table, row, {}),
            ("POST", table, [row, row], merge),
            ("POST", table, row, {"Prefer": "resolution=ignore-duplicates"}),
            ("POST", f"{table}?on_conflict={','.join(key)}", row, merge),
            ("POST", f"{table}?columns={','.join(key)}", row, {"Prefer": "missing=default"}),
            ("PUT", f"{table}?{hers}", row, {}),
            ("DELETE", f"{table}?{hers}", None, {"Prefer": "return=representation"}),
            ("DELETE", table, None, {}),
        ] + [
            ("PATCH", f"{table}?{hers}", {c.name: c.hers} | also, {})
            for c in columns
            if c.name not in TABLES[table].updates
            for also in ({}, dict.fromkeys(sorted(TABLES[table].updates), "x"))
        ]
        for method, path, body, headers in attempts:
            with subtests.test(method=method, path=path, body=body, headers=headers):
                assert world.ann(method, path, body, **headers).is_client_error
                error = refusal(world.eve(method, path, body, **headers))
                # 428C9: a generated column, which nobody can write.
                assert not row or error["code"] in ("42501", "428C9", "PGRST102")
        for method, path, body, headers in attempts[:9]:
            with subtests.test(who="anon", method=method, path=path):
                refusal(world.anon(method, path, body, **headers))


def test_what_may_be_updated_is_updated_in_rows_of_ones_own(world, subtests):
    for table in world.tables:
        for column in sorted(TABLES[table].updates):
            with subtests.test(table=table, column=column):
                value = [] if column == "tags" else "x"
                for path in (table, f"{table}?{column}=not.is.null", f"{table}?limit=1&order=id"):
                    answer = world.eve(
                        "PATCH", path, {column: value}, Prefer="return=representation,count=exact"
                    )
                    assert told(answer) == (200, "*/0", "[]")


ASKED = [
    ("HEAD", {"Prefer": "count=exact"}),
    ("GET", {"Prefer": "count=exact", "Range": "0-0"}),
    ("GET", {"Range": "1-1"}),
    ("GET", {"Accept": "text/csv"}),
    ("GET", {"Accept": "application/vnd.pgrst.object+json"}),
]
GUESSES = [("HEAD", {"Prefer": f"count={count}"}) for count in ("planned", "estimated")]

# Columns of text whose values are the same few for everybody.
GUESSED = {
    ("composition_versions", "kind"),
    ("organization_members", "role"),
    ("shared_compositions", "role"),
}


def test_a_filter_does_not_tell_whether_others_have_a_value(world, subtests):
    for column in world.columns:
        if not TABLES[column.table].readable or column.hers is None:
            continue
        # Guesses about ids, numbers and times are public: docs/decisions/0001-content-by-hash.md.
        closed = column.type in ("text", "bytea") and (column.table, column.name) not in GUESSED
        with subtests.test(table=column.table, column=column.name):
            for method, headers in ASKED + (GUESSES if closed else []):
                hers, nobodys = (
                    told(world.eve(method, f"{column.table}?{query}", **headers))
                    for query in (
                        httpx.QueryParams({column.name: f"eq.{value}"})
                        for value in (column.hers, column.nobodys)
                    )
                )
                assert hers == nobodys
                assert hers[2] in ("", "[]", "\n") or "PGRST116" in hers[2]


def test_the_planner_knows_of_no_text_that_its_guesses_could_tell(world):
    known = world.database.execute(
        """
        select c.relname, a.attname
          from pg_class as c
          join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         where c.relnamespace = 'public'::regnamespace
           and has_table_privilege('authenticated', c.oid, 'select')
           and a.atttypid in ('text'::regtype, 'text[]'::regtype, 'bytea'::regtype)
           and a.attstattarget is distinct from 0
           and not exists (  -- of what is unique it guesses one, whatever is asked for
             select from pg_index as i
              where i.indrelid = c.oid and i.indisunique and i.indkey::text = a.attnum::text
           )
        """
    ).fetchall()
    assert set(known) <= GUESSED


# What PostgREST can be asked to do to a table, `{c}` a column of it: each may fail, but not because
# of a row that the caller may not see, and then it fails the same for a table without such rows.
QUESTIONS = (
    "select=*",
    "select=count",
    "select=count()",
    "select={c}.count()",
    "select={c}::text::integer",
    "select={c}->a->>b",
    "{c}=not.is.null",
    "{c}=match.[",
    "{c}=like.*",
    "{c}=fts(english).nobody | elses",
    "{c}=plfts(nosuch).nobody",
    "{c}=cs.{{a}}",
    "{c}=ov.{{a}}",
    "{c}=sl.(1,2)",
    "{c}=eq(any).{{a}}",
    "{c}=lt.x",
    "{c}->>a=eq.1",
    "{c}->a=lt.1",
    "or=({c}.not.is.null,{c}.is.null)",
    "not.and=({c}.is.null,or({c}.is.null,{c}.match.[))",
    "order={c}.desc.nullslast",
    "offset=1",
    "limit=0",
    "limit=-1",
    "offset=99999999999999999999",
)


def test_no_question_about_a_table_is_answered_out_of_rows_of_others(world, subtests):
    of_each_type = {(column.table, column.type): column for column in world.columns}
    asked = {table: [q for q in QUESTIONS if "{c}" not in q] for table in world.tables}
    for table, questions in asked.items():
        for column in (c for c in of_each_type.values() if c.table == table):
            questions += [q.format(c=column.name) for q in QUESTIONS if "{c}" in q]
        with subtests.test(table=table):
            if not TABLES[table].readable:
                assert refusal(world.eve("GET", f"{table}?select=*"))["code"] == "42501"
                continue
            for question in questions:
                answer = world.eve("GET", f"{table}?{question}")

                assert SECRET not in answer.text
                if answer.is_success:
                    assert answer.json() in ([], [{"count": 0}]), question
                elif "limit" not in question and "offset" not in question:
                    # No row is to blame: without looking at any it is refused as well.
                    without = world.eve("GET", f"{table}?{question}&limit=0")
                    assert told(without) == told(answer), question


def test_no_table_leads_to_another_ones_rows(world, subtests):
    tables = [*world.tables, "users", "auth.users", "settings"]
    for table in world.tables:
        for other in tables:
            with subtests.test(table=table, other=other):
                for query in (
                    f"select=*,{other}(*)",
                    f"select=*,{other}!inner(*)",
                    f"select=...{other}(*)",
                    f"select={other}(id)&{other}.order=id&order={other}(id)",
                    f"select=id,{other}()&{other}=not.is.null",
                    f"select=*,{other}(*)&{other}.title=match.[&{other}.email=like.*",
                ):
                    answer = world.eve("GET", f"{table}?{query}")

                    assert SECRET not in answer.text
                    if answer.is_success:
                        assert answer.json() == [], query
                    else:
                        code = answer.json()["code"]
                        assert code in ("42501", "42703") or code.startswith("PGRST"), query


def test_no_function_is_reached_as_a_column(world, subtests):
    names = world.names(
        """
        select distinct p.proname
          from pg_proc as p
         where p.pronamespace = 'private'::regnamespace
           and exists (
             select from pg_class as c
              where c.relnamespace = 'public'::regnamespace and c.reltype = any (p.proargtypes)
           )
        """
    )
    assert names
    for table in (table for table in world.tables if TABLES[table].readable):
        for name in names:
            with subtests.test(table=table, function=name):
                error = refusal(world.ann("GET", f"{table}?select={name}"))
                assert error["code"] == "42703"


def test_no_plan_is_shown(world):
    for accepted in ("application/vnd.pgrst.plan+json", "application/vnd.pgrst.plan+text"):
        error = refusal(world.ann("GET", "user_compositions", Accept=accepted))
        assert error["code"] == "PGRST107"


@pytest.mark.parametrize(
    "schema", ["private", "auth", "extensions", "pg_catalog", "public,private"]
)
def test_no_other_schema_is_served(world, subtests, schema):
    for method, path, body in (
        ("GET", "settings", None),
        ("GET", "users", None),
        ("GET", "", None),
        ("POST", "rpc/append_version", {}),
        ("POST", "rpc/uid", {}),
        ("PATCH", "settings?name=eq.trash_days", {"value": 1}),
    ):
        with subtests.test(method=method, path=path):
            profile = {"Accept_Profile" if method == "GET" else "Content_Profile": schema}
            error = refusal(world.ann(method, path, body, **profile))
            assert error["code"] == "PGRST106"


def test_no_function_outside_of_the_api_is_called(world, subtests):
    names = world.names(
        "select distinct p.proname from pg_proc as p where p.pronamespace in"
        " ('private'::regnamespace, 'auth'::regnamespace, 'extensions'::regnamespace)"
    )
    api = {function.name for function in api_docs.functions()}
    more = [
        "pg_sleep",
        "version",
        "set_config",
        "pg_read_file",
        "lo_import",
        "pg_terminate_backend",
    ]
    for name in sorted({*names, *more} - api):
        with subtests.test(function=name):
            error = refusal(world.ann("POST", f"rpc/{name}", {}))
            assert error["code"] == "PGRST202", error


@dataclass(frozen=True)
class Call:
    """A call of a function with what is Ann's, as the caller may not make it."""

    function: str
    arguments: Json
    writes: bool


@pytest.fixture(scope="module")
def calls(world: World) -> list[Call]:
    """Every function for people that names something, with ids that nobody has."""
    found = []
    for function in api_docs.functions():
        named = ATTACKS[function.name].arguments
        if "authenticated" in function.callers and ATTACKS[function.name].ids:
            arguments = {
                name: NOBODYS.get(named[name].kind, NOBODY)
                if isinstance(named[name], Id)
                else named[name]
                for name in (argument.name for argument in function.arguments)
            }
            found.append(Call(function.name, arguments, not function.reads_only))
    return found


# What nobody has, of the kinds that are no ids.
NOBODYS = {"version": 1, "link_token": "A" * 43, "invitation_token": "A" * 43}


def test_what_writes_is_not_reached_by_get(world, calls, subtests):
    for call in calls:
        if call.writes:
            with subtests.test(function=call.function):
                query = {
                    name: value if isinstance(value, str) else json.dumps(value)
                    for name, value in call.arguments.items()
                    if value is not None and name not in ("tags", "paths")
                }
                path = str(httpx.URL(f"rpc/{call.function}", params=query))
                error = refusal(world.eve("GET", path))
                assert error["code"] in ("25006", "PT401", "PT404", "PT422"), error
                assert world.eve("HEAD", path).is_client_error


def test_no_function_is_called_with_what_it_does_not_take(world, calls, subtests):
    for call in calls:
        for more in ("owner_id", "author_id", ""):
            with subtests.test(function=call.function, more=more):
                body = call.arguments | {more: NOBODY}
                error = refusal(world.eve("POST", f"rpc/{call.function}", body))
                assert error["code"] == "PGRST202", error


def test_a_refusal_tells_its_code_and_facts_and_nothing_else(world, calls, subtests):
    seen = set()
    for call in calls:
        with subtests.test(function=call.function):
            answer = world.eve("POST", f"rpc/{call.function}", call.arguments)
            if answer.is_success:
                continue
            error = refusal(answer)
            details = json.loads(error["details"])
            row = CODES[details.pop("code")]
            assert (error["code"], str(answer.status_code)) == (row[1], row[1].removeprefix("PT"))
            assert details.keys() <= set(re.findall(r"`(\w+)`", row[2]))
            seen.add(row[0])
    assert "`composition_not_found`" in seen


BODIES = {
    "an array": ("[{0}]", "application/json"),
    "two of them": ("[{0}, {0}]", "application/json"),
    "positions": ("[1, 2, 3]", "application/json"),
    "a string": ('"x"', "application/json"),
    "null": ("null", "application/json"),
    "nothing": ("", "application/json"),
    "no json": ("{{", "application/json"),
    "twice the same": ('{{"composition_id": 1, "composition_id": {{}}}}', "application/json"),
    "deep": ("[" * 100_000 + "]" * 100_000, "application/json"),
    "csv": ("a,b\n1,2\n", "text/csv"),
    "a form": ("composition_id=1&version=x", "application/x-www-form-urlencoded"),
    "bytes": ("\x00\x01", "application/octet-stream"),
    "text": ("{0}", "text/plain"),
    "xml": ("<a/>", "text/xml"),
    "a made-up type": ("{0}", "application/vnd.pgrst.object+json"),
    "another charset": ("{0}", "application/json; charset=utf-16"),
}


@pytest.mark.parametrize("prefer", ["", "params=single-object", "params=multiple-objects"])
def test_whatever_shape_a_body_has_it_is_refused_in_the_one_shape(world, calls, subtests, prefer):
    for call in (call for call in calls if call.function in ("load_composition", "save_version")):
        for name, (body, type_) in BODIES.items():
            with subtests.test(function=call.function, body=name):
                sent = body.format(json.dumps(call.arguments)).encode()
                answer = world.eve(
                    "POST", f"rpc/{call.function}", sent, Content_Type=type_, Prefer=prefer
                )
                refusal(answer)


def test_ten_megabytes_are_refused_in_few_words(world):
    for function, argument in (("create_organization", "name"), ("load_composition", "x")):
        answer = world.eve("POST", f"rpc/{function}", {argument: "x" * 10_000_000})
        assert len(refusal(answer)["message"]) < 300
