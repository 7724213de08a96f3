"""Loads and writes through the functions: mostly from the cache, and never older than promised.

What a load answers must be what the database answers the same person, whoever wrote what before.
"""

import contextlib
import functools
import random
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx

from demo.histories import Json
from demo.stage import Composition, Person, Refused, Stage

# So many compositions are loaded, so often on average: some again and again, most now and then.
_POPULAR = 8
_LOADS_EACH = 60
_KNOWN_SHARE = 0.3  # of loads say which answer they have
_SAVE_ONE_IN = 100
_SHARED = 3
_WRITTEN = 5
# Until a write that nothing could tell the cache of must have come there all the same.
_PATIENCE_SECONDS = 15
_POLL_SECONDS = 0.02
_CALL_SECONDS = 30


class _Functions:
    """The functions, as people reach them, beside what the database says.

    Args:
        stage: Where the play takes place.
        client: Its base is the URL of the functions.
    """

    def __init__(self, stage: Stage, client: httpx.Client) -> None:
        self._stage = stage
        self._client = client
        self._tags: dict[tuple[Person, Composition], str] = {}
        self._answers: dict[tuple[Person, Composition], Json] = {}

    def send(self, person: Person, method: str, path: str, **request: Any) -> httpx.Response:
        """Send a request as somebody.

        Raises:
            Refused: It was refused.
        """
        self._stage.check_stopping()
        session = person.client.auth.get_session()
        assert session
        headers = {"Authorization": f"Bearer {session.access_token}"} | request.pop("headers", {})
        answer = self._client.request(method, path, headers=headers, **request)
        if answer.status_code >= 400:
            try:
                problem = answer.json()
                raise Refused(problem["message"], str(answer.status_code), problem["error"])
            except (KeyError, TypeError, ValueError):
                # What stands before the functions says so in its own words.
                raise Refused(answer.text, str(answer.status_code), "no_answer") from None
        return answer

    def expect(
        self, code: str, what: str, person: Person, method: str, path: str, **more: Any
    ) -> None:
        """Send a request as somebody who must be refused; as `Stage.expect`."""
        try:
            self.send(person, method, path, **more)
        except Refused as refusal:
            self._stage.count_refusal(what, refusal)
            if refusal.code != code:
                self._stage.fail(f"{path}: {what}: {refusal.code} instead of {code}")
        else:
            self._stage.fail(f"{path}: {what} was not refused")

    def load(self, person: Person, composition: Composition, *, is_known: bool = False) -> None:
        """Load a composition as somebody, and compare it with what the database answers them.

        Args:
            person: Who loads.
            composition: What.
            is_known: Whether to say which answer they have, if they have one.
        """
        key = person, composition
        tag = self._tags.get(key) if is_known else None
        started = time.perf_counter()
        answer = self.send(
            person, "GET", _path(composition), headers={"If-None-Match": tag} if tag else {}
        )
        seconds = time.perf_counter() - started
        kind = answer.headers["x-cache"]
        is_unchanged = answer.status_code == 304
        kind = "unchanged" if is_unchanged and kind == "hit" else kind
        self._stage.outcome.loads[kind].append(seconds)

        wanted = self.wanted(person, composition)
        what = f"{composition.id}: {person.name} loads through the functions ({kind})"
        if is_unchanged:
            found = (tag or "").strip('"').removesuffix("-br")
            self._stage.check(what, found, f"{wanted['version']}.{wanted['etag']}")
        elif (found := answer.json()) != wanted:
            names = [name for name in wanted if found.get(name) != wanted[name]]
            self._stage.fail(f"{what} what the database has not: {', '.join(names)}")
        self._tags[key] = answer.headers["etag"]

    def wanted(self, person: Person, composition: Composition) -> Json:
        """What the database answers somebody, asked once after every change."""
        key = person, composition
        if key not in self._answers:
            self._answers[key] = self._stage.call(
                person, "load_composition", composition_id=composition.id
            )
        return self._answers[key]

    def changed(self, composition: Composition) -> None:
        """Ask the database again what it answers."""
        self._answers = {
            key: its for key, its in self._answers.items() if key[1] is not composition
        }

    def version(self, person: Person, composition: Composition) -> int | None:
        """The version that a load answers somebody now; None: there is nothing for them."""
        try:
            version: int = self.send(person, "GET", _path(composition)).json()["version"]
        except Refused as refusal:
            if refusal.code != "composition_not_found":
                raise
            return None
        return version

    def write(
        self,
        person: Person,
        method: str,
        path: str,
        is_seen: Callable[[], bool],
        **request: Any,
    ) -> httpx.Response:
        """Write as somebody; when that has been answered, every load must show it.

        Args:
            person: Who writes.
            method: How.
            path: Where.
            is_seen: Whether a load shows it. That may take a while after a 202 alone.
            **request: What else to send.
        """
        answer = self.send(person, method, path, **request)
        if answer.status_code == 202:
            what = f"{path}: {method}, which was answered with 202,"
            _await(self._stage, {what: (time.monotonic(), is_seen)})
        return answer


def load_often(stage: Stage) -> None:
    """People load what they may see, again and again, while some of it is saved."""
    chance = random.Random(4)
    popular = stage.compositions[:_POPULAR]
    weights = [1 / rank for rank in range(1, len(popular) + 1)]
    loaded = chance.choices(popular, weights, k=_LOADS_EACH * len(popular))
    with _connected(stage) as functions:
        for nth, composition in enumerate(loaded, start=_SAVE_ONE_IN // 2):
            reader = chance.choice(_readers(stage, composition))
            if nth % _SAVE_ONE_IN == 0:
                _save(stage, functions, composition, reader)
            functions.load(reader, composition, is_known=chance.random() < _KNOWN_SHARE)


def share_and_take_back(stage: Stage) -> None:
    """Who was told that there is nothing sees what is shared with them, for as long as it is."""
    with _connected(stage) as functions:
        for composition in stage.compositions[:_SHARED]:
            stranger = next(p for p in stage.people if p not in composition.readers)
            _share_and_take_back(functions, composition, stranger)


def write_directly(stage: Stage) -> None:
    """What is saved past the functions is loaded through them a moment later."""
    with _connected(stage) as functions:
        waiting: dict[str, tuple[float, Callable[[], bool]]] = {}
        for composition in stage.compositions[:_WRITTEN]:
            owner, readers = composition.owner, _readers(stage, composition)
            for reader in readers:
                functions.load(reader, composition)
            document = _next(functions.wanted(owner, composition)["document"])
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
        stage.outcome.lags += _await(stage, waiting)


def audit(stage: Stage) -> None:
    """The audit finds nothing in the cache that the database would not answer."""
    with _connected(stage) as functions:
        # What was loaded before, webhooks that came late may have dropped.
        for composition in stage.compositions:
            for reader in _readers(stage, composition):
                functions.load(reader, composition)
    with httpx.Client(timeout=_CALL_SECONDS) as client:
        answer = client.post(
            f"{stage.invoke_url}/2015-03-31/functions/audit/invocations",
            json={"patience_seconds": _PATIENCE_SECONDS},
        )
    found = answer.raise_for_status().json()
    stage.check("the audit was stopped by", found["stopped"], None)
    stage.check("the audit found mismatches:", found["mismatches"], 0)
    if not found["checked"]:
        stage.fail("the audit found nothing in the cache")


@contextlib.contextmanager
def _connected(stage: Stage) -> Iterator[_Functions]:
    assert stage.functions_url
    with httpx.Client(base_url=stage.functions_url, timeout=_CALL_SECONDS) as client:
        yield _Functions(stage, client)


def _share_and_take_back(functions: _Functions, composition: Composition, stranger: Person) -> None:
    owner, path = composition.owner, _path(composition)
    share = f"{path}/shares/{stranger.id}"

    def sees() -> bool:
        return functions.version(stranger, composition) is not None

    functions.expect("composition_not_found", "who loads before the share", stranger, "GET", path)
    functions.write(owner, "PUT", share, sees, json={"role": "viewer"})
    for _ in range(2):
        functions.load(stranger, composition)
    functions.write(owner, "DELETE", share, lambda: not sees())
    functions.expect("composition_not_found", "who loads after the share", stranger, "GET", path)


def _save(stage: Stage, functions: _Functions, composition: Composition, reader: Person) -> None:
    """Save as the owner; the reader loads it at once, and saving from the same version is late."""
    owner = composition.owner
    document = _next(functions.wanted(owner, composition)["document"])
    request = {
        "headers": {"If-Match": f'"{composition.version}"'},
        "json": {"document": document, "message": "Through the functions"},
    }
    path = _path(composition)
    wanted = composition.version + 1
    saved = functions.write(
        owner, "PUT", path, lambda: functions.version(reader, composition) == wanted, **request
    )
    _note(stage, functions, composition, document, saved.json())
    functions.load(reader, composition)
    functions.expect("version_conflict", "a stale PUT", owner, "PUT", path, **request)


def _note(
    stage: Stage, functions: _Functions, composition: Composition, document: Json, written: Json
) -> None:
    stage.add_version(composition, document, written)
    composition.documents.clear()
    functions.changed(composition)


def _next(document: Json) -> Json:
    """A document that is not the same, and shows the same."""
    ext = document.get("ext", {})
    return document | {"ext": ext | {"demo/saved": ext.get("demo/saved", 0) + 1}}


def _is_head(functions: _Functions, reader: Person, composition: Composition) -> bool:
    return functions.version(reader, composition) == composition.version


def _await(stage: Stage, waiting: Mapping[str, tuple[float, Callable[[], bool]]]) -> list[float]:
    """Wait until what was written is seen, and fail for what is not seen for too long.

    Args:
        stage: Where the play takes place.
        waiting: By what was written: when, by `time.monotonic()`, and whether it is seen.

    Returns:
        Seconds from the writing to the seeing.
    """
    lags = []
    left = dict(waiting)
    while left:
        for what, (written, is_seen) in list(left.items()):
            lag = time.monotonic() - written
            if is_seen():
                lags.append(lag)
                del left[what]
            elif lag > _PATIENCE_SECONDS:
                stage.fail(f"{what} is not loaded after {_PATIENCE_SECONDS} s")
                del left[what]
        stage.wait_until(time.monotonic() + _POLL_SECONDS)
    return lags


def _readers(stage: Stage, composition: Composition) -> list[Person]:
    return [person for person in stage.people if person in composition.readers]


def _path(composition: Composition) -> str:
    return f"/v1/compositions/{composition.id}"
