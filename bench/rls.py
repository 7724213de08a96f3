"""What row level security adds to a look-up by key."""

from pathlib import Path
from typing import Any

import psycopg

from bench.measure import Side, race
from bench.report import TIMES, Figure, times, verdict
from bench.world import Bench, statement

_ORGANIZATIONS = 1_000
_TARGETS = {10: 2.5, 500: 5.0}
_CALLS = 100
_LARGE = 100_000
_EACH = 20
_SELECT = """
select c.id, c.title, c.current_version, c.updated_at
  from public.user_compositions as c
 where c.id = %s
"""
_JOIN = """
insert into public.organization_members (organization_id, user_id, role)
select o.id, m.id, 'member' from unnest(%s::uuid[]) as o (id), unnest(%s::uuid[]) as m (id)
"""


def rls(bench: Bench) -> Figure:
    """A row of user_compositions by id, as a member of few and of many organisations."""
    world = bench.world
    with world.database.cursor() as cursor:
        cursor.execute(
            "insert into public.organizations (name) select 'O' from generate_series(1, %s)"
            " returning id",
            [_ORGANIZATIONS],
        )
        organizations = [str(id) for (id,) in cursor]
    strangers = world.accounts(bench.sizes.crowd // 100)
    # Many others are members, too: a table of nothing but our own rows would be scanned whole.
    for nth in range(0, len(organizations), _EACH):
        some = strangers[nth // _EACH :: len(organizations) // _EACH]
        world.database.execute(_JOIN, [organizations[nth : nth + _EACH], some])
    world.fill(bench.sizes.crowd, strangers, organizations)

    rows = []
    for count, limit in _TARGETS.items():
        member, joined = world.person(), organizations[:count]
        world.database.execute(_JOIN, [joined, [member.id]])
        world.database.execute("vacuum analyze public.organization_members")
        # Of an organisation in the middle: the policy looks through the array from its start.
        piece = statement(
            world.database,
            "select id from public.user_compositions where organization_id = %s limit 1",
            joined[count // 2],
        )()
        for side, what in ((_answered, "time"), (_worked, "server CPU")):
            base, ours = race(
                [
                    side(f"no RLS, {what}", world.database, piece),
                    side(f"member of {count}, {what}", member.connection, piece),
                ],
                bench.sizes.rounds,
                runs=100 if side is _answered else 10,
            )
            # In the time it takes, the round trip hides most of it: held against the other,
            # and in a table as large as the target means.
            judged = side is _worked and bench.sizes.crowd >= _LARGE
            target = verdict(ours.against(base).median, limit) if judged else ""
            rows += [times(base), times(ours, base, target)]
    what = f"A row of user_compositions by id, of {bench.sizes.crowd:,}, under RLS and without."
    return Figure(what, TIMES, rows)


def _answered(label: str, connection: psycopg.Connection[Any], piece: object) -> Side:
    return Side(label, statement(connection, _SELECT, piece))


def _worked(label: str, connection: psycopg.Connection[Any], piece: object) -> Side:
    connection.execute(f'prepare "{piece}" (uuid) as {_SELECT.replace("%s", "$1")}')
    # All in one message: a server that falls asleep after every statement pays for waking up.
    message = f"""execute "{piece}" ('{piece}');""" * _CALLS
    # How many nanoseconds the server process ran.
    ran = Path(f"/proc/{connection.info.backend_pid}/schedstat")
    return Side(
        label,
        lambda: connection.execute(message, prepare=False),
        _CALLS,
        clock=lambda: int(ran.read_text().split()[0]) / 1e9,
    )
