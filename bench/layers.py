"""What layers cost a load: none of them, those of others, and one's own on an older head."""

import json
from collections.abc import Sequence

from bench.measure import Side, race
from bench.report import TIMES, Figure, times, verdict
from bench.world import Bench, Person, compact, sample, statement

_LOAD = "select public.load_composition(%s)"
_SAVE = "select public.save_version(%s, 1, %s::jsonb) ->> 'version'"
_LAY = "select public.set_layer(%s, 1, %s::jsonb, %s) ->> 'state'"
_CREATE = """
select public.create_composition(
         'Ours', %s::jsonb, (public.create_organization('Northwind') ->> 'organization_id')::uuid
       ) ->> 'composition_id'
"""
_BYTES = 10_000
_TARGET_MS = 5


def layers(bench: Bench) -> Figure:
    """load_composition() with layers against one without."""
    person = bench.world.person()
    plain, others, fresh, behind = (
        str(statement(person.connection, _CREATE, sample(_BYTES))()) for _ in range(4)
    )
    texts = [
        name
        for name, component in json.loads(sample(_BYTES))["components"].items()
        if component["component"] == "Text"
    ]
    for piece in (fresh, behind):
        _lay(person, piece, "organization", texts[0])
        _lay(person, piece, "me", texts[1])
    _lay(person, others, "me", texts[1])
    _give_to_another(bench, others)
    head = json.loads(sample(_BYTES))
    head["components"][texts[2]]["text"] = "Of the head"
    statement(person.connection, _SAVE, behind, compact(head))()

    sides: Sequence[tuple[str, str]] = [
        ("no layer", plain),
        ("somebody else's", others),
        ("an organisation's and one's own", fresh),
        ("both, made on an older head", behind),
    ]
    base, *with_layers = race(
        [Side(label, statement(person.connection, _LOAD, piece)) for label, piece in sides],
        bench.sizes.rounds,
        runs=30,
    )
    rows = [times(base)]
    for timing in with_layers:
        target = verdict(timing.percentile(50), _TARGET_MS, " ms")
        rows.append(times(timing, base, target))
    what = f"load_composition() of a sample of about {_BYTES // 1000} kB, by who has changed it."
    return Figure(what, TIMES, rows)


def _lay(person: Person, piece: str, scope: str, component: str) -> None:
    patch = [{"op": "add", "path": f"/components/{component}/text", "value": f"For {scope}"}]
    statement(person.connection, _LAY, piece, compact(patch), scope)()


def _give_to_another(bench: Bench, piece: str) -> None:
    """Make the layer over a composition one of a person who is not asked."""
    (id,) = bench.world.accounts(1)
    bench.world.database.execute(
        "update public.composition_layers set user_id = %s where composition_id = %s", (id, piece)
    )
