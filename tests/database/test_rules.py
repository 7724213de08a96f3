"""Random plays, act by act the same in the database as in the model of the rules (tests/model.py).

Somebody tries something, allowed or not; what the database answers must be what the model answers,
and what everyone sees there afterwards, in each way in which it shows anything, what they see in
the model. `make test` plays some plays, always the same; `make test-rules` plays thousands, always
new ones. A play that goes wrong is printed, as short as it can be made.

For speed, a play is one transaction on one connection, rolled back at its end, and its people take
turns in savepoints. Each statement still sees what the ones before it did, as READ COMMITTED has
it. What this hides: locks and waiting (tests with two connections are elsewhere), constraints and
triggers that are deferred (there are none), and time, since now() stands still: so memberships are
stamped by the clock after each act, and a share is over when its end is moved to the past.
"""

from __future__ import annotations

import itertools
import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, LiteralString

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from psycopg.types.json import Jsonb

from devstack.postgres import Postgres
from tests.model import ANON, CONTEXTS, FIELDS, JOBS, KEPT, NOTHING, Json, Refused, World
from tests.people import Person
from tests.plays import LETTERS, OPENINGS, PEOPLE, STRANGER, Act, acts
from tests.samples import small

NAMED = ("composition_id", "organization_id", "link_id", "invitation_id")
NAMING = ("composition", "user", "organization", "fork_organization", "link", "invitation")
READS = ("get_", "list_", "open_")
# Acts that change no answer of load_composition(): no cache is told.
QUIET = (
    "label_version",
    "record_usage",
    "create_share_link",
    "invite_to_organization",
    "revoke_invitation",
)
NEVER_MADE = ["no piece", "no org", "no link", "no invitation"]
EVERYONE = [*PEOPLE, STRANGER]
NAMELESS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{64}")


def body(word: str) -> Json:
    """What a word of the model stands for: fields, and None for one that is not there."""
    return {
        name: None if letter == NOTHING else letter
        for name, letter in zip(FIELDS, word, strict=True)
        if letter != KEPT
    }


def document(word: str) -> Json:
    fields = body(word).items()
    return small(rules="of the model", **{name: letter for name, letter in fields if letter})


# What the model says in words, by the name of its argument: the database's name, and its value.
WORDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "content": ("document", document),
    "change": ("patch", lambda word: {"body": body(word)}),
    "fields": ("paths", lambda names: [f"/body/{name}" for name in names]),
}
DOCUMENTS = {
    "".join(letters): document("".join(letters))
    for letters in itertools.product(LETTERS, repeat=len(FIELDS))
}

# By person, and composition or context.
Answers = dict[tuple[str, str], Any]


class Actor(Person):
    """A person who shares a connection, and a transaction, with all others of a play."""

    def __init__(self, connection: psycopg.Connection, role: str, **claims: str) -> None:
        self.connection = connection
        self.role = role
        self.claims = {"role": role} | claims


LOOK = """
create function pg_temp.word(document jsonb) returns text
language sql as $$
  select string_agg(coalesce(document #>> array['body', f.name], '-'), '' order by f.name)
    from unnest('{x,y,z}'::text[]) as f (name);
$$;

create function pg_temp.look_at(piece uuid) returns jsonb
language plpgsql as $$
declare
  role constant text := private.composition_role(piece);
  head jsonb;
  code text;
begin
  head := public.load_composition(piece);
  return jsonb_build_object(
    'composition_role', role,
    'role', head -> 'role',
    'title', head -> 'title',
    'version', head -> 'version',
    'content_hash', head -> 'content_hash',
    'owner_id', head -> 'owner_id',
    'organization_id', head -> 'organization_id',
    'forked_from_id', head -> 'forked_from_id',
    'forked_from_version', head -> 'forked_from_version',
    'shown', pg_temp.word(head -> 'document'),
    'layers', array(
      select jsonb_build_array(coalesce(l.organization_id, l.scope), l.state)
        from jsonb_to_recordset(head -> 'layers')
             as l (scope text, organization_id text, state text)
    ),
    'bare', pg_temp.word(public.load_composition(piece, layered => false) -> 'document'),
    'versions', jsonb_path_query_array(public.list_versions(piece), '$.items[*].version'),
    'shares', array(
      select jsonb_build_array(
               coalesce(s.user_id, s.organization_id, ''), coalesce(s.link_id, ''), s.role
             )
        from jsonb_to_recordset(public.list_shares(piece))
             as s (user_id text, organization_id text, link_id text, role text)
    )
  );
exception
  when sqlstate 'PT404' or sqlstate 'PT410' then
    get stacked diagnostics code = pg_exception_detail;
    return jsonb_build_object('composition_role', role, 'refused', code::jsonb -> 'code');
end;
$$;

create function pg_temp.load_summary(loaded jsonb) returns jsonb
language sql as $$
  select jsonb_build_object(
    'composition_id', loaded -> 'composition_id',
    'of', coalesce(loaded #>> '{reason,organization_id}', loaded #>> '{reason,scope}'),
    'shown', pg_temp.word(loaded -> 'document'),
    'role', loaded -> 'role'
  );
$$;

-- How many pins the last answer has passed over.
create function pg_temp.skipped() returns integer
language sql as $$
  select coalesce(
    (
      jsonb_path_query_first(
        nullif(current_setting('response.headers', true), '')::jsonb, '$[*]."Candidates-Skipped"'
      ) #>> '{}'
    )::integer,
    0
  );
$$;

create function pg_temp.resolved(context text) returns jsonb
language plpgsql as $$
declare
  answer jsonb;
  facts  text;
begin
  perform set_config('response.headers', '', true);
  answer := pg_temp.load_summary(public.resolve_context(context));
  return answer || jsonb_build_object('skipped', pg_temp.skipped());
exception
  when sqlstate 'PT404' then
    get stacked diagnostics facts = pg_exception_detail;
    return jsonb_build_object(
      'refused', facts::jsonb -> 'code', 'skipped', coalesce(facts::jsonb -> 'skipped', '0')
    );
end;
$$;

create function pg_temp.first_page() returns jsonb
language plpgsql as $$
declare
  page jsonb;
begin
  perform set_config('response.headers', '', true);
  page := public.load_home();
  return jsonb_build_object(
    'home',
      case page -> 'home'
        when 'null' then '{"refused": "nothing_pinned"}'
        else pg_temp.load_summary(page -> 'home')
      end || jsonb_build_object('skipped', pg_temp.skipped()),
    'contexts', array(
      select jsonb_build_array(c.context, coalesce(c.organization_id, c.scope), c.position)
        from jsonb_to_recordset(page -> 'contexts')
             as c (context text, scope text, organization_id text, position integer)
    ),
    'organizations', array(
      select jsonb_build_array(o.organization_id, o.role)
        from jsonb_to_recordset(page -> 'organizations') as o (organization_id text, role text)
    )
  );
end;
$$;

create function pg_temp.look(person uuid, pieces uuid[], contexts text[]) returns jsonb
language plpgsql as $$
declare
  claims constant jsonb := jsonb_build_object('role', 'authenticated', 'sub', person);
  seen   jsonb;
begin
  perform set_config('role', 'authenticated', true),
          set_config('request.jwt.claims', claims::text, true);

  seen := jsonb_build_object(
    'user_compositions', array(select c.id from public.user_compositions as c),
    'composition_versions', array(
      select jsonb_build_array(v.composition_id, v.version) from public.composition_versions as v
    ),
    'composition_layers', array(
      select jsonb_build_array(l.composition_id, coalesce(l.user_id, l.organization_id))
        from public.composition_layers as l
    ),
    'shared_compositions', array(
      select jsonb_build_array(
               s.composition_id, coalesce(s.user_id::text, s.organization_id::text, ''),
               coalesce(case when s.token_hash is null then s.link_id else s.id end::text, ''),
               s.role
             )
        from public.shared_compositions as s
    ),
    'composition_pins', array(
      select jsonb_build_array(
               coalesce(p.user_id, p.organization_id), p.context, p.composition_id, p.position
             )
        from public.composition_pins as p
    ),
    'list_pins', array(
      select jsonb_build_array(
               coalesce(p.organization_id, person::text), p.context, p.composition_id, p.position,
               p.role
             )
        from jsonb_to_recordset(public.list_pins()) as p (
               context text, organization_id text, composition_id text, position integer, role text
             )
    ),
    'contexts', (
      select jsonb_object_agg(c.context, pg_temp.resolved(c.context))
        from unnest(contexts) as c (context)
    ),
    'first_page', pg_temp.first_page(),
    'organizations', array(select o.id from public.organizations as o),
    'organization_members', array(
      select jsonb_build_array(m.organization_id, m.user_id, m.role)
        from public.organization_members as m
    ),
    'member_organizations', array(
      select unnest(m.organization_ids) from private.member_organizations as m
    ),
    'composition_usage', array(
      select jsonb_build_array(u.composition_id, u.loads) from public.composition_usage as u
    )
  );
  for piece in 1 .. cardinality(pieces) loop
    seen := seen || jsonb_build_object(pieces[piece], pg_temp.look_at(pieces[piece]));
  end loop;

  perform set_config('role', 'none', true);
  return seen;
end;
$$;

create function pg_temp.everything(ids uuid[], hashes bytea[]) returns jsonb
language sql as $$
  select jsonb_build_object(
    'organization_members', array(
      select jsonb_build_array(m.organization_id, m.user_id, m.role)
        from public.organization_members as m
       where m.user_id = any (ids)
    ),
    'member_organizations', array(
      select jsonb_build_array(id, m.user_id)
        from private.member_organizations as m, unnest(m.organization_ids) as id
       where m.user_id = any (ids)
    ),
    'organizations', array(select o.id from public.organizations as o where o.id = any (ids)),
    'user_compositions', array(
      select jsonb_build_array(
               c.id, c.owner_id, coalesce(c.organization_id::text, ''), c.title,
               c.current_version, encode(c.current_hash, 'hex'), c.deleted_at is not null
             )
        from public.user_compositions as c
       where c.id = any (ids)
    ),
    'composition_versions', array(
      select jsonb_build_array(
               v.composition_id, v.version, encode(v.content_hash, 'hex'), v.kind,
               coalesce(v.parent_version, 0), coalesce(v.author_id::text, ''),
               coalesce(v.label, '')
             )
        from public.composition_versions as v
       where v.composition_id = any (ids)
    ),
    'composition_layers', array(
      select jsonb_build_array(
               l.composition_id, coalesce(l.user_id, l.organization_id), l.base_version,
               encode(l.base_hash, 'hex'),
               pg_temp.word(private.apply_patch(d.document, l.patch, 'json-patch'))
             )
        from public.composition_layers as l
        join public.compositions as d on d.content_hash = l.base_hash
       where l.composition_id = any (ids)
    ),
    'composition_pins', array(
      select jsonb_build_array(
               coalesce(p.user_id, p.organization_id), p.context, p.composition_id, p.position
             )
        from public.composition_pins as p
       where p.composition_id = any (ids)
    ),
    'shared_compositions', array(
      select jsonb_build_array(
               s.composition_id, coalesce(s.user_id::text, s.organization_id::text, ''),
               coalesce(case when s.token_hash is null then s.link_id else s.id end::text, ''),
               s.role, s.expires_at is not null, coalesce(s.expires_at < now(), false)
             )
        from public.shared_compositions as s
       where s.composition_id = any (ids)
    ),
    'organization_invitations', array(
      select jsonb_build_array(i.id, i.organization_id, i.role, i.expires_at < now())
        from public.organization_invitations as i
       where i.organization_id = any (ids)
    ),
    'compositions', array(
      select encode(d.content_hash, 'hex')
        from public.compositions as d
       where d.content_hash = any (hashes)
    )
  );
$$;
"""

# What load_composition() answers each of some people for each of some ids; who the people are told.
ANSWERS = """
create function pg_temp.answer_to(person uuid, piece uuid) returns jsonb
language plpgsql as $$
declare
  answer jsonb;
  code   text;
begin
  answer := public.load_composition(piece);
  return jsonb_set(answer, '{document}', to_jsonb(pg_temp.word(answer -> 'document')));
exception
  when sqlstate 'PT404' or sqlstate 'PT410' then
    get stacked diagnostics code = pg_exception_detail;
    return code;
end;
$$;

-- What caches may keep of a context or of the first page: the answer, and what it is of.
create function pg_temp.place_to(context text) returns jsonb
language plpgsql as $$
declare
  answer jsonb;
  loaded jsonb;
  facts  text;
begin
  perform set_config('response.headers', '', true);
  if context = 'home' then
    answer := public.load_home();
    loaded := answer -> 'home';
  else
    answer := public.resolve_context(context);
    loaded := answer;
  end if;
  return jsonb_build_object(
    'answer', answer, 'of', loaded -> 'composition_id', 'skipped', pg_temp.skipped()
  );
exception
  when sqlstate 'PT404' then
    get stacked diagnostics facts = pg_exception_detail;
    return jsonb_build_object('answer', facts, 'skipped', coalesce(facts::jsonb -> 'skipped', '0'));
end;
$$;

create function pg_temp.answers(people uuid[], pieces uuid[], contexts text[]) returns jsonb
language plpgsql as $$
declare
  answers jsonb[];
begin
  for nth in 1 .. cardinality(people) loop
    perform set_config('role', 'authenticated', true),
            set_config('request.jwt.claims', jsonb_build_object('sub', people[nth])::text, true);
    answers := answers || array(
      select jsonb_build_array(people[nth], p.id, pg_temp.answer_to(people[nth], p.id))
        from unnest(pieces) as p (id)
    ) || array(
      select jsonb_build_array(people[nth], c.context, pg_temp.place_to(c.context))
        from unnest(contexts) as c (context)
    );
    perform set_config('role', 'none', true);
  end loop;
  return to_jsonb(answers);
end;
$$;
"""


# A composition's share, a link with all that came by it, an invitation, or what is in the trash.
EXPIRE = """
with shares as (
  update public.shared_compositions as s
     set expires_at = now() - interval '1 s'
   where (s.composition_id = %(name)s and s.link_id is null
          and %(grantee)s in (s.user_id, s.organization_id))
      or %(name)s in (s.id, s.link_id)
),
invitations as (
  update public.organization_invitations as i
     set expires_at = now() - interval '1 s'
   where i.id = %(name)s
)
update public.user_compositions as c
   set deleted_at = c.deleted_at - interval '31 days'
 where c.id = %(name)s and %(grantee)s is null
"""


class Stage:
    """People with accounts, on a database that forgets what they do when a play is over."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        self.ids = {name: str(uuid.uuid4()) for name in [*EVERYONE, *NEVER_MADE]}
        self.people = {
            name: Actor(connection, "authenticated", sub=self.ids[name]) for name in EVERYONE
        } | {JOBS: Actor(connection, "service_role"), ANON: Actor(connection, "anon")}
        for name in EVERYONE:
            connection.execute(
                "insert into auth.users (id, email) values (%s, %s)",
                (self.ids[name], self.address(name)),
            )
        connection.execute(LOOK)
        connection.execute(ANSWERS)
        hashes: dict[str, str] = self.ask(
            "select jsonb_object_agg(encode(private.content_hash(d.value), 'hex'), d.key)"
            "  from jsonb_each(%s) as d",
            Jsonb(DOCUMENTS),
        )
        self.hashes = [bytes.fromhex(hash) for hash in hashes]
        # What stands for a name in answers; those of a play are forgotten with it.
        self.names = hashes | {id: name for name, id in self.ids.items()}

    def ask(self, query: LiteralString, *arguments: Any) -> Any:
        """What a query of the superuser returns: one value."""
        row = self.connection.execute(query, arguments).fetchone()
        return row and row[0]

    @contextmanager
    def play(self) -> Iterator[None]:
        """A transaction of the superuser that leaves nothing behind."""
        ids, names = self.ids, self.names
        self.tokens: dict[str, str] = {}
        with self.connection.transaction(force_rollback=True):
            self.ids, self.names = dict(ids), dict(names)
            yield
        self.ids, self.names = ids, names

    def perform(self, act: Act, expected: Json) -> Json:
        """Let an act happen.

        Args:
            act: What is tried.
            expected: What the model answers; it has named what is new.

        Returns:
            What the database answers, or why it refuses.
        """
        try:
            answer = self.answer(act)
        except psycopg.Error as error:
            if not str(error.sqlstate).startswith("PT"):  # none of ours
                return {"refused": error.sqlstate}
            facts: Json = json.loads(error.diag.message_detail or "{}")
            return self.named({"refused": facts.pop("code")} | facts)
        self.connection.execute(
            "select set_config('role', 'none', true);"
            "update public.organization_members set created_at = clock_timestamp()"
            " where created_at = now()"
        )
        for key, name in expected.items():
            if key in NAMED and name and name not in self.ids and answer.get(key):
                self.ids[name] = answer[key]
                self.names[answer[key]] = name
                self.tokens[name] = answer.get("token", "")
        return self.named(answer)

    def answer(self, act: Act) -> Json:
        how = dict(self.argument(act.what, name, value) for name, value in act.how.items())
        match act.what:
            case "expire":
                # Time fires no trigger.
                self.connection.execute("set local session_replication_role = replica")
                self.connection.execute(EXPIRE, {"grantee": None} | how)
                self.connection.execute("set local session_replication_role = origin")
                return {}
            case "delete_account":
                self.connection.execute("delete from auth.users where id = %(person)s", how)
                return {}
            case "move_pin" | "rename":
                return {} if self.update(act, how) else {"refused": "no_row"}
            case "record_usage":
                entry = {"composition_id": how["composition_id"], "loads": 1}
                how = {"entries": Jsonb([entry])}
        if "change" in act.how:
            how["format"] = "merge-patch"
        answer = self.people[act.who].call(act.what, **how)
        match act.what:
            case "list_invitations":
                return {"items": [item["invitation_id"] for item in answer]}
            case "list_my_compositions":
                return {"items": [[i["composition_id"], i["role"]] for i in answer["items"]]}
        return answer if isinstance(answer, dict) else {}

    def update(self, act: Act, how: Json) -> bool:
        """What people change in tables themselves; returns whether there was a row for them."""
        person = self.people[act.who]
        if act.what == "rename":
            rows = person.rows(
                "update public.user_compositions set title = %s where id = %s returning id",
                *(how["title"], how["composition_id"]),
            )
        else:
            rows = person.rows(
                "update public.composition_pins set position = %s"
                " where context = %s and %s in (user_id, organization_id) returning id",
                *(how["position"], how["context"]),
                how.get("organization_id", self.ids.get(act.who)),
            )
        return rows != []

    def argument(self, function: str, name: str, value: Any) -> tuple[str, Any]:
        """An argument as the database takes it."""
        if name == "turn" and function != "undo_turn":
            return "origin", {"agent": "of the model", "turn": value}
        if name in WORDS:
            name, of = WORDS[name]
            return name, of(value)
        if name == "email":
            return name, self.address(value).upper()
        if name == "expires_at" and value:
            day = timedelta(days=1)
            return name, datetime.now(UTC) + (day if value == "later" else -day)
        if function.startswith(("open_", "accept_")):
            return "token", self.tokens.get(value, "A" * 43)
        if name in NAMING:
            name = f"{name}_id"
        return name, self.ids[value] if value in list(self.ids) else value

    def address(self, person: str) -> str:
        return f"{person}-{self.ids[person]}@example.com"

    def named(self, answer: Json) -> Json:
        """An answer, with names instead of ids and hashes."""
        text = NAMELESS.sub(lambda found: self.names.get(found[0], found[0]), json.dumps(answer))
        named: Json = json.loads(text)
        return named

    def seen_by(self, person: str, pieces: list[str]) -> Json:
        """All that the database shows a person, in every way in which it shows anything."""
        ids = [self.ids[name] for name in pieces]
        look: LiteralString = "select pg_temp.look(%s, %s, %s)"
        return self.named(self.ask(look, self.ids[person], ids, CONTEXTS))

    def answers(self, pieces: list[str]) -> Answers:
        """What loading answers everybody for everything, and everywhere."""
        people, ids = ([self.ids[name] for name in names] for names in (EVERYONE, pieces))
        query: LiteralString = "select pg_temp.answers(%s::uuid[], %s::uuid[], %s)"
        answers = self.ask(query, people, ids, CONTEXTS)
        return {(person, piece): answer for person, piece, answer in answers or []}

    def noted(self) -> set[str]:
        """What caches were told to forget since the last look: compositions and people."""
        return set(
            self.ask(
                "with told as (delete from private.cache_outbox as o returning o.*)"
                " select array(select coalesce(t.composition_id, t.user_id)::text from told as t)"
            )
        )

    def everything(self) -> Json:
        """All that there is, of what this play has made."""
        ids = list(self.ids.values())
        return self.named(self.ask("select pg_temp.everything(%s, %s)", ids, self.hashes))


# Hypothesis' engine makes most plays out of the one before, by repeating acts of it. Under another
# name the same source of choices is left alone, and a quarter of the plays reach as much.
AVAILABLE_PROVIDERS["chance"] = HypothesisProvider


class Play(RuleBasedStateMachine):
    """People who act in turn, in the database and in the model."""

    stage: ClassVar[Stage]

    def __init__(self) -> None:
        super().__init__()
        self.agreed = True
        self.lookers = itertools.cycle(EVERYONE)
        self.transaction = self.stage.play()
        self.transaction.__enter__()
        self.world = World(EVERYONE, self.stage.ids)

    @initialize(how=st.sampled_from(list(OPENINGS)))
    def begin(self, how: str) -> None:
        for act in OPENINGS[how]:
            self.perform(act)
        self.stage.noted()
        self.answers = self.stage.answers(self.world.pieces())

    @rule(act=acts())
    def act(self, act: Act) -> None:
        """The database answers what the model answers, and shows what it shows."""
        self.agreed = False
        changed = self.perform(act)
        if changed:
            # One at a time, for speed; at the end it is everybody's turn.
            self.look(next(self.lookers))
            self.compare_answers(act)
        self.agreed = True

    def compare_answers(self, act: Act) -> None:
        """Caches are told of everybody whose answers an act changed; time tells them itself.

        What a context shows is forgotten with the person or with the composition; where pins were
        passed over for it, no cache has kept it.
        """
        before, self.answers = self.answers, self.stage.answers(self.world.pieces())
        noted = self.stage.noted()
        etags = {answer["etag"]: answer for answer in before.values() if "etag" in answer}
        nothing = {"code": "composition_not_found"}
        missed = [
            (person, piece)
            for (person, piece), answer in self.answers.items()
            if (was := before.get((person, piece), nothing)) != answer
            and not was.get("skipped")
            and not noted & {person, piece, was.get("of")}
        ]
        assert act.what == "expire" or missed == [], act
        for answer in self.answers.values():
            assert answer == etags.get(answer.get("etag"), answer), act
        assert not (act.what in QUIET and noted), act

    def perform(self, act: Act) -> bool:
        """Let an act happen in both.

        Returns:
            Whether it may have changed something.
        """
        expected = self.expected(act)
        answer = self.stage.perform(act, expected)
        told = {key: answer[key] for key in ("refused", *expected) if key in answer}
        assert in_any_order(told) == in_any_order(expected), act
        if act.what == "list_my_compositions":
            times = [self.world.compositions[name].changed for name, _ in answer.get("items", [])]
            assert times == sorted(times, reverse=True), act
        is_read = act.what.startswith(READS) or act.how.get("apply") is False
        return "refused" not in expected and not is_read

    def expected(self, act: Act) -> Json:
        try:
            return self.world.act(act.who, act.what, act.how)
        except Refused as refused:
            return {"refused": refused.code} | refused.facts

    def look(self, *people: str) -> None:
        for person in people:
            seen = self.stage.seen_by(person, self.world.pieces())
            assert in_any_order(seen) == in_any_order(self.world.seen_by(person)), person
        assert self.world.broken_promises() == []
        assert in_any_order(self.stage.everything()) == in_any_order(self.world.everything())

    def teardown(self) -> None:
        try:
            if self.agreed:
                self.look(*EVERYONE)
        finally:
            self.transaction.__exit__(None, None, None)


def in_any_order(seen: Any) -> Any:
    """The same, with all lists sorted."""
    if isinstance(seen, dict):
        return {name: in_any_order(rows) for name, rows in seen.items()}
    return sorted(seen) if isinstance(seen, list) else seen


@pytest.fixture(scope="module")
def stage(postgres: Postgres) -> Iterator[Stage]:
    """A connection of its own: its functions go with it."""
    with psycopg.connect(postgres.url("supabase_admin"), autocommit=True) as connection:
        yield Stage(connection)


def test_the_database_keeps_to_the_rules(stage, request):
    plays: int | None = request.config.getoption("--plays")
    run_state_machine_as_test(
        type("Play", (Play,), {"stage": stage}),
        settings=settings(
            max_examples=plays or 10,
            backend="chance",
            derandomize=plays is None,
            database=None,
            stateful_step_count=35,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
