"""What it costs to find out what is shown in a context, and to load it."""

from psycopg.types.json import Jsonb

from bench.measure import Side, race
from bench.report import TIMES, Figure, compared
from bench.world import Bench, document, statement

_LOAD = "select public.load_composition(%s)"
_RESOLVE = "select public.resolve_context(%s)"
_HOME = "select public.load_home()"
_PINS = 20
_ORGANIZATIONS = 3


def contexts(bench: Bench) -> Figure:
    """resolve_context() and load_home() against a load by id, with and without layers."""
    world = bench.world
    owner, person = world.person(), world.person()
    for _ in range(_ORGANIZATIONS):
        organization = owner.call("create_organization", "Northwind")["organization_id"]
