"""A database to measure in: people in it, and as many compositions as a figure asks for."""

import contextlib
import functools
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import set_json_loads

from demo.samples import open_samples
from devstack.stack import Addresses

_FILL = """
with store as (
  insert into public.compositions (content_hash, document)
  select private.content_hash(d.document), d.document
    from generate_series(1, %(rows)s) as nth
   cross join lateral (
      select jsonb_build_object(
        'format', 'composition/1', 'dialect', 'json',
        'body', jsonb_build_object('nth', nth, 'owner', (%(owners)s::uuid[])[1])
      ) as document
    ) as d
  returning content_hash
),
heads as (
  insert into public.user_compositions
    (owner_id, organization_id, title, current_version, current_hash)
  select (%(owners)s::uuid[])[1 + s.nth %% %(owner_count)s],
         (%(organizations)s::uuid[])[1 + s.nth %% %(organization_count)s],
         'Composition ' || s.nth, 1, s.content_hash
    from (select content_hash, row_number() over () as nth from store) as s
  returning id, current_hash
)
insert into public.composition_versions (composition_id, version, content_hash, kind, origin)
select h.id, 1, h.current_hash, 'create', '{"kind": "user"}'
  from heads as h
"""


@dataclass(frozen=True)
class Sizes:
    """How much is measured.

    Args:
        rounds: Turns that each side of a race takes.
        crowd: Compositions in a large table.
        documents: Of the corpus, with all their versions; 0: all of them.
    """

    rounds: int
    crowd: int
    documents: int


@dataclass(frozen=True)
class Person:
    """Somebody signed in: what their connection runs, runs as PostgREST would run it for them."""

    id: str
    connection: psycopg.Connection[Any]

    def create(self, document: str, title: str = "Composition") -> str:
        """Create a composition from the text of a document.

        Returns:
            Its id.
        """
        query = "select public.create_composition(%s, %s::jsonb) ->> 'composition_id'"
        return str(statement(self.connection, query, title, document)())


class World:
    """A database that is ours alone.

    Args:
        url: Of the role `postgres`, which owns the tables and which no policy binds.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._open = contextlib.ExitStack()
        self.database = self.connect()

    def connect(self) -> psycopg.Connection[Any]:
        """One more connection; it hands JSON over as it came, since reading it is no figure."""
        connection = psycopg.connect(self._url, autocommit=True, prepare_threshold=0)
        set_json_loads(lambda text: text, connection)
        return self._open.enter_context(contextlib.closing(connection))

    def close(self) -> None:
        """Close all connections."""
        self._open.close()

    def clear(self) -> None:
        """Forget all people and compositions, so that no figure depends on another."""
        self.database.execute("truncate public.user_compositions, public.compositions cascade")
        self.database.execute("truncate public.organizations cascade")
        self.database.execute("delete from auth.users")
        self.database.execute("drop schema if exists bench cascade")
        self.database.execute("create schema bench")

    def accounts(self, count: int) -> list[str]:
        """Make accounts that nobody signs in to.

        Returns:
            Their ids.
        """
        ids = [str(uuid.uuid4()) for _ in range(count)]
        self.database.execute("insert into auth.users (id) select unnest(%s::uuid[])", [ids])
        return ids

    def person(self) -> Person:
        """Make somebody, and sign them in."""
        (id,) = self.accounts(1)
        connection = self.connect()
        claims = json.dumps({"sub": id, "role": "authenticated"})
        connection.execute("select set_config('request.jwt.claims', %s, false)", [claims])
        connection.execute("set role authenticated")
        return Person(id, connection)

    def fill(self, rows: int, owners: Sequence[str], organizations: Sequence[str] = ()) -> None:
        """Insert compositions, in turn for each owner and organisation, all at once."""
        values = {
            "rows": rows,
            "owners": list(owners),
            "owner_count": len(owners),
            "organizations": list(organizations),
            "organization_count": max(len(organizations), 1),
        }
        self.database.execute(_FILL, values)
        self.database.execute("vacuum analyze")


@dataclass(frozen=True)
class Bench:
    """All that a figure may use. The world is empty when it starts."""

    addresses: Addresses
    world: World
    sizes: Sizes
    corpus: Path | None


def statement(connection: psycopg.Connection[Any], query: str, *values: Any) -> Callable[[], Any]:
    """What runs a statement, prepared, and returns the first column of its first row."""

    def run() -> Any:
        row = connection.execute(query, values).fetchone()
        return row[0] if row else None

    return run


@functools.cache
def document(size: int) -> str:
    """A document of about so many bytes, of what the samples are made of, as compact JSON."""
    body = {"salt": 0, "components": _components(size - 80)}
    return compact({"format": "composition/1", "dialect": "json", "body": body})


@functools.cache
def sample(size: int) -> str:
    """The version of a sample that is nearest to so many bytes, as compact JSON."""
    histories = open_samples(0).histories
    texts = (compact(r.document) for history in histories for r in history.revisions)
    return min(texts, key=lambda text: abs(len(text.encode()) - size))


def compact(value: Any) -> str:
    """JSON without white space."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _components(size: int) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for name, component in _all_components():
        size -= len(compact({name: component}).encode())
        if size < 0:
            break
        chosen[name] = component
    return chosen


def _all_components() -> Iterator[tuple[str, Any]]:
    for nth, history in enumerate(open_samples(0).histories):
        for name, component in history.revisions[0].document.get("components", {}).items():
            yield f"{nth}.{name}", component
