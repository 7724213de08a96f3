"""Every function of the API, present and future, called by those who mean no good.

How each is attacked stands in tests/attacks.py. A call goes in as PostgREST sends it: a JSON body,
whose values Postgres turns into the types of the arguments. What a call does is taken back.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql
from psycopg.types.json import Jsonb

from devstack.postgres import Postgres
from tests.attacks import ATTACKS, TELLING, Id, fingerprint
from tests.database.test_invariants import ANON_MAY, SERVICE_ROLE_MAY
from tests.docs.test_docs import rows, section
from tests.people import NOBODY, Json, Person
from tests.samples import DEPTH_BOMB, NUMBER_BOMB, SMALLEST, ZERO_BOMB

# In all that is somebody else's, and in what is sent: no error may repeat the one or the other.
ROWS = {"type": "limit", "value": 8, "target": []}
SECRET = "nobody-elses-business"
SENT = "sent-and-not-sent-back"

# What Postgres says of a value before a function sees it. Inside a function every refusal is ours,
# but for what is nested so deeply that nothing can read it.
OF_A_TYPE = {"22P02", "22P05", "22003", "22007", "22008", "22009", "22023"}
TOO_DEEP = "54001"

HIDDEN = {"PT401", "PT404"}


@dataclass(frozen=True)
class Function:
    """A function of the schema public, by the catalog. `arguments` are types by name."""

    name: str
    arguments: dict[str, str]
    writes: bool
    callers: frozenset[str]


@dataclass(frozen=True)
class Outcome:
    """What came of a call: the JSON text of an answer, or a refusal."""

    answer: str | None = None
    sqlstate: str | None = None
    message: str = ""
    detail: str = ""
    hint: str = ""
    inside: bool = False  # raised by a function, not by a type before it

    @property
    def code(self) -> str | None:
        """The code of a refusal that is ours."""
        ours = (self.sqlstate or "").startswith("PT")
        return str(json.loads(self.detail)["code"]) if ours else None

    @property
    def text(self) -> str:
        """All that the caller gets to read."""
        return "\n".join((self.answer or "", self.message, self.detail, self.hint))

    def without(self, value: object) -> Outcome:
        """The same, with a value that the caller has sent taken out of the refusal."""
        message, detail, hint = (
            re.sub(rf"\b{re.escape(str(value))}\b", "…", text)
            for text in (self.message, self.detail, self.hint)
        )
        return replace(self, message=message, detail=detail, hint=hint)


def send(person: Person, function: Function, body: dict[str, str]) -> Outcome:
    """Call a function as PostgREST does, and take back what it does.

    Args:
        person: Who calls.
        function: What is called.
        body: JSON text of each argument.
    """
    call = sql.SQL("select public.{}({}) from json_to_record(%s) as b ({})").format(
        sql.Identifier(function.name),
        sql.SQL(", ").join(sql.SQL("{0} => b.{0}").format(sql.Identifier(name)) for name in body),
        sql.SQL(", ").join(
            # A record has a column, also where there is no argument.
            sql.Identifier(name) + sql.SQL(" " + function.arguments.get(name, "text"))
            for name in [*body, "none"]
        ),
    )
    text = "{" + ", ".join(f'"{name}": {value}' for name, value in body.items()) + "}"
    row = None
    try:
        with person.transaction():
            row = person.connection.execute(call, (text,)).fetchone()
            raise psycopg.Rollback
    except psycopg.Error as error:
        said = error.diag
        return Outcome(
            None,
            error.sqlstate,
            said.message_primary or "",
            said.message_detail or "",
            said.message_hint or "",
            bool(re.search(r"^(SQL|PL/pgSQL) function ", said.context or "", re.MULTILINE)),
        )
    assert row is not None
    return Outcome(json.dumps(row[0]))


@pytest.fixture(scope="module")
def functions(admin: psycopg.Connection) -> list[Function]:
    """Every function of the schema public. Whoever adds one says how it is attacked."""
    found = [
        Function(name, dict(zip(names or [], types, strict=True)), writes, frozenset(callers))
        for name, names, types, writes, callers in admin.execute(
            """
            select p.proname, p.proargnames[1:p.pronargs],
                   array(select format_type(t.oid, null)
                           from unnest(p.proargtypes) with ordinality as t (oid, nth)
                          order by t.nth),
                   p.provolatile = 'v',
                   array(select r.name
                           from unnest(array['anon', 'authenticated', 'service_role']) as r (name)
                          where has_function_privilege(r.name, p.oid, 'execute'))
              from pg_proc as p
             where p.pronamespace = 'public'::regnamespace
             order by p.proname
            """
        )
    ]
    for function in found:
        assert function.name in ATTACKS, f"tests/attacks.py: how is {function.name} attacked?"
        attack = ATTACKS[function.name]
        missing = function.arguments.keys() - attack.arguments.keys()
        assert not missing, f"tests/attacks.py: how is {function.name} attacked by {missing}?"
        ids = {name for name, type_ in function.arguments.items() if type_.startswith("uuid")}
        unnamed = ids - {name for name, _ in attack.ids}
        assert not unnamed, f"tests/attacks.py: of which kind is {unnamed} of {function.name}?"
    return found


def documented(title: str) -> dict[str, str]:
    """The first two columns of a section of docs/errors.md."""
    return {row[0].strip("`"): row[1] for row in rows(section("errors.md", title))}


CODES = documented("Codes")
assert documented("What Postgres and PostgREST say themselves").keys() >= OF_A_TYPE | {TOO_DEEP}


@dataclass(frozen=True)
class World:
    """Mallory with things of their own, others with theirs, and insiders.

    `own`, `theirs` and `common` hold one thing of each kind. Each insider has a role on what
    `common` holds, Mallory on nothing of the others'.
    """

    mallory: Person
    server: Person
    own: Json
    theirs: Json
    common: Json
    insiders: dict[str, Person]
    gone: str  # the id of an account that was deleted

    def caller(self, function: Function) -> Person:
        """Who may call a function: Mallory, or a server."""
        return self.mallory if "authenticated" in function.callers else self.server

    def body(self, function: Function, things: Json, **changes: Any) -> dict[str, str]:
        """JSON texts of the arguments of a call that works for whom these things are."""
        values: Json = {}
        for name in function.arguments:
            value = ATTACKS[function.name].arguments[name]
            if isinstance(value, Id):
                value = None if value.instead_of else value.inside(things[value.kind])
            values[name] = value
        return {name: json.dumps(value) for name, value in (values | changes).items()}

    def others(self, kind: str) -> list[Any]:
        """What is not the caller's: of a kind, what nobody has, and of other kinds."""
        if kind == "version":
            return [self.theirs[kind], 999]
        if kind == "content_hash":
            return [self.theirs[kind], "f" * 64, NOBODY]
        if kind == "email":
            return [self.theirs[kind], "nobody@example.com", None]
        if kind.endswith("_token"):
            return [self.theirs[f"useless_{kind}"], "A" * 43]
        wrong = (
            value for value in self.theirs.values() if re.fullmatch("[0-9a-f-]{36}", f"{value}")
        )
        return list(dict.fromkeys([self.theirs[kind], NOBODY, *wrong]))

    def outcomes(
        self, caller: Person, function: Function, things: Json, argument: str, id: Id
    ) -> set[Outcome]:
        """What a caller gets for each of these instead of what they may name."""
        others = self.others(id.kind)
        found = set()
        for value in others if caller is self.mallory else others[:3]:
            changes = {argument: id.inside(value)}
            if id.instead_of:
                changes[id.instead_of] = None
            outcome = send(caller, function, self.body(function, things, **changes))
            assert SECRET not in outcome.text
            # What it made has ids and times of its own.
            done = function.writes and outcome.answer is not None
            found.add(Outcome("done") if done else outcome.without(value))
        return found


class Cast:
    """People with accounts, and what they have."""

    def __init__(self, admin: psycopg.Connection, url: str, people: ExitStack) -> None:
        self._admin, self._url, self._people = admin, url, people
        links = "select 1 from pg_proc as p where p.proname = 'create_share_link'"
        invitations = "select 1 from pg_proc as p where p.proname = 'invite_to_organization'"
        self._has_links = admin.execute(links).fetchone() is not None
        self._has_invitations = admin.execute(invitations).fetchone() is not None

    def person(self) -> Person:
        id = uuid.uuid4()
        self._admin.execute(
            "insert into auth.users (id, email) values (%s, %s)", (id, f"{SECRET}-{id}@example.com")
        )
        person = Person(self._url, id)
        self._people.callback(person.connection.close)
        return person

    def things(self, owner: Person, versions: int = 2, shared: bool = False) -> Json:
        """One of each kind that can be named, all of the same owner.

        Args:
            owner: Whose they are.
            versions: How many the composition has.
            shared: Whether the composition belongs to the organisation.
        """
        partner, member, grantee, user = (self.person() for _ in range(4))
        organization = owner.call("create_organization", name=SECRET)["organization_id"]
        for person, role in ((partner, "owner"), (member, "member")):
            owner.call(
                "add_organization_member",
                organization_id=organization,
                user_id=person.id,
                role=role,
            )

        composition, trashed, given = (
            person.call(
                "create_composition",
                title=SECRET,
                description=SECRET,
                tags=[SECRET],
                message=SECRET,
                document=SMALLEST | {"body": {SECRET: 1}},
                organization_id=organization if shared else None,
            )["composition_id"]
            for person in (owner, owner, partner)
        )
        owner.call("delete_composition", composition_id=trashed)
        turn = str(uuid.uuid4())
        for version in range(1, versions):
            document = SMALLEST | {"body": {SECRET: version}}
            owner.call(
                "save_version",
                composition_id=composition,
                base_version=version,
                document=document,
                message=SECRET,
                origin={"agent": SECRET, "turn": turn},
            )
        fork = owner.call("fork_composition", composition_id=composition, version=1)
        for grant in ({"user_id": grantee.id}, {"organization_id": organization}):
            owner.call("share_composition", composition_id=composition, role="viewer", **grant)
        owner.call(
            "set_layer",
            composition_id=composition,
            base_version=versions,
            patch=Jsonb(
                [
                    {"op": "add", "path": "/body/layer", "value": SECRET},
                    {"op": "add", "path": "/parameters", "value": {"rows": ROWS}},
                ]
            ),
            scope="organization",
            organization_id=organization,
        )

        for scope in ({}, {"scope": "organization", "organization_id": organization}):
            owner.call("pin_composition", context="pinned", composition_id=composition, **scope)
            secret = {"context": f"about:{SECRET}", "composition_id": composition}
            owner.call("pin_composition", **secret, **scope)

        made = {
            "composition": composition, "trashed": trashed, "organization": organization,
            "partner": partner.id, "member": member.id, "grantee": grantee.id, "user": user.id,
            "owner": owner.id, "version": versions, "email": f"{SECRET}-{owner.id}@example.com",
            "turn": turn, "fork": fork["composition_id"],
            "content_hash": owner.call("load_composition", composition_id=composition)[
                "content_hash"
            ],
        }  # fmt: skip
        return (
            made
            | self._links(owner, partner, composition, given)
            | self._invitations(owner, partner, organization)
        )

    def _links(self, owner: Person, partner: Person, composition: str, given: str) -> Json:
        """A link of the owner's, and tokens they got: of one that works and one that has ended."""
        if not self._has_links:
            return {}

        def link(person: Person, id: str) -> Json:
            made: Json = person.call("create_share_link", composition_id=id, role="viewer")
            return made

        ended = link(partner, given)
        partner.call("revoke_share_link", link_id=ended["link_id"])
        return {
            "link": link(owner, composition)["link_id"],
            "link_token": link(partner, given)["token"],
            "useless_link_token": ended["token"],
        }

    def _invitations(self, owner: Person, partner: Person, organization: str) -> Json:
        """An invitation by the owner, and one for them, which is useless to anybody else."""
        if not self._has_invitations:
            return {}

        def invite(person: Person, organization: str, user_id: str) -> Json:
            made: Json = person.call(
                "invite_to_organization",
                organization_id=organization,
                email=f"{SECRET}-{user_id}@example.com",
                role="member",
            )
            return made

        other = partner.call("create_organization", name=SECRET)["organization_id"]
        token = invite(partner, other, owner.id)["token"]
        return {
            "invitation": invite(owner, organization, NOBODY)["invitation_id"],
            "invitation_token": token,
            "useless_invitation_token": token,
        }

    def insiders(self, owner: Person, common: Json) -> dict[str, Person]:
        """People with each role on what is there."""
        roles = {name: self.person() for name in ("viewer", "editor", "member", "admin")}
        for name, person in roles.items():
            if name in ("viewer", "editor"):
                call, id = "share_composition", {"composition_id": common["composition"]}
            else:
                call, id = "add_organization_member", {"organization_id": common["organization"]}
            owner.call(call, **id, user_id=person.id, role=name)
        return {**roles, "owner": owner}


@pytest.fixture(scope="module")
def world(postgres: Postgres, admin: psycopg.Connection) -> Iterator[World]:
    with ExitStack() as people:
        url = postgres.url("authenticator")
        server = Person(url, None, role="service_role")
        people.callback(server.connection.close)
        cast = Cast(admin, url, people)
        mallory, victim, owner, gone = (cast.person() for _ in range(4))
        common = cast.things(owner, shared=True)
        mine = cast.things(mallory)
        mallory.call(
            "share_composition", composition_id=mine["composition"], user_id=gone.id, role="editor"
        )
        admin.execute("delete from auth.users where id = %s", (gone.id,))
        yield World(
            mallory,
            server,
            mine,
            cast.things(victim, versions=3),
            common,
            cast.insiders(owner, common),
            gone.id,
        )


@pytest.fixture(autouse=True)
def unchanged(world: World, admin: psycopg.Connection) -> Iterator[None]:
    """Whatever is called here, nothing has changed afterwards."""
    before = fingerprint(admin)
    yield
    assert fingerprint(admin) == before


def named(functions: list[Function]) -> Iterator[tuple[Function, str, Id]]:
    """Each argument of each function for people that can name something."""
    for function in functions:
        if "authenticated" in function.callers:
            for argument, id in ATTACKS[function.name].ids:
                if argument in function.arguments:
                    yield function, argument, id


def empty(answer: Any) -> bool:
    """Whether there is nothing in an answer. Nothing has an etag, too."""
    if isinstance(answer, dict):
        return all(empty(value) for name, value in answer.items() if name != "etag")
    return not answer


def test_each_call_that_is_varied_here_works(world, functions, subtests):
    for function in functions:
        with subtests.test(function=function.name):
            outcome = send(world.caller(function), function, world.body(function, world.own))
            assert outcome.sqlstate is None, outcome.text


def test_every_entry_of_an_attack_is_a_function_with_these_arguments(functions):
    signatures = {function.name: function.arguments.keys() for function in functions}
    assert {name: attack.arguments.keys() for name, attack in ATTACKS.items()} == signatures


def test_a_stranger_cannot_tell_what_others_have_from_what_nobody_has(world, functions, subtests):
    for function, argument, id in named(functions):
        with subtests.test(function=function.name, argument=argument, kind=id.kind):
            outcomes = world.outcomes(world.mallory, function, world.own, argument, id)

            if (function.name, argument) in TELLING:
                assert {outcome.code for outcome in outcomes} == {None, "user_not_found"}
            else:
                (outcome,) = outcomes
                assert outcome.sqlstate or empty(json.loads(outcome.text)), outcome


@pytest.mark.parametrize("role", ["viewer", "editor", "member", "admin", "owner"])
def test_nor_can_who_has_a_role_on_something_else(world, functions, subtests, role):
    for function, argument, id in named(functions):
        with subtests.test(function=function.name, argument=argument, kind=id.kind):
            outcomes = world.outcomes(world.insiders[role], function, world.common, argument, id)

            codes = {outcome.code for outcome in outcomes}
            told = role in ("admin", "owner") and (function.name, argument) in TELLING
            assert len(outcomes) == 1 or (told and codes == {None, "user_not_found"}), outcomes


def test_without_a_token_nothing_answers(world, functions, subtests, anon):
    may = {match[1] for name in ANON_MAY if (match := re.search(r"(\w+)\(", name))}
    for function in functions:
        with subtests.test(function=function.name):
            outcome = send(anon, function, world.body(function, world.own))
            assert (outcome.sqlstate == "42501") == (function.name not in may)


def test_what_is_for_servers_is_for_no_person(world, functions, subtests):
    for function in functions:
        with subtests.test(function=function.name):
            outcome = send(world.mallory, function, world.body(function, world.own))
            assert (outcome.sqlstate == "42501") == (function.name in SERVICE_ROLE_MAY)


@pytest.mark.parametrize(
    "claims",
    [{}, *({"sub": sub} for sub in (None, "", "x", 5, {"a": 1}, [NOBODY], NOBODY, "gone"))],
    ids=json.dumps,
)
def test_a_token_that_names_nobody_gets_nothing(postgres, world, functions, subtests, claims):
    nobody = Person(postgres.url("authenticator"), None)
    nobody.claims |= {"sub": world.gone} if claims == {"sub": "gone"} else claims
    with nobody.connection:
        for function in (f for f in functions if "authenticated" in f.callers):
            with subtests.test(function=function.name):
                outcome = send(nobody, function, world.body(function, world.own))
                if ATTACKS[function.name].anyone:
                    assert outcome.answer is not None
                    continue
                assert SECRET not in outcome.text
                if claims.get("sub") in (NOBODY, "gone"):
                    # Functions that only read do not look the account up: it can see nothing.
                    found = json.loads(outcome.answer or "null")
                    assert empty(found) if outcome.answer else outcome.sqlstate in HIDDEN
                elif claims.get("sub") is None:
                    assert outcome.code == "not_signed_in"
                else:
                    assert outcome.sqlstate == "22P02"  # no UUID: the token is none of ours


def texts(*values: Any) -> list[str]:
    """JSON texts of values."""
    return [json.dumps(value) for value in values]


LONG = f'"{SENT}{"x" * 2_000_000}"'  # twice what a document may have
ANY = texts(None, "", " \t\n", 0, -1, True, [], [None], {}, {"a": {"b": [1]}}, SENT, 1e300)
ANY += ['"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', f'"{SENT}' + "x" * 2000 + '"']

HOSTILE: dict[str, list[str]] = {
    "boolean": texts("yes", "maybe", 2, -1, "TRUE", " f "),
    "uuid": texts(NOBODY, str(uuid.UUID(int=0)), "f" * 32, f"{{{NOBODY}}}", f"{NOBODY} ", "x" * 36),
    "uuid[]": texts([], [None], [NOBODY] * 51, [[NOBODY]], ["x"], f"{{{NOBODY}}}", [1]),
    "text": [
        LONG,
        *texts("'", "\"'; drop table public.settings; --", "\\", "$$", "%s%n%%", "%", "{}", "null"),
        *texts(
            "\u202eright to left\u2066", "👩‍👩‍👧‍👦" * 100, "e" + "\u0301" * 500, "\ufeff", "\u200b"
        ),
        *texts(SENT * 20, "owner", "viewer", "merge", "9" * 40, "-1", "1e9", "0_" + NOBODY),
        *texts(
            "99999999999999999_" + NOBODY, "9999999999999999_" + NOBODY, "999999999", "a@b", "@"
        ),
        *texts("A" * 43, "A" * 42 + "=", "é" * 43, f"{SENT}@example.com\nBcc: {SENT}@example.com"),
    ],
    "integer": texts(0, -1, 2**31 - 1, -(2**31), 2**31, 2**63, 1.5, "1", "NaN", "infinity", "0x1"),
    "timestamp with time zone": texts(
        *("infinity", "-infinity", "294276-12-31T23:59:59.999999Z", "294277-01-01T00:00:00Z"),
        *("4714-11-24 00:00:00+00 BC", "4715-01-01 BC", "0001-01-01 BC", "2020-13-45", "now"),
        *("2020-01-01 00:00 Mars/Phobos", "2020-01-01T00:00:00+99:99", "epoch", "24:00", "J0"),
        *("9999-12-31T23:59:60Z", "2100-01-01"),
    ),
    "text[]": [
        f"[{LONG}]",
        *texts([SENT] * 21, [SENT * 50], [["a"], ["b"]], [["a"], ["b", "c"]], [[[]]], [["a"], "b"]),
        *texts([None], [""], [" "], [1, True], [{}], "{a,b}", "[2:3]={a,b}", ["%s"], ["\u202e"]),
        '["\\u0000"]',
    ],
    "jsonb": [
        *(LONG, f'{{"body": {LONG}}}', f"[{LONG}]", f"{{{LONG.replace(SENT, 'a key')}: 1}}"),
        *(NUMBER_BOMB, ZERO_BOMB, DEPTH_BOMB, "[" * 200_000 + "]" * 200_000),
        *(f'{{"ext": {bomb}}}' for bomb in (NUMBER_BOMB, ZERO_BOMB, DEPTH_BOMB)),
        *(f'{{"{key}": {NUMBER_BOMB}}}' for key in ("search", "tag", "owner_id")),
        *(
            f'[{{"composition_id": "{NOBODY}", "{key}": {NUMBER_BOMB}}}]'
            for key in ("loads", "day")
        ),
        *('{"a": "\\u0000"}', '{"\\u0000": 1}', '{"a": 1, "a": {}, "": []}', "[[[[[]]]]]"),
        *texts(SMALLEST, [SMALLEST], [{}] * 2000, {str(n): n for n in range(2000)}),
    ],
}

# What functions look for in JSON: with something else there than they expect.
WORDS = [
    *("format", "dialect", "root", "components", "data", "sources", "parameters"),
    *("ext", "body", "component", "children", "type", "op", "value"),
    *("target", "field", "label", "ref", "into", "args", "path"),
    *("componentId", "search", "owner_id", "organization_id", "shared", "tag", "trashed"),
    *("composition_id", "loads", "hits", "day", "user_id", "version", "tags"),
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from([SENT, NOBODY, "root", "composition/1", "a2ui/0.9.1", "json", "2026-01-01"]),
    lambda values: (
        st.lists(values, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=3), values, max_size=6)
    ),
    max_leaves=5,
)


def assert_clean(outcome: Outcome) -> None:
    """Assert that a refusal is documented, short, and repeats nothing."""
    if outcome.sqlstate is None or outcome.sqlstate == TOO_DEEP:
        return
    if not outcome.inside:
        assert outcome.sqlstate in OF_A_TYPE, outcome
        return
    assert outcome.code is not None, outcome
    assert CODES[outcome.code] == outcome.sqlstate
    assert outcome.message and len(outcome.message) < 300
    assert outcome.hint and len(outcome.hint) < 300
    assert len(outcome.detail) < (100_000 if outcome.code == "invalid_document" else 1000)
    assert SENT not in outcome.text and SECRET not in outcome.text


def test_whatever_is_sent_a_refusal_is_documented_and_repeats_nothing(world, functions, subtests):
    of_no_type: set[tuple[str, str]] = set()  # not even seen by a function
    for function in functions:
        body = world.body(function, world.own)
        for argument, type_ in function.arguments.items():
            with subtests.test(function=function.name, argument=argument):
                for value in [*ANY, *HOSTILE[type_]]:
                    if (type_, value) not in of_no_type:
                        outcome = send(world.caller(function), function, body | {argument: value})
                        assert_clean(outcome)
                        if outcome.sqlstate and not outcome.inside:
                            of_no_type.add((type_, value))


def test_whatever_json_is_sent_a_refusal_is_documented_and_repeats_nothing(
    world, functions, subtests
):
    def fuzz(function: Function, argument: str) -> None:
        caller, body = world.caller(function), world.body(function, world.own)

        @settings(derandomize=True, deadline=None, database=None, max_examples=25)
        @given(st.dictionaries(st.sampled_from(WORDS), VALUES, max_size=8) | VALUES)
        def sent(value: Any) -> None:
            assert_clean(send(caller, function, body | {argument: json.dumps(value)}))

        sent()

    for function in functions:
        for argument in (name for name, type_ in function.arguments.items() if type_ == "jsonb"):
            with subtests.test(function=function.name, argument=argument):
                fuzz(function, argument)


@pytest.mark.parametrize("who", ["viewer", "editor", "member", "admin"])
def test_nobody_rises_by_themselves(world, who, subtests):
    me, common = world.insiders[who], world.common
    organization = {"organization_id": common["organization"]}
    composition = {"composition_id": common["composition"]}
    climbs: list[tuple[str, Json]] = [
        *(("set_organization_role", organization | {"role": role}) for role in ("admin", "owner")),
        *(("add_organization_member", organization | {"role": r}) for r in ("member", "owner")),
    ]
    if who != "admin":  # who owns what the organisation owns
        climbs += [("share_composition", composition | {"role": r}) for r in ("viewer", "editor")]
    for function, arguments in climbs:
        with subtests.test(function=function, role=arguments["role"]):
            with pytest.raises(psycopg.Error) as caught:
                me.call(function, user_id=me.id, **arguments)

            # An admin may add members, and is one.
            again = who == "admin" and arguments["role"] == "member"
            assert caught.value.sqlstate in (("PT409",) if again else ("PT403", "PT404"))


@pytest.mark.parametrize("assignment", ["title = ' '", "title = null", "tags = '{{a},{b}}'"])
def test_a_broken_constraint_shows_no_row(world, assignment):
    with pytest.raises(psycopg.IntegrityError) as caught:
        world.mallory.rows(f"update user_compositions set {assignment} returning 1")

    assert caught.value.diag.message_detail is None
    assert SECRET not in str(caught.value)
