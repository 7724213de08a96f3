"""What it costs to find out what is shown in a context, and to load it."""

from bench.measure import Side, race
from bench.report import TIMES, Figure, times, verdict
from bench.world import Bench, Person, document, statement

_SELECT = """
select d.document
  from public.composition_pins as p
  join public.user_compositions as c on c.id = p.composition_id
  join public.compositions as d on d.content_hash = c.current_hash
 where p.user_id = %s and p.organization_id is null and p.context = 'home'
"""
_LOAD = "select public.load_composition(%s)"
_RESOLVE = "select public.resolve_context(%s)"
_HOME = "select public.load_home()"
_ORGANIZATION = "select public.create_organization('Northwind') ->> 'organization_id'"
_CREATE = """
select public.create_composition('Composition', %s::jsonb, %s) ->> 'composition_id'
"""
_LAYER = """
select public.set_layer(
         %s, 1, jsonb_build_array(jsonb_build_object('op', 'add', 'path', %s::text, 'value', 1)), %s
       )
"""
_ORGANIZATIONS = 3
_PINS = 20
_MILLISECONDS = 5


def contexts(bench: Bench) -> Figure:
    """resolve_context() and load_home() against a load by id, and with both layers on it."""
    world = bench.world
    owner, person = world.person(), world.person()
    for _ in range(_ORGANIZATIONS):
        piece = _make_default(owner, person)
    for nth in range(_PINS):
        _pin(person, f"route:/{nth}", piece, "me")
    _pin(person, "home", piece, "me")
    layered, moved = (_make_layered(owner, person, name) for name in ("layered", "moved"))
    _run(owner, "select public.save_version(%s, 1, %s::jsonb)", moved, document(10_100))
    world.database.execute("vacuum analyze")

    def asked(label: str, query: str, *values: str) -> Side:
        return Side(label, statement(person.connection, query, *values))

    timings = race(
        [
            Side("select by pin, no RLS", statement(world.database, _SELECT, person.id)),
            asked("load_composition", _LOAD, piece),
            asked("resolve_context, own pin", _RESOLVE, "home"),
            asked("resolve_context, default", _RESOLVE, "default"),
            asked("load_home", _HOME),
            asked("load_composition, both layers", _LOAD, layered),
            asked("resolve_context, both layers", _RESOLVE, "layered"),
            asked("the same, merged into a later head", _RESOLVE, "moved"),
        ],
        bench.sizes.rounds,
        runs=30,
    )
    base, *others = timings
    rows = [times(base)]
    for timing in others:
        median = timing.percentile(50)
        target = verdict(median, _MILLISECONDS, " ms") if "both" in timing.label else ""
        rows.append(times(timing, base, target))
    what = (
        f"A 10 kB document, for a member of {_ORGANIZATIONS + 2} organisations with defaults, who"
        f" has {_PINS + 1} pins. Layers: the organisation's and the person's own."
    )
    return Figure(what, TIMES, rows)


def _make_default(owner: Person, member: Person, context: str = "default") -> str:
    """Make an organisation of two with a default.

    Returns:
        The id of its composition.
    """
    organization = _run(owner, _ORGANIZATION)
    _run(
        owner,
        "select public.add_organization_member(%s, %s, 'member')",
        *(organization, member.id),
    )
    piece = str(_run(owner, _CREATE, document(10_000), organization))
    _pin(owner, context, piece, "organization")
    return piece


def _make_layered(owner: Person, member: Person, context: str) -> str:
    """Make a default that its organisation and the member have changed for themselves.

    Returns:
        The id of its composition.
    """
    piece = _make_default(owner, member, context)
    _run(owner, _LAYER, piece, "/body/organisation", "organization")
    _run(member, _LAYER, piece, "/body/own", "me")
    return piece


def _pin(person: Person, context: str, composition_id: str, scope: str) -> None:
    _run(person, "select public.pin_composition(%s, %s, %s)", context, composition_id, scope)


def _run(person: Person, query: str, *values: object) -> object:
    return statement(person.connection, query, *values)()
