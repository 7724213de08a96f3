"""Loads and writes through the functions: mostly from the cache, and never older than promised.

What a load answers must be what the database answers the same person, whoever wrote what before.
"""

import functools
import random
import time
from collections.abc import Callable

import httpx

from demo.functions import PATIENCE_SECONDS, Functions, connected, path_of, the, wait_for
from demo.histories import Json
from demo.stage import Composition, Person, Stage

# So many compositions are loaded, so often on average: some again and again, most now and then.
_POPULAR = 8
_LOADS_EACH = 60
_KNOWN_SHARE = 0.3  # of loads say which answer they have
_SAVE_ONE_IN = 100
_SHARED = 3
_WRITTEN = 5
_CALL_SECONDS = 30


def load_often(stage: Stage) -> None:
    """People load what they may see, again and again, while some of it is saved."""
    chance = random.Random(4)
    popular = stage.compositions[:_POPULAR]
    weights = [1 / rank for rank in range(1, len(popular) + 1)]
    loaded = chance.choices(popular, weights, k=_LOADS_EACH * len(popular))
    with connected(stage) as functions:
        for nth, composition in enumerate(loaded, start=_SAVE_ONE_IN // 2):
            reader = chance.choice(_readers(stage, composition))
            if nth % _SAVE_ONE_IN == 0:
                _save(stage, functions, composition, reader)
            functions.load(reader, the(composition), is_known=chance.random() < _KNOWN_SHARE)


def share_and_take_back(stage: Stage) -> None:
    """Who was told that there is nothing sees what is shared with them, for as long as it is."""
    with connected(stage) as functions:
        for composition in stage.compositions[:_SHARED]:
            stranger = next(p for p in stage.people if p not in composition.readers)
            _share_and_take_back(functions, composition, stranger)


def write_directly(stage: Stage) -> None:
    """What is saved past the functions is loaded through them a moment later."""
    with connected(stage) as functions:
        waiting: dict[str, tuple[float, Callable[[], bool]]] = {}
        for composition in stage.compositions[:_WRITTEN]:
            owner, readers = composition.owner, _readers(stage, composition)
            for reader in readers:
                functions.load(reader, the(composition))
            document = _next(functions.wanted(owner, the(composition))["document"])
            saved = stage.call(
                owner,
                "save_version",
                composition_id=composition.id,
                base_version=composition.version,
                document=document,
            )
            _note(stage, functions, composition, document, saved)
            written = time.monotonic()
            for reader in readers:
                what = f"{composition.id}: for {reader.name}, what was saved directly"
                is_seen = functools.partial(_is_head, functions, reader, composition)
                waiting[what] = (written, is_seen)
        stage.outcome.lags += wait_for(stage, waiting)


def audit(stage: Stage) -> None:
    """The audit finds nothing in the cache that the database would not answer."""
    checked = 0
    patient_until = time.monotonic() + PATIENCE_SECONDS
    # What was loaded a moment ago, a webhook that came late may have dropped.
    while not checked and time.monotonic() < patient_until:
        with connected(stage) as functions:
            for composition in stage.compositions:
                for reader in _readers(stage, composition):
                    functions.load(reader, the(composition))
        with httpx.Client(timeout=_CALL_SECONDS) as client:
            answer = client.post(
                f"{stage.invoke_url}/2015-03-31/functions/audit/invocations",
                json={"patience_seconds": PATIENCE_SECONDS},
            )
        found = answer.raise_for_status().json()
        stage.check("the audit was stopped by", found["stopped"], None)
        stage.check("the audit found mismatches:", found["mismatches"], 0)
        checked = found["checked"]
    if not checked:
        stage.fail("the audit found nothing in the cache")


def _share_and_take_back(functions: Functions, composition: Composition, stranger: Person) -> None:
    owner, path = composition.owner, path_of(composition)
    share = f"{path}/shares/{stranger.id}"

    def sees() -> bool:
        return functions.version(stranger, composition) is not None

    functions.expect("composition_not_found", "who loads before the share", stranger, "GET", path)
    functions.write(owner, "PUT", share, sees, json={"role": "viewer"})
    for _ in range(2):
        functions.load(stranger, the(composition))
    functions.write(owner, "DELETE", share, lambda: not sees())
    functions.expect("composition_not_found", "who loads after the share", stranger, "GET", path)


def _save(stage: Stage, functions: Functions, composition: Composition, reader: Person) -> None:
    """Save as the owner; the reader loads it at once, and saving from the same version is late."""
    owner = composition.owner
    document = _next(functions.wanted(owner, the(composition))["document"])
    request = {
        "headers": {"If-Match": f'"{composition.version}"'},
        "json": {"document": document, "message": "Through the functions"},
    }
    path = path_of(composition)
    wanted = composition.version + 1
    saved = functions.write(
        owner, "PUT", path, lambda: functions.version(reader, composition) == wanted, **request
    )
    _note(stage, functions, composition, document, saved.json())
    functions.load(reader, the(composition))
    functions.expect("version_conflict", "a stale PUT", owner, "PUT", path, **request)


def _note(
    stage: Stage, functions: Functions, composition: Composition, document: Json, written: Json
) -> None:
    stage.add_version(composition, document, written)
    composition.documents.clear()
    functions.changed(the(composition))


def _next(document: Json) -> Json:
    """A document that is not the same, and shows the same."""
    ext = document.get("ext", {})
    return document | {"ext": ext | {"demo/saved": ext.get("demo/saved", 0) + 1}}


def _is_head(functions: Functions, reader: Person, composition: Composition) -> bool:
    return functions.version(reader, composition) == composition.version


def _readers(stage: Stage, composition: Composition) -> list[Person]:
    return [person for person in stage.people if person in composition.readers]
