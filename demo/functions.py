"""The functions, as people reach them over HTTP, and what they must answer.

What a load answers must be what the database answers the same person at that moment, and what is
told to have been written must be seen by whoever loads next.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from demo.histories import Json
from demo.stage import Composition, Person, Refused, Stage

# Until a write that nothing could tell the cache of must have come there all the same.
PATIENCE_SECONDS = 15
_POLL_SECONDS = 0.02
_CALL_SECONDS = 30


@dataclass(frozen=True)
class Asked:
    """What can be loaded: through the functions by a path, from the database by a function.

    Args:
        name: For people.
        path: Where.
        function: The name of the other.
        arguments: What that is called with.
    """

    name: str
    path: str
    function: str
    arguments: Json


HOME = Asked("home", "/v1/home", "load_home", {})


def the(composition: Composition) -> Asked:
    """A composition."""
    arguments = {"composition_id": composition.id}
    return Asked(composition.id, path_of(composition), "load_composition", arguments)


def shown_in(context: str) -> Asked:
    """What is pinned in a context."""
    return Asked(context, f"/v1/contexts/{context}", "resolve_context", {"context": context})


class Functions:
    """The functions, as people reach them, beside what the database says.

    Args:
        stage: Where the play takes place.
        client: Its base is the URL of the functions.
    """

    def __init__(self, stage: Stage, client: httpx.Client) -> None:
        self._stage = stage
        self._client = client
        self._tags: dict[tuple[Person, str], str] = {}
        self._answers: dict[tuple[Person, str], Json] = {}

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
                code = problem["error"]
                raise Refused(problem["message"], str(answer.status_code), code, problem)
            except (KeyError, TypeError, ValueError):
                # What stands before the functions says so in its own words.
                raise Refused(answer.text, str(answer.status_code), "no_answer") from None
        return answer

    def expect(
        self, code: str, what: str, person: Person, method: str, path: str, **more: Any
    ) -> Json:
        """Send a request as somebody who must be refused; as `Stage.expect`."""
        try:
            self.send(person, method, path, **more)
        except Refused as refusal:
            self._stage.count_refusal(what, refusal)
            if refusal.code != code:
                self._stage.fail(f"{path}: {what}: {refusal.code} instead of {code}")
            return refusal.facts
        self._stage.fail(f"{path}: {what} was not refused")
        return {}

    def load(self, person: Person, asked: Asked, *, is_known: bool = False) -> str:
        """Load something as somebody, and compare it with what the database answers them.

        Args:
            person: Who loads.
            asked: What.
            is_known: Whether to say which answer they have, if they have one.

        Returns:
            What answered: hit, unchanged, miss, bypass.
        """
        key = person, asked.path
        tag = self._tags.get(key) if is_known else None
        started = time.perf_counter()
        answer = self.send(person, "GET", asked.path, headers={"If-None-Match": tag} if tag else {})
        seconds = time.perf_counter() - started
        kind: str = answer.headers["x-cache"]
        is_unchanged = answer.status_code == 304
        kind = "unchanged" if is_unchanged and kind == "hit" else kind
        self._stage.outcome.loads[kind].append(seconds)

        wanted = self.wanted(person, asked)
        what = f"{asked.name}: {person.name} loads through the functions ({kind})"
        if is_unchanged:
            found = (tag or "").strip('"').removesuffix("-br")
            self._stage.check(what, found, f"{wanted['version']}.{wanted['etag']}")
        elif (found := answer.json()) != wanted:
            names = [name for name in wanted if found.get(name) != wanted[name]]
            self._stage.fail(f"{what} what the database has not: {', '.join(names)}")
        self._tags[key] = answer.headers["etag"]
        return kind

    def wanted(self, person: Person, asked: Asked) -> Json:
        """What the database answers somebody, asked once after every change."""
        key = person, asked.path
        if key not in self._answers:
            self._answers[key] = self._stage.call(person, asked.function, **asked.arguments)
        return self._answers[key]

    def changed(self, asked: Asked) -> None:
        """Ask the database again what it answers."""
        self._answers = {key: its for key, its in self._answers.items() if key[1] != asked.path}

    def agrees(self, person: Person, asked: Asked) -> bool:
        """Whether a load answers somebody what the database does, if that is a refusal, too."""
        self.changed(asked)
        return _result(lambda: self.send(person, "GET", asked.path).json()) == _result(
            lambda: self.wanted(person, asked)
        )

    def version(self, person: Person, composition: Composition) -> int | None:
        """The version that a load answers somebody now; None: there is nothing for them."""
        try:
            version: int = self.send(person, "GET", path_of(composition)).json()["version"]
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
            wait_for(self._stage, {what: (time.monotonic(), is_seen)})
        return answer


@contextlib.contextmanager
def connected(stage: Stage) -> Iterator[Functions]:
    """The functions, for as long as an act takes."""
    assert stage.functions_url
    with httpx.Client(base_url=stage.functions_url, timeout=_CALL_SECONDS) as client:
        yield Functions(stage, client)


def wait_for(stage: Stage, waiting: Mapping[str, tuple[float, Callable[[], bool]]]) -> list[float]:
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
            elif lag > PATIENCE_SECONDS:
                stage.fail(f"{what} is not loaded after {PATIENCE_SECONDS} s")
                del left[what]
        stage.wait_until(time.monotonic() + _POLL_SECONDS)
    return lags


def _result(call: Callable[[], Json]) -> Json | str:
    try:
        return call()
    except Refused as refusal:
        return refusal.code


def path_of(composition: Composition) -> str:
    """Where it is."""
    return f"/v1/compositions/{composition.id}"
