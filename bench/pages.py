"""What the first and the last page of a long list cost, and a search in it."""

from bench.measure import Side, race
from bench.report import TIMES, Figure, times, verdict
from bench.world import Bench, statement

_OWN = 10_000
_PAGE = 50
_TARGET_MS = 10
_LIST = "select public.list_my_compositions(after => %s, row_limit => %s)"
_NEXT = "select public.list_my_compositions(after => %s, row_limit => %s) ->> 'next'"
_SEARCH = "select public.list_my_compositions(jsonb_build_object('search', %s::text))"
_LIKE = """
select jsonb_agg(page)
  from (
    select c.id, c.title, c.description, c.tags, c.owner_id, c.organization_id,
           c.current_version, c.current_hash, c.updated_at
      from public.user_compositions as c
     where c.title ilike %s or c.description ilike %s or array_to_string(c.tags, ' ') ilike %s
     order by c.updated_at desc, c.id desc
     limit 50
  ) as page
"""
_OFFSET = """
select jsonb_agg(page)
  from (
    select c.id, c.title, c.description, c.tags, c.owner_id, c.organization_id,
           c.current_version, c.current_hash, c.updated_at
      from public.user_compositions as c
     order by c.updated_at desc, c.id desc
     limit %s offset %s
  ) as page
"""


def pages(bench: Bench) -> Figure:
    """list_my_compositions() against limit and offset, and against ilike, under RLS."""
    world = bench.world
    person = world.person()
    world.fill(bench.sizes.crowd, world.accounts(bench.sizes.crowd // 100))
    world.fill(_OWN, [person.id])
    last = None
    while cursor := statement(person.connection, _NEXT, last, _PAGE)():
        last = cursor

    races = []
    for label, after, offset in (("first page", None, 0), ("last page", last, _OWN - _PAGE)):
        listed = statement(person.connection, _LIST, after, _PAGE)
        skipped = statement(person.connection, _OFFSET, _PAGE, offset)
        races.append(
            [
                Side(f"{label}, offset {offset:,}, under RLS", skipped),
                Side(f"{label}, list_my_compositions", listed),
            ]
        )
    for label, word in (("all have", "position"), ("none has", "nowhere")):
        like = f"%{word}%"
        compared = statement(person.connection, _LIKE, like, like, like)
        searched = statement(person.connection, _SEARCH, word)
        races.append(
            [
                Side(f"a word that {label}, ilike under RLS", compared),
                Side(f"a word that {label}, list_my_compositions", searched),
            ]
        )

    rows = []
    for nth, sides in enumerate(races):
        base, ours = race(sides, bench.sizes.rounds, runs=5)
        target = verdict(ours.percentile(95), _TARGET_MS, " ms p95") if nth < 2 else ""
        rows += [times(base), times(ours, base, target)]
    what = f"{_PAGE} of a person's {_OWN:,} compositions, beside {bench.sizes.crowd:,} of others."
    return Figure(what, TIMES, rows)
