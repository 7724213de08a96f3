"""What a server does: it reports how often compositions were loaded, and asks what is popular."""

from demo.stage import Stage

_ENTRIES = 1000
_ROWS = 200


def count_loads(stage: Stage) -> None:
    """Report all loads, and one more: the most loaded come first, and owners see their counts."""
    first = stage.compositions[0]
    _, viewer, _ = stage.outsiders(first.owner)
    _report(stage)
    stage.load(first, first.owner, "owner")
    _report(stage)
    _check_popular(stage)

    for person, loads in ((first.owner, first.reported_loads), (viewer, 0)):
        table = person.client.table("composition_usage").select("loads")
        counted = stage.send("GET composition_usage", table.eq("composition_id", first.id))
        # A play at midnight has two days.
        stage.check(f"{person.name} counts loads:", sum(row["loads"] for row in counted), loads)
    stage.expect("42501", "who reports loads in person", viewer, "record_usage", entries=[])


def _report(stage: Stage) -> None:
    loaded = [c for c in stage.compositions if c.loads > c.reported_loads]
    entries = [
        {"composition_id": c.id, "loads": c.loads - c.reported_loads, "hits": 0} for c in loaded
    ]
    for start in range(0, len(entries), _ENTRIES):
        some = entries[start : start + _ENTRIES]
        answer = stage.call(stage.service, "record_usage", entries=some)
        stage.check("of the loads were recorded", answer["recorded"], len(some))
    for composition in loaded:
        composition.reported_loads = composition.loads


def _check_popular(stage: Stage) -> None:
    counts = {c.id: c.reported_loads for c in stage.compositions if c.reported_loads}
    rows = stage.call(stage.service, "popular_compositions", row_limit=_ROWS)
    loads = [(row["composition_id"], row["loads"]) for row in rows]
    # Where others are loaded, too, they take some of the rows.
    found = [(id, count) for id, count in loads if id in counts]
    by_loads = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    stage.check("popular are", found, by_loads[: _ROWS - (len(rows) - len(found))])
