"""The play: people of two organisations save, share and change documents, and meet refusals.

Every act goes through supabase-py as the person who does it, so each answer is what a frontend
gets. What must hold is checked as it happens, against what was sent.
"""

import functools
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from supabase import AuthError, Client, PostgrestAPIError, create_client

from demo.histories import History, Json, Revision, Source
from demo.report import Outcome

# The first of each founds the organisation, and with it is its owner.
_CAST = {
    "Northwind": {"ann": "owner", "ben": "admin", "cleo": "member"},
    "Southport": {"dan": "owner", "eve": "admin", "finn": "member"},
}
# Out of so many compositions one is shared, quarrelled over, and read back version by version.
_SHARED_ONE_IN = 10
_PAGE_ROWS = 20


class Stopped(Exception):
    """The play was told to stop."""


class Refused(Exception):
    """PostgreSQL refused, with a status and a code of ours (docs/errors.md) or a SQLSTATE alone."""

    def __init__(self, error: PostgrestAPIError) -> None:
        super().__init__(error.message)
        self.status, self.code = "", str(error.code)
        if self.code.startswith("PT"):
            self.status, self.code = self.code[2:], json.loads(str(error.details))["code"]


@dataclass(eq=False)
class Person:
    """Somebody signed in, and the organisation they belong to."""

    name: str
    email: str
    password: str
    id: str
    client: Client
    organization_id: str = ""


@dataclass(eq=False)
class Composition:
    """What must be found of a composition whenever somebody looks.

    Args:
        authors: Who saves its versions, by turns.
        documents: Of versions 1, 2, 3 …, while it is played in.
    """

    id: str
    title: str
    owner: Person
    is_personal: bool
    readers: set[Person]
    authors: list[Person]
    version: int = 0
    documents: list[Json] = field(default_factory=list)


class Play:
    """Gather the people, then run.

    Args:
        url: Where Supabase is.
        anon_key: Its public key.
        stopping: Set it, from any thread or signal handler, to stop before the next call.
    """

    def __init__(self, url: str, anon_key: str, stopping: threading.Event) -> None:
        self.outcome = Outcome()
        self.people: list[Person] = []
        self.compositions: list[Composition] = []
        self._url = url
        self._anon_key = anon_key
        self._stopping = stopping

    def gather(self) -> None:
        """Sign everybody up, under addresses that are new every time, and found organisations.

        Raises:
            Stopped: `stopping` was set.
            supabase.AuthError: Nobody may sign up, or not without confirming the address.
        """
        run = secrets.token_hex(4)
        for organization, members in _CAST.items():
            founder, *others = [self._sign_up(name, run) for name in members]
            made = self._call(founder, "create_organization", name=organization)
            for person in (founder, *others):
                person.organization_id = made["organization_id"]
            for person in others:
                self._call(
                    founder,
                    "add_organization_member",
                    organization_id=person.organization_id,
                    user_id=person.id,
                    role=members[person.name],
                )

    def run(self, source: Source, advance: Callable[[int], None]) -> None:
        """Play every history in, then have everybody list what they see.

        Args:
            source: What to play.
            advance: Called after every version with the number of histories that are done.

        Raises:
            Stopped: `stopping` was set.
            supabase.PostgrestAPIError: An answer that is not PostgreSQL's.
            httpx.HTTPError: No answer.
        """
        started = time.monotonic()
        for done, history in enumerate(source.histories):
            if composition := self._play_in(history, functools.partial(advance, done)):
                if len(composition.authors) > 1:
                    self._restore_and_rename(composition)
                    self._try_the_forbidden(composition)
                    self._read_back(composition)
                else:
                    self._load(composition, composition.owner, "owner")
                composition.documents.clear()
            advance(done + 1)
        self._list_everything()
        self.outcome.elapsed_seconds = time.monotonic() - started

    def _sign_up(self, name: str, run: str) -> Person:
        self._check_stopping()
        client = create_client(self._url, self._anon_key)
        email, password = f"{name}.{run}@example.com", secrets.token_urlsafe(12)
        answer = client.auth.sign_up({"email": email, "password": password})
        if not (answer.user and answer.session):
            raise AuthError("this project wants addresses confirmed; switch that off", None)
        person = Person(name, email, password, answer.user.id, client)
        self.people.append(person)
        return person

    def _play_in(self, history: History, advance: Callable[[], None]) -> Composition | None:
        composition = None
        for revision in history.revisions:
            try:
                if composition:
                    self._save(composition, revision)
                else:
                    composition = self._create(history, revision)
            except Refused as refusal:
                self._count_refusal("a document of the source", refusal)
                # Content that breaks a rule, or that jsonb cannot hold, is the source's affair.
                if refusal.status != "422" and refusal.code != "22P05":
                    self._fail(f"{history.title}: {refusal.code}: {refusal}")
            advance()
        return composition

    def _create(self, history: History, revision: Revision) -> Composition:
        rounds, turn = divmod(len(self.compositions), len(self.people))
        owner = self.people[turn]
        is_personal = (rounds + turn) % 2 == 0
        made = self._call(
            owner,
            "create_composition",
            title=history.title,
            document=revision.document,
            organization_id=None if is_personal else owner.organization_id,
            description=history.description,
            tags=history.tags,
            message=revision.message,
        )
        readers = {owner} if is_personal else self._colleagues(owner)
        composition = Composition(
            made["composition_id"], history.title, owner, is_personal, readers, [owner]
        )
        if len(self.compositions) % _SHARED_ONE_IN == 0:
            self._share(composition)
        self.compositions.append(composition)
        self.outcome.compositions += 1
        self._count(composition, revision.document, made)
        return composition

    def _share(self, composition: Composition) -> None:
        owner = composition.owner
        editor, viewer, _ = self._outsiders(owner)
        self._grant(composition, "editor", user_id=editor.id)
        self._grant(composition, "viewer", user_id=viewer.id)
        if composition.is_personal:
            self._grant(composition, "viewer", organization_id=owner.organization_id)
        composition.authors.append(editor)
        composition.readers |= {editor, viewer} | self._colleagues(owner)

    def _grant(self, composition: Composition, role: str, **grantee: str) -> None:
        self._call(
            composition.owner,
            "share_composition",
            composition_id=composition.id,
            role=role,
            **grantee,
        )

    def _save(self, composition: Composition, revision: Revision) -> None:
        saved = self._call(
            composition.authors[composition.version % len(composition.authors)],
            "save_version",
            composition_id=composition.id,
            base_version=composition.version,
            document=revision.document,
            message=revision.message,
        )
        self._count(composition, revision.document, saved)

    def _count(self, composition: Composition, document: Json, written: Json) -> None:
        composition.version += 1
        composition.documents.append(document)
        self.outcome.versions += 1
        if written["version"] != composition.version:
            self._fail(f"{composition.id}: a save made version {written['version']}")
        self.outcome.content_hashes.add(written["content_hash"])
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        self.outcome.json_bytes += len(text.encode())

    def _restore_and_rename(self, composition: Composition) -> None:
        editor, viewer, _ = self._outsiders(composition.owner)
        restored = self._call(
            editor,
            "restore_version",
            composition_id=composition.id,
            version=1,
            message="Back to the first version",
        )
        self._count(composition, composition.documents[0], restored)

        composition.title = f"{composition.title[:180]} (restored)"
        if self._rename(editor, composition, composition.title) != 1:
            self._fail(f"{composition.id}: its editor could not rename it")
        # RLS: what may not be changed is not there to change, which is no error.
        if self._rename(viewer, composition, "Mine now") != 0:
            self._fail(f"{composition.id}: a viewer could rename it")

    def _rename(self, person: Person, composition: Composition, title: str) -> int:
        table = person.client.table("user_compositions")
        request = table.update({"title": title}).eq("id", composition.id)
        return len(self._send("PATCH user_compositions", request))

    def _try_the_forbidden(self, composition: Composition) -> None:
        owner, document = composition.owner, composition.documents[-1]
        editor, viewer, stranger = self._outsiders(owner)

        def expect(code: str, what: str, person: Person, function: str, **changed: Any) -> None:
            arguments: Json = {"composition_id": composition.id}
            if function == "save_version":
                arguments |= {"base_version": composition.version, "document": document}
            try:
                self._call(person, function, **arguments | changed)
            except Refused as refusal:
                self._count_refusal(what, refusal)
                if refusal.code != code:
                    self._fail(f"{composition.id}: {what}: {refusal.code} instead of {code}")
            else:
                self._fail(f"{composition.id}: {what} was not refused")

        stale, broken = composition.version - 1, {"format": "composition/1", "dialect": "json"}
        expect("version_conflict", "a stale save", editor, "save_version", base_version=stale)
        expect("composition_read_only", "a viewer's save", viewer, "save_version")
        expect("composition_not_found", "a stranger's save", stranger, "save_version")
        expect("composition_not_found", "a stranger's load", stranger, "load_composition")
        expect("invalid_document", "an invalid document", owner, "save_version", document=broken)

    def _read_back(self, composition: Composition) -> None:
        editor, viewer, _ = self._outsiders(composition.owner)
        for person, role in ((composition.owner, "owner"), (editor, "editor"), (viewer, "viewer")):
            self._load(composition, person, role)
        for version, document in enumerate(composition.documents, start=1):
            found = self._call(
                viewer, "get_version", composition_id=composition.id, version=version
            )
            self._compare(composition, version, found["document"], document)

    def _load(self, composition: Composition, person: Person, role: str) -> None:
        loaded = self._call(person, "load_composition", composition_id=composition.id)
        expected = (composition.version, composition.title, role)
        found = (loaded["version"], loaded["title"], loaded["role"])
        if found != expected:
            self._fail(f"{composition.id}: loaded as {found}, not {expected}")
        self._compare(
            composition, composition.version, loaded["document"], composition.documents[-1]
        )

    def _compare(self, composition: Composition, version: int, found: Json, sent: Json) -> None:
        self.outcome.read_backs += 1
        if found != sent:
            self.outcome.mismatches += 1
            self._fail(f"{composition.id}: version {version} is not what was saved")

    def _list_everything(self) -> None:
        for person in self.people:
            listed = self._list(person)
            expected = {c.id: c.version for c in self.compositions if person in c.readers}
            if listed != expected:
                wrong = len(listed.items() ^ expected.items())
                self._fail(f"{person.name} lists {wrong} compositions or versions wrongly")

    def _list(self, person: Person) -> dict[str, int]:
        versions: dict[str, int] = {}
        after = None
        while True:
            page = self._call(person, "list_my_compositions", after=after, row_limit=_PAGE_ROWS)
            versions |= {item["composition_id"]: item["version"] for item in page["items"]}
            if (after := page["next"]) is None:
                return versions

    def _call(self, person: Person, function: str, **arguments: Any) -> Any:
        return self._send(function, person.client.rpc(function, arguments))

    def _send(self, name: str, request: Any) -> Any:
        self._check_stopping()
        started = time.perf_counter()
        try:
            answer = request.execute()
        except PostgrestAPIError as error:
            if len(error.code or "") == 5:  # a SQLSTATE; other codes are of what is in between
                raise Refused(error) from error
            raise
        self.outcome.seconds[name].append(time.perf_counter() - started)
        return answer.data

    def _check_stopping(self) -> None:
        if self._stopping.is_set():
            raise Stopped

    def _colleagues(self, person: Person) -> set[Person]:
        return {p for p in self.people if p.organization_id == person.organization_id}

    def _outsiders(self, person: Person) -> list[Person]:
        return [p for p in self.people if p.organization_id != person.organization_id]

    def _count_refusal(self, what: str, refusal: Refused) -> None:
        self.outcome.refusals[what, refusal.status, refusal.code] += 1

    def _fail(self, what: str) -> None:
        self.outcome.failures.append(what)
