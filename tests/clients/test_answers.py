"""What every function answers, held to types/shapes.ts and to its header, which is docs/api.md."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from devstack.packages import PROJECT
from scripts import api_docs
from tests.clients.typescript import compile_typescript
from tests.people import NOBODY
from tests.samples import SMALLEST, sample, small

FUNCTIONS = api_docs.functions()
READERS = {function.name for function in FUNCTIONS if function.reads_only}
# In a query string they would be strings.
JSON_ARGUMENTS = {a.name for f in FUNCTIONS for a in f.arguments if a.type == "jsonb"}

Answers = dict[str, list[Any]]


class Play:
    """Calls of every function: as many as have answers that differ in what may be missing or null.

    The people are members of an organisation: ann owns it, ben was invited, cleo was added.
    """

    def __init__(self, new_client, nobody, job) -> None:
        self.given: Answers = {}
        self.ann, self.ben, self.cleo = (new_client(name) for name in ("ann", "ben", "cleo"))
        self.nobody, self.job = nobody, job
        self.northwind = self.id_of(self.call(self.ann, "create_organization", name="Northwind"))
        self.mine = self.create(self.ann, "Mine", sample(), tags=["videos"])

    def call(self, client, function, /, **arguments):
        get = function in READERS and not arguments.keys() & JSON_ARGUMENTS
        answer = client.rpc(function, arguments, get=get).execute().data
        self.given.setdefault(function, []).append(answer)
        return answer

    def create(self, client, title, document, **more):
        arguments = {"title": title, "document": document} | more
        return self.id_of(self.call(client, "create_composition", **arguments))

    @staticmethod
    def id_of(answer):
        return {key: answer[key] for key in ("composition_id", "organization_id") if key in answer}

    @staticmethod
    def user(client):
        return client.auth.get_user().user

    def invite(self):
        call, ann, northwind = self.call, self.ann, self.northwind
        for email, role in (
            (self.user(self.ben).email, "admin"),
            ("dora@example.com", "owner"),
            ("eve@example.com", "member"),
        ):
            call(ann, "invite_to_organization", **northwind, email=email, role=role)
        bens, _, eves = self.given["invite_to_organization"]
        call(self.ben, "accept_invitation", token=bens["token"])
        call(ann, "list_invitations", **northwind)
        call(ann, "revoke_invitation", invitation_id=eves["invitation_id"])
        cleo = northwind | {"user_id": self.user(self.cleo).id}
        call(ann, "add_organization_member", **cleo, role="member")
        call(ann, "set_organization_role", **cleo, role="admin")

    def edit(self):
        call, ann, mine = self.call, self.ann, self.mine
        long = "a" * 200  # or a patch would be longer than what it changes
        smaller = {"document": small(long=long, n=2, m=1), "message": "Smaller"}
        call(ann, "save_version", **mine, base_version=1, **smaller)
        call(ann, "save_version", **mine, base_version=2, document=small(long=long, n=3, k=1))
        call(ann, "label_version", **mine, version=2, label="Small")
        call(ann, "restore_version", **mine, version=2)
        more = [{"op": "add", "path": "/body/more", "value": True}]
        call(ann, "patch_composition", **mine, base_version=4, patch=more)
        knob = {"type": "limit", "value": 8, "target": []}
        call(ann, "set_parameter", **mine, name="rows", parameter=knob)
        call(ann, "clear_parameter", **mine, name="rows")
        for version in (1, 2, 3, 4):
            call(ann, "get_version", **mine, version=version)
        for mutation_id in ("once", "once", "twice"):
            rename = {"composition_id": mine["composition_id"], "title": "Mine"}
            once = {"mutation_id": mutation_id, "function": "update_metadata", "arguments": rename}
            call(ann, "call_once", **once)
        hash = self.given["get_version"][0]["content_hash"]
        call(ann, "get_document", content_hash=hash)
        call(ann, "update_metadata", **mine, tags=["videos", "short"])
        call(ann, "list_versions", **mine)
        call(ann, "list_versions", **mine, row_limit=1)
        call(ann, "label_version", **mine, version=2, label=None)
        for one, other in ((1, 2), (2, 1), (2, 3), (2, 4)):
            call(ann, "diff_versions", **mine, from_version=one, to_version=other)
        call(self.job, "purge_versions")
        other_dialect = sample()
        other_dialect["components"]["root"]["label"] = "Videos"
        for base_version, document in (
            (1, small(long=long, n=2, m=1, k=2)),
            (1, small(n=3)),
            (1, other_dialect),
            (3, small(long=long, k=1)),
        ):
            stale = mine | {"base_version": base_version, "document": document}
            call(ann, "preview_merge", **stale)
            call(ann, "save_version", **stale, on_conflict="merge")
        for path in ("/body/patched", "/body/n"):
            stale = mine | {"base_version": 3, "on_conflict": "merge"}
            patch = [{"op": "add", "path": path, "value": "p"}]
            call(ann, "patch_composition", **stale, patch=patch)

    def validate(self):
        circle = {"root": {"component": "Card", "child": "root"}, "a b": {}}
        parameter = {"type": "limit", "valeu": 0, "target": ["vidoes"]}
        for document in (
            sample(),
            None,
            {"format": "composition/1", "dialect": "jsn", "root": 1},
            SMALLEST | {"parameters": {"top": parameter}},
            small(n=1e300),
            sample() | {"components": circle},
        ):
            self.call(self.ann, "validate_document", document=document)

    def share(self):
        call, ann, mine = self.call, self.ann, self.mine
        call(ann, "share_composition", **mine, user_id=self.user(self.ben).id, role="viewer")
        whole = self.northwind | {"role": "editor", "expires_at": "2100-01-01T00:00:00Z"}
        call(ann, "share_composition", **mine, **whole)
        for role, end, client in (
            ("editor", None, self.cleo),
            ("viewer", "2100-01-01T00:00:00Z", self.ben),
        ):
            link = call(ann, "create_share_link", **mine, role=role, expires_at=end)
            call(self.nobody, "open_share_link", token=link["token"])
            call(client, "accept_share_link", token=link["token"])
        call(ann, "list_shares", **mine)

    def undo(self):
        """An agent changes things of all kinds, and Ann wants none of it."""
        call, ann, mine = self.call, self.ann, self.mine
        turn = {"origin": {"agent": "designer", "turn": "7"}}
        ours = mine | self.northwind | {"scope": "organization"}
        head = call(ann, "restore_version", **mine, version=2, **turn)["version"]
        self.create(ann, "New", small(), **turn)
        patch = [{"op": "add", "path": "/body/k", "value": 1}]
        call(ann, "set_layer", **ours, base_version=head, patch=patch, **turn)
        call(ann, "pin_composition", **ours, context="undone", **turn)
        call(ann, "undo_turn", turn="7")

    def pass_on(self):
        """A fork comes to the organisation, where cleo edits and shares it."""
        call, ann, ann_id = self.call, self.ann, self.user(self.ann).id
        bens = self.create(self.ben, "Ben's", small())
        call(self.ben, "share_composition", **bens, user_id=ann_id, role="editor")
        call(ann, "save_version", **bens, base_version=1, document=small(n=2))
        fork = self.id_of(call(ann, "fork_composition", **bens, version=1))
        link = call(ann, "create_share_link", **fork, role="viewer")
        call(self.nobody, "open_share_link", token=link["token"])
        call(ann, "transfer_composition", **fork)
        call(ann, "transfer_composition", **fork, **self.northwind)
        call(self.cleo, "save_version", **fork, base_version=1, document=small(n=2))
        for apply in (False, True, True):
            call(ann, "update_from_upstream", **fork, apply=apply)
        ben_id = self.user(self.ben).id
        call(self.cleo, "share_composition", **fork, user_id=ben_id, role="viewer")
        return fork

    def load(self, fork):
        call, ann = self.call, self.ann
        call(ann, "load_composition", **self.mine)
        for client in (ann, self.ben):
            call(client, "load_composition", **fork)
        self.lay()
        known = call(ann, "load_composition", **self.mine)["etag"]
        call(ann, "load_composition", **self.mine, known_etags=[known])
        ids = [self.mine["composition_id"], fork["composition_id"]]
        call(self.job, "load_for_warming", composition_ids=ids)
        pairs = [self.mine | {"user_id": id} for id in (self.user(ann).id, NOBODY)]
        call(self.job, "current_etags", entries=pairs)
        call(ann, "list_versions", **fork)
        call(ann, "get_version", **fork, version=2)
        call(ann, "list_shares", **fork)
        entries = [self.mine | {"loads": 2, "hits": 1}, fork | {"loads": 1}]
        call(self.job, "record_usage", entries=entries)
        call(self.job, "popular_compositions")

    def lay(self):
        """Layers of ann's and of the organisation that apply, and that do not any more."""
        call, ann, ours = self.call, self.ann, {"scope": "organization"}
        long = "a" * 200
        piece = self.create(ann, "Ours", small(long=long, n=1, m=1), **self.northwind)
        for scope in ({}, ours):
            call(ann, "get_layer", **piece, **scope)
            patch = [{"op": "replace", "path": f"/body/{'n' if scope else 'm'}", "value": 2}]
            patch += [{"op": "add", "path": f"/body/{'o' if scope else 'p'}", "value": 2}]
            call(ann, "set_layer", **piece, base_version=1, patch=patch, **scope)
            call(ann, "load_composition", **piece)
        call(ann, "save_version", **piece, base_version=1, document=small(long=long, n=3))
        call(ann, "load_composition", **piece)
        for scope in ({}, ours):
            call(ann, "get_layer", **piece, **scope)
            patch = [{"op": "add", "path": f"/body/{key}", "value": 5} for key in ("n", "p")]
            call(ann, "set_layer", **piece, base_version=1, patch=patch, **scope)
            call(ann, "reset_layer", **piece, paths=["/body/p"], **scope)
            call(ann, "reset_layer", **piece, **scope)
        patch = [{"op": "add", "path": "/body/q", "value": 2}]
        call(ann, "set_layer", **piece, base_version=2, patch=patch)
        call(ann, "promote_layer", **piece)
        call(ann, "delete_composition", **piece)

    def forget(self):
        """Caches are to forget compositions and people, all of which are due in a while."""
        pending: list[Any] = []
        while not {"composition_id", "user_id"} <= {
            key for row in pending for key, value in row.items() if value
        }:
            time.sleep(0.1)
            pending += self.call(self.job, "pending_invalidations")
        self.call(self.job, "acknowledge_invalidations", ids=[row["id"] for row in pending])

    def pin(self, fork):
        """The fork is the organisation's; a page is loaded before, with pins, and known."""
        call, ann = self.call, self.ann
        call(ann, "load_home")
        call(ann, "pin_composition", context="home", **fork, scope="organization")
        call(self.ben, "load_home")
        layer = [{"op": "add", "path": "/body/k", "value": 2}]
        call(ann, "set_layer", **self.mine, base_version=4, patch=layer)
        call(ann, "pin_composition", context="home", **self.mine, position=1)
        for client in (ann, self.ben):
            etag = call(client, "resolve_context", context="home")["etag"]
            call(client, "resolve_context", context="home", known_etags=[etag])
            call(client, "list_pins")
        etag = call(ann, "load_home")["etag"]
        call(ann, "load_home", known_etags=[etag])
        for how in ({"context": "home"}, {"home": True}, {"layered": False}):
            entry = self.mine | {"user_id": self.user(ann).id} | how
            call(self.job, "current_etags", entries=[entry])

    def unpin(self):
        call, ann = self.call, self.ann
        call(ann, "unpin_composition", context="home")
        home = {"context": "home", "scope": "organization"} | self.northwind
        call(ann, "unpin_composition", **home)

    def trash_and_list(self):
        call, ann = self.call, self.ann
        trashed = self.create(ann, "Trashed", small())
        call(ann, "delete_composition", **trashed)
        call(ann, "undelete_composition", **trashed)
        call(ann, "delete_composition", **trashed)
        call(ann, "list_my_compositions")
        call(ann, "list_my_compositions", row_limit=1)
        call(ann, "list_my_compositions", filter={"trashed": True})
        call(self.ben, "list_my_compositions", filter={"shared": True, "tag": None})
        page = call(ann, "export_my_data", row_limit=1)
        while page["next"]:
            page = call(ann, "export_my_data", row_limit=1, after=page["next"])
        call(ann, "purge_composition", **trashed)
        call(self.job, "purge_trash")

    def end(self):
        call, ann, ben = self.call, self.ann, {"user_id": self.user(self.ben).id}
        for link in self.given["create_share_link"]:
            call(ann, "revoke_share_link", link_id=link["link_id"])
        call(self.ben, "unshare_composition", **self.mine, **ben)
        call(ann, "unshare_composition", **self.mine, **self.northwind)
        call(ann, "remove_organization_member", **self.northwind, **ben)
        call(ann, "leave_organization", **self.northwind)
        call(self.ben, "delete_my_account", email=self.user(self.ben).email)


@pytest.fixture
def answers(addresses, connect, new_client):
    play = Play(new_client, connect(addresses), connect(addresses, "service_role_key"))
    play.invite()
    play.edit()
    play.validate()
    play.share()
    play.undo()
    fork = play.pass_on()
    with psycopg.connect(addresses["database_url"]) as database:
        cleo_id = play.user(play.cleo).id
        database.execute("delete from auth.users where id = %s", [cleo_id])
    play.load(fork)
    play.pin(fork)
    play.trash_and_list()
    play.unpin()
    play.end()
    play.forget()
    return play.given


def test_answers_have_the_shapes_that_are_promised(answers, tmp_path):
    def compile_answers() -> list[str]:
        # A literal may have no key that its type lacks.
        file = tmp_path / "answers.ts"
        file.write_text(
            f'import type {{ Answers }} from "{PROJECT}/types/shapes.js";\n'
            "export const answers: { [Name in keyof Answers]: Answers[Name][] } = "
            f"{json.dumps(answers, indent=1)};\n"
        )
        return compile_typescript(file)

    assert answers.keys() == {function.name for function in FUNCTIONS}
    assert compile_answers() == []

    # So that it is known to look: a key too few, one too many, other values.
    del answers["load_composition"][0]["etag"]
    answers["list_versions"][0]["items"][0]["colour"] = None
    answers["list_shares"][0][0]["role"] = "owner"
    answers["validate_document"][1]["problems"][0]["code"] = "ugly"
    assert len(compile_answers()) == 4


def parsed(text: str) -> Any:
    """A shape out of a header: {a, b?: [{c}], d: "x"} is {"a": …, "b?": [{"c": …}], "d": '"x"'}."""
    if text[:1] not in ("{", "["):
        return text
    depth, parts = 0, [""]
    for letter in text[1:-1]:
        depth += (letter in "{[") - (letter in "}]")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    if text[0] == "[":
        return [parsed(part) for part in parts]
    pairs = (part.partition(":") for part in parts)
    return {key.strip(): parsed(value.strip()) for key, _, value in pairs}


def promised(function: api_docs.Function) -> Any:
    """What the header says that a function returns; a list further down may say more of a key."""
    found = re.search(r"`([{[][^`]*)`", function.returns)
    assert found, f"{function.name}: the header shows no shape"
    shape = parsed(found[1])
    notes = "\n".join(function.notes)
    for key, text in re.findall(r"^- `(\w+)`: `([{[][^`]*)`", notes, re.MULTILINE):
        (name,) = shape.keys() & {key, f"{key}?"}
        shape[name] = parsed(text)
    return shape


def differences(shape: Any, found: list[Any], path: str = "") -> Iterator[str]:
    """Where answers differ from a shape. A key with a question mark is in some, not in all."""
    if not found:
        yield f"{path}: never seen"
    elif isinstance(shape, list):
        yield from differences(shape[0], [item for items in found for item in items], f"{path}/*")
    elif isinstance(shape, dict):
        for unknown in sorted({key for one in found for key in one} - {*map(_name, shape)}):
            yield f"{path}/{unknown}: not promised"
        for key, inner in shape.items():
            values = [one[_name(key)] for one in found if _name(key) in one]
            if not values or key.endswith("?") == (len(values) == len(found)):
                yield f"{path}/{key}: in {len(values)} of {len(found)}"
            if values:
                yield from differences(inner, values, f"{path}/{_name(key)}")
    elif re.match('null$|"', shape) and any(value != json.loads(shape) for value in found):
        yield f"{path}: not always {shape}"


def _name(key: str) -> str:
    return key.removesuffix("?")


def test_answers_have_the_keys_that_headers_name(answers):
    wrong = {
        function.name: list(differences(promised(function), answers[function.name]))
        for function in FUNCTIONS
        if function.name != "call_once"  # it answers what another one does
    }
    assert {name: found for name, found in wrong.items() if found} == {}


WITH = {"a": 1, "b": [{"c": 1}], "d": None, "e": "x"}
WITHOUT = {"a": 1, "d": None, "e": "x"}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([WITH, WITHOUT], []),
        ([WITH], ["/b?: in 1 of 1"]),
        ([WITHOUT], ["/b?: in 0 of 1"]),
        ([WITH, WITHOUT, {"d": None, "e": "x"}], ["/a: in 2 of 3"]),
        ([WITH, WITHOUT | {"d": 1}], ["/d: not always null"]),
        ([WITH, WITHOUT | {"e": "y"}], ['/e: not always "x"']),
        ([WITH, WITHOUT | {"f": 1}], ["/f: not promised"]),
        ([WITH | {"b": []}, WITHOUT], ["/b/*: never seen"]),
        ([WITH | {"b": [{}]}, WITHOUT], ["/b/*/c: in 0 of 1"]),
        ([], [": never seen"]),
    ],
)
def test_a_difference_from_a_header_is_seen(answers, expected):
    shape = parsed('{a, b?: [{c}], d: null, e: "x"}')
    assert shape == {"a": "", "b?": [{"c": ""}], "d": "null", "e": '"x"'}
    assert list(differences(shape, answers)) == expected
