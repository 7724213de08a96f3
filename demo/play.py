"""The play: people of two organisations save, share and change documents, and meet refusals.

The histories of a source are played in here; all else that people do is in demo/acts. What must
hold is checked as it happens, against what was sent.
"""

import functools
import json
import time
from collections.abc import Callable
from typing import Any

from supabase import AuthError

from demo.acts import (
    cached,
    documents,
    export,
    finding,
    home,
    jobs,
    life,
    merging,
    organizations,
    personal,
    sharing,
    turns,
    versions,
)
from demo.histories import History, Json, Revision, Source
from demo.stage import Composition, Person, Refused, Stage

# The first of each founds the organisation, and with it is its owner.
_CAST = {
    "Northwind": {"ann": "owner", "ben": "admin", "cleo": "member"},
    "Southport": {"dan": "owner", "eve": "admin", "finn": "member"},
}
# Out of so many compositions one is shared, quarrelled over, and read back version by version.
_SHARED_ONE_IN = 10
# Out of so many one is saved and patched by two people at once, which takes two dozen calls.
_TOGETHER_ONE_IN = 3 * _SHARED_ONE_IN
# Of those that are shared, so many are copied, linked to and change hands, which takes a few dozen
# calls each: a personal one and one of an organisation.
_HANDLED = 2

_BROKEN = {"format": "composition/1", "dialect": "json"}


class Play(Stage):
    """Gather the people, then run."""

    def gather(self) -> None:
        """Sign everybody up, under addresses that are new every time, and found organisations.

        Raises:
            Stopped: `stopping` was set.
            supabase.AuthError: Nobody may sign up, or not without confirming the address.
        """
        for organization, members in _CAST.items():
            founder, *others = [self.sign_up(name) for name in members]
            made = self.call(founder, "create_organization", name=organization)
            for person in (founder, *others):
                person.organization = organization
                person.organization_id = made["organization_id"]
                person.role = members[person.name]
                self.people.append(person)
            for person in others:
                self.call(
                    founder,
                    "add_organization_member",
                    organization_id=person.organization_id,
                    user_id=person.id,
                    role=person.role,
                )

    def run(self, source: Source, advance: Callable[[int], None]) -> None:
        """Play every history in, then all else, then have everybody list what they see.

        Args:
            source: What to play.
            advance: Called after every version with the number of histories that are done.

        Raises:
            Stopped: `stopping` was set.
            supabase.PostgrestAPIError: An answer that is not PostgreSQL's.
            httpx.HTTPError: No answer.
        """
        started = time.monotonic()
        ending = None
        for done, history in enumerate(source.histories):
            if composition := self._play_in(history, functools.partial(advance, done)):
                if len(composition.authors) > 1:
                    self._play_shared(composition)
                    ending = ending or self.perform(
                        "shared for a moment", sharing.share_for_a_moment, composition
                    )
                else:
                    self.load(composition, composition.owner, "owner")
                composition.documents.clear()
            advance(done + 1)
        if self.compositions:
            self._play_once()
        if ending:
            self.perform("found it ended", sharing.check_ended, ending)
        self._list_everything()
        self.outcome.elapsed_seconds = time.monotonic() - started

    def _play_shared(self, composition: Composition) -> None:
        self._restore_and_rename(composition)
        self._try_the_forbidden(composition)
        self._read_back(composition)
        self.perform("misspelt a document", documents.misspell, composition)
        self.perform("compared versions", versions.compare, composition)
        self.perform("labelled a version", versions.label, composition)
        if self.outcome.compositions <= _HANDLED * _SHARED_ONE_IN:
            self.perform("copied, threw away, purged", life.fork_and_purge, composition)
            self.perform("handed over and back", life.hand_over, composition)
            self.perform("looked by a link, signed out", sharing.look_by_link, composition)
            self.perform("joined by a link and saved", sharing.join_by_link, composition)
        if len(self.compositions) % _TOGETHER_ONE_IN == 1:
            self.perform("saved at once in two places", merging.merge, composition)
            self.perform("saved at once in the same place", merging.keep_both, composition)
            self.perform("sent patches", merging.patch, composition)

    def _play_once(self) -> None:
        first = self.compositions[0]
        for person in (self.people[0], self.people[2], self.people[3]):
            self.perform("searched", finding.search, person)
            self.perform("filtered lists", finding.filter_lists, person)
        self.perform("looked into the trash", finding.hide_in_the_trash, first)
        self._play_newcomer()
        page = self._play_personal()
        self.perform("undid an agent's turn", turns.undo)
        self.perform("was too late to undo a turn", turns.overtake)
        if self.service_role_key:
            self.perform("counted loads", jobs.count_loads)
        else:
            self.outcome.left_out.append("counting loads: it needs SUPABASE_SERVICE_ROLE_KEY")
        self.perform("exported what is theirs", export.export, first.owner)
        self._play_cached(page)

    def _play_personal(self) -> personal.Page | None:
        page: personal.Page | None = self.perform("chose a default", personal.choose_default)
        if not page:
            return None
        self.perform("made a default their own", personal.make_it_ones_own, page)
        self.perform("followed a default that moved", personal.follow, page)
        self.perform("settled conflicts with a default", personal.settle, page)
        self.perform("changed a page for everybody", personal.dress, page)
        if fork := self.perform("made a fork of a layer", personal.promote, page):
            self.perform("kept a fork up to date", personal.keep_up, page, fork)
        return page

    def _play_cached(self, page: personal.Page | None) -> None:
        # Last: the functions report how often they were asked, which others count meanwhile.
        if not self.functions_url:
            self.outcome.left_out.append("cached loads: they need FUNCTIONS_URL")
            return
        self.perform("loaded through the functions", cached.load_often)
        self.perform("shared, took back at once", cached.share_and_take_back)
        self.perform("saved past the functions", cached.write_directly)
        self.perform("patched too late", home.patch_late)
        self.perform("pinned and saw it at once", home.pin)
        if page:
            self.perform("moved a default", home.move_default, page)
            self.perform("changed it for themselves at once", home.change_for_oneself, page)
        if self.invoke_url:
            self.perform("audited the cache", cached.audit)
        else:
            self.outcome.left_out.append("an audit of the cache: its jobs are not ours to invoke")

    def _play_newcomer(self) -> None:
        try:
            newcomer = self.perform("invited somebody", organizations.invite)
        except AuthError as error:
            self.outcome.left_out.append(f"a newcomer: {error.message}")
            return
        if not newcomer:
            return
        self.perform("reached for a role", organizations.reach_for_roles, newcomer)
        self.perform("worked and left", organizations.work_and_leave, newcomer)
        if self.database_url:
            self.perform("deleted an account", organizations.delete_account, newcomer)
        else:
            self.outcome.left_out.append("deleting an account: the database is not ours")

    def _play_in(self, history: History, advance: Callable[[], None]) -> Composition | None:
        composition = None
        for revision in history.revisions:
            try:
                if composition:
                    self._save(composition, revision)
                else:
                    composition = self._create(history, revision)
            except Refused as refusal:
                self.count_refusal("a document of the source", refusal)
                # Content that breaks a rule, or that jsonb cannot hold, is the source's affair.
                if refusal.status != "422" and refusal.code != "22P05":
                    self.fail(f"{history.title}: {refusal.code}: {refusal}")
            advance()
        return composition

    def _create(self, history: History, revision: Revision) -> Composition:
        rounds, turn = divmod(len(self.compositions), len(self.people))
        owner = self.people[turn]
        is_personal = (rounds + turn) % 2 == 0
        made = self.call(
            owner,
            "create_composition",
            title=history.title,
            document=revision.document,
            organization_id=None if is_personal else owner.organization_id,
            description=history.description,
            tags=history.tags,
            message=revision.message,
        )
        readers = {owner} if is_personal else self.colleagues(owner)
        composition = Composition(
            made["composition_id"],
            history.title,
            owner,
            is_personal,
            readers,
            [owner],
            history.description,
            history.tags,
        )
        if len(self.compositions) % _SHARED_ONE_IN == 0:
            self._share(composition)
        self.compositions.append(composition)
        self.outcome.compositions += 1
        self._count(composition, revision.document, made)
        return composition

    def _share(self, composition: Composition) -> None:
        owner = composition.owner
        editor, viewer, _ = self.outsiders(owner)
        self._grant(composition, "editor", user_id=editor.id)
        self._grant(composition, "viewer", user_id=viewer.id)
        if composition.is_personal:
            self._grant(composition, "viewer", organization_id=owner.organization_id)
        composition.authors.append(editor)
        composition.readers |= {editor, viewer} | self.colleagues(owner)

    def _grant(self, composition: Composition, role: str, **grantee: str) -> None:
        self.call(
            composition.owner,
            "share_composition",
            composition_id=composition.id,
            role=role,
            **grantee,
        )

    def _save(self, composition: Composition, revision: Revision) -> None:
        saved = self.call(
            composition.authors[composition.version % len(composition.authors)],
            "save_version",
            composition_id=composition.id,
            base_version=composition.version,
            document=revision.document,
            message=revision.message,
        )
        self._count(composition, revision.document, saved)

    def _count(self, composition: Composition, document: Json, written: Json) -> None:
        self.add_version(composition, document, written)
        self.outcome.versions += 1
        self.outcome.content_hashes.add(written["content_hash"])
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        self.outcome.json_bytes += len(text.encode())

    def _restore_and_rename(self, composition: Composition) -> None:
        editor, viewer, _ = self.outsiders(composition.owner)
        restored = self.call(
            editor,
            "restore_version",
            composition_id=composition.id,
            version=1,
            message="Back to the first version",
        )
        self._count(composition, composition.documents[0], restored)

        composition.title = f"{composition.title[:180]} (restored)"
        if self._rename(editor, composition, composition.title) != 1:
            self.fail(f"{composition.id}: its editor could not rename it")
        # RLS: what may not be changed is not there to change, which is no error.
        if self._rename(viewer, composition, "Mine now") != 0:
            self.fail(f"{composition.id}: a viewer could rename it")

    def _rename(self, person: Person, composition: Composition, title: str) -> int:
        table = person.client.table("user_compositions")
        request = table.update({"title": title}).eq("id", composition.id)
        return len(self.send("PATCH user_compositions", request))

    def _try_the_forbidden(self, composition: Composition) -> None:
        owner, document = composition.owner, composition.documents[-1]
        editor, viewer, stranger = self.outsiders(owner)

        def expect(code: str, what: str, person: Person, function: str, **changed: Any) -> None:
            arguments: Json = {"composition_id": composition.id}
            if function == "save_version":
                arguments |= {"base_version": composition.version, "document": document}
            self.expect(code, what, person, function, **arguments | changed)

        stale = composition.version - 1
        expect("version_conflict", "a stale save", editor, "save_version", base_version=stale)
        expect("composition_read_only", "a viewer's save", viewer, "save_version")
        expect("composition_not_found", "a stranger's save", stranger, "save_version")
        expect("composition_not_found", "a stranger's load", stranger, "load_composition")
        expect("invalid_document", "an invalid document", owner, "save_version", document=_BROKEN)

    def _read_back(self, composition: Composition) -> None:
        editor, viewer, _ = self.outsiders(composition.owner)
        for person, role in ((composition.owner, "owner"), (editor, "editor"), (viewer, "viewer")):
            self.load(composition, person, role)
        for version, document in enumerate(composition.documents, start=1):
            found = self.call(viewer, "get_version", composition_id=composition.id, version=version)
            self.compare(composition, version, found["document"], document)

    def _list_everything(self) -> None:
        for person in self.people:
            listed = {id: item["version"] for id, item in self.listed(person).items()}
            expected = {c.id: c.version for c in self.compositions if person in c.readers}
            if listed != expected:
                wrong = len(listed.items() ^ expected.items())
                self.fail(f"{person.name} lists {wrong} compositions or versions wrongly")
