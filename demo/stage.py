"""What all acts share: the people, what must be found of their compositions, and how to ask.

Every call goes through supabase-py as the person who makes it, so each answer is what a frontend
gets. What does not hold becomes a failure of the outcome, in words, and the play goes on.
"""

import functools
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from supabase import AuthError, Client, PostgrestAPIError, create_client

from demo.histories import Json
from demo.report import Outcome

_PAGE_ROWS = 20
_MOST_ROWS = 200
_MAX_SHOWN = 200


class Stopped(Exception):
    """The play was told to stop."""


class Refused(Exception):
    """PostgreSQL or a function refused, with a status and a code of ours (docs/errors.md).

    Args:
        message: To people.
        status: Of HTTP; empty if there is none of ours.
        code: Ours; without a status, a SQLSTATE.
        facts: What else is told to programs.
    """

    def __init__(self, message: str, status: str, code: str, facts: Json | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.facts = facts or {}


@dataclass(eq=False)
class Person:
    """Somebody with a client; signed in, but for nobody and the service role.

    Args:
        organization: The name of the one they belong to.
        role: In it.
    """

    name: str
    client: Client
    id: str = ""
    email: str = ""
    password: str = ""
    organization: str = ""
    organization_id: str = ""
    role: str = ""


@dataclass(eq=False)
class Composition:
    """What must be found of a composition whenever somebody looks.

    Args:
        authors: Who saves its versions, by turns.
        documents: Of versions 1, 2, 3 …, while it is played in.
        loads: How often it was loaded, and
        reported_loads: how many of them record_usage was told of.
    """

    id: str
    title: str
    owner: Person
    is_personal: bool
    readers: set[Person]
    authors: list[Person]
    description: str = ""
    tags: list[str] = field(default_factory=list)
    version: int = 0
    documents: list[Json] = field(default_factory=list)
    loads: int = 0
    reported_loads: int = 0

    @property
    def organization_id(self) -> str | None:
        """That of its owner, unless it is personal."""
        return None if self.is_personal else self.owner.organization_id


class Stage:
    """Where a play takes place.

    Args:
        url: Where Supabase is.
        anon_key: Its public key.
        stopping: Set it, from any thread or signal handler, to stop before the next call.
        service_role_key: Its secret key; None: jobs are left out.
        database_url: Its database, if accounts may be deleted there; None: they may not.
        functions_url: Where the cached functions are; None: nowhere.
        invoke_url: Where their jobs are invoked; None: that is not ours to do.
    """

    def __init__(
        self,
        url: str,
        anon_key: str,
        stopping: threading.Event,
        service_role_key: str | None = None,
        database_url: str | None = None,
        functions_url: str | None = None,
        invoke_url: str | None = None,
    ) -> None:
        self.outcome = Outcome()
        self.people: list[Person] = []
        self.compositions: list[Composition] = []
        self.service_role_key = service_role_key
        self.database_url = database_url
        self.functions_url = functions_url
        self.invoke_url = invoke_url
        self._url = url
        self._anon_key = anon_key
        self._stopping = stopping
        self._run = secrets.token_hex(4)

    @functools.cached_property
    def nobody(self) -> Person:
        """Somebody who is not signed in."""
        return Person("nobody", create_client(self._url, self._anon_key))

    @functools.cached_property
    def service(self) -> Person:
        """The service role."""
        assert self.service_role_key
        return Person("the service role", create_client(self._url, self.service_role_key))

    def address(self, name: str) -> str:
        """An e-mail address that is new every time something is played."""
        return f"{name}.{self._run}@example.com"

    def sign_up(self, name: str) -> Person:
        """Make an account for somebody.

        Raises:
            supabase.AuthError: Nobody may sign up, or not without confirming the address.
        """
        self.check_stopping()
        client = create_client(self._url, self._anon_key)
        email, password = self.address(name), secrets.token_urlsafe(12)
        answer = client.auth.sign_up({"email": email, "password": password})
        if not (answer.user and answer.session):
            raise AuthError("this project wants addresses confirmed; switch that off", None)
        return Person(name, client, answer.user.id, email, password)

    def colleagues(self, person: Person) -> set[Person]:
        """All of the organisation of somebody, who is among them."""
        return {p for p in self.people if p.organization_id == person.organization_id}

    def outsiders(self, person: Person) -> list[Person]:
        """All of the other organisation: by their parts, an editor, a viewer and a stranger."""
        return [p for p in self.people if p.organization_id != person.organization_id]

    def perform(self, name: str, act: Callable[..., Any], *arguments: Any) -> Any:
        """Play an act; that something in it was refused, unexpectedly, is a failure.

        Returns:
            What the act returns; None if it was refused.
        """
        try:
            result = act(self, *arguments)
        except Refused as refusal:
            self.fail(f"{name}: {refusal.code}: {refusal}")
            return None
        self.outcome.acts[name] += 1
        return result

    def call(self, person: Person, function: str, **arguments: Any) -> Any:
        """Call a function as somebody.

        Raises:
            Refused: PostgreSQL refused.
        """
        return self.send(function, person.client.rpc(function, arguments))

    def send(self, name: str, request: Any) -> Any:
        """As `call`, with a request that is made already."""
        self.check_stopping()
        started = time.perf_counter()
        try:
            answer = request.execute()
        except PostgrestAPIError as error:
            if len(error.code or "") == 5:  # a SQLSTATE; other codes are of what is in between
                raise _refused(error) from error
            raise
        self.outcome.seconds[name].append(time.perf_counter() - started)
        return answer.data

    def expect(self, code: str, what: str, person: Person, function: str, **arguments: Any) -> Json:
        """Call a function as somebody who must be refused.

        Args:
            code: The code that must be answered.
            what: Who or what is refused, in words.
            person: Who calls.
            function: What is called.
            **arguments: What with.

        Returns:
            What the refusal told programs; nothing if there was none.
        """
        about = f"{arguments['composition_id']}: " if "composition_id" in arguments else ""
        try:
            self.call(person, function, **arguments)
        except Refused as refusal:
            self.count_refusal(what, refusal)
            if refusal.code != code:
                self.fail(f"{about}{what}: {refusal.code} instead of {code}")
            return refusal.facts
        self.fail(f"{about}{what} was not refused")
        return {}

    def check(self, what: str, found: object, wanted: object) -> None:
        """Fail unless what was found is what must be: "{what} {found}, not {wanted}"."""
        if found != wanted:
            self.fail(f"{what} {_brief(found)}, not {_brief(wanted)}")

    def check_same(self, what: str, found: set[str], wanted: set[str]) -> None:
        """Fail unless these are the same: "{what} n compositions wrongly"."""
        if wrong := len(found ^ wanted):
            self.fail(f"{what} {wrong} compositions wrongly")

    def load(self, composition: Composition, person: Person, role: str) -> Json:
        """Load a composition as somebody, and compare it with what it must be.

        Returns:
            What load_composition returns.
        """
        loaded: Json = self.call(person, "load_composition", composition_id=composition.id)
        composition.loads += 1
        self.check(
            f"{composition.id}: loaded as",
            (loaded["version"], loaded["title"], loaded["role"]),
            (composition.version, composition.title, role),
        )
        if composition.documents:
            self.compare(
                composition, composition.version, loaded["document"], composition.documents[-1]
            )
        return loaded

    def compare(self, composition: Composition, version: int, found: Json, sent: Json) -> None:
        """Fail unless a document is the one that was sent."""
        self.outcome.read_backs += 1
        if found != sent:
            self.outcome.mismatches += 1
            self.fail(f"{composition.id}: version {version} is not what was saved")

    def add_version(self, composition: Composition, document: Json, written: Json) -> None:
        """Note a version that was made, and fail unless it is the next one."""
        composition.version += 1
        composition.documents.append(document)
        if written["version"] != composition.version:
            self.fail(f"{composition.id}: a save made version {written['version']}")

    def listed(self, person: Person, **filter: Any) -> dict[str, Json]:
        """All that somebody lists, page by page, by id."""
        arguments = {"filter": filter, "row_limit": _MOST_ROWS} if filter else {}
        return {
            item["composition_id"]: item
            for page in self.pages(
                person, "list_my_compositions", **{"row_limit": _PAGE_ROWS} | arguments
            )
            for item in page["items"]
        }

    def pages(self, person: Person, function: str, **arguments: Any) -> Iterator[Json]:
        """The pages of a list, one by one."""
        after = None
        while True:
            page: Json = self.call(person, function, after=after, **arguments)
            yield page
            if (after := page["next"]) is None:
                return

    def wait_until(self, moment: float) -> None:
        """Let time pass, until `time.monotonic()` is that."""
        self._stopping.wait(max(0.0, moment - time.monotonic()))
        self.check_stopping()

    def check_stopping(self) -> None:
        """End the play if it has been told to.

        Raises:
            Stopped: It has.
        """
        if self._stopping.is_set():
            raise Stopped

    def count_refusal(self, what: str, refusal: Refused) -> None:
        """Note who or what was refused."""
        self.outcome.refusals[what, refusal.status, refusal.code] += 1

    def tell(self, step: str, *lines: str | Json) -> None:
        """Keep what was told of a step for the report: sentences, and conflicts."""
        self.outcome.told.setdefault(step, []).extend(lines)

    def fail(self, what: str) -> None:
        """Note what should have held and did not."""
        self.outcome.failures.append(what)


def _refused(error: PostgrestAPIError) -> Refused:
    message, sqlstate = str(error.message), str(error.code)
    if sqlstate.startswith("PT"):
        facts = json.loads(str(error.details))
        return Refused(message, sqlstate[2:], facts["code"], facts)
    return Refused(message, "", sqlstate)


def _brief(value: object) -> str:
    text = str(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
