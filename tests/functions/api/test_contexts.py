"""Contexts and home: what is pinned, from the cache, and never what was pinned before."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from functions.api import calls
from functions.jobs.handler import audit
from tests.functions.api.client import Client, Reply
from tests.functions.api.conftest import create
from tests.functions.events import Time
from tests.people import NOBODY
from tests.samples import small

VIDEOS = "/v1/contexts/route:/videos"
PIN = "/v1/pins/route:/videos"


@pytest.fixture(autouse=True)
def cold(store):
    """Begin with nothing cached."""


def id_of(target: str) -> str:
    return target.rpartition("/")[2]


def seen(client: Client, target: str = VIDEOS) -> str | None:
    """Which composition is shown, None if none is."""
    reply = client("GET", target)
    if reply.status == 404:
        assert reply.error == (404, "nothing_pinned")
        return None
    assert reply.status == 200, reply
    shown: str = reply.json["composition_id"]
    return shown


def warm(client: Client, target: str = VIDEOS) -> Reply:
    """Have it cached: the choice, then its answer."""
    sources = [client("GET", target).headers["x-cache"] for _ in range(3)]
    assert sources[1:] in (["miss", "hit"], ["hit", "hit"]), sources
    return client("GET", target)


def pin(client: Client, target: str, path: str = PIN, **more: Any) -> Reply:
    reply = client("PUT", path, {"composition_id": id_of(target), **more})
    assert reply.status == 200, reply
    return reply


@pytest.fixture
def northwind(ann: Client, ben: Client) -> str:
    """An organisation of ann's, with ben in it."""
    made = ann("POST", "/v1/organizations", {"name": "Northwind"})
    ann("PUT", f"{made.headers['location']}/members/{ben.id}", {"role": "member"})
    id: str = made.json["organization_id"]
    return id


def test_a_context_is_what_is_pinned_there_byte_for_byte_wherever_it_comes_from(
    ann, without_cache, without_database
):
    assert ann("GET", VIDEOS).error == (404, "nothing_pinned")
    target = create(ann)
    assert pin(ann, target).json["scope"] == "me"
    bypass = ann.through(without_cache)("GET", VIDEOS)
    assert bypass.headers["x-cache"] == "bypass"
    replies = [ann("GET", VIDEOS) for _ in range(4)]
    assert [reply.headers["x-cache"] for reply in replies] == ["miss", "miss", "hit", "hit"]
    replies.append(ann.through(without_database)("GET", VIDEOS, accept_encoding="br"))
    assert {reply.body for reply in replies} == {bypass.body}
    reason = bypass.json["reason"]
    assert (reason["scope"], reason["context"]) == ("me", "route:/videos")
    plain = ann("GET", target).json
    assert {name: plain[name] for name in plain if name != "etag"} == {
        name: value for name, value in bypass.json.items() if name not in {"etag", "reason"}
    }

    tag = replies[-1].headers["etag"]
    for client in (ann, ann.through(without_cache), ann.through(without_database)):
        known = client("GET", VIDEOS, if_none_match=tag)
        assert (known.status, known.content) == (304, b"")
    saved = ann("PUT", target, {"document": small(n=2)}, if_match=tag)
    assert saved.status == 200, "its tag names the version, as that of a load does"
    assert ann("GET", VIDEOS, if_none_match=tag).json["version"] == 2


def test_a_hit_is_one_call_of_redis_and_a_miss_one_of_the_database_and_two_of_redis(
    ann, deploy, store
):
    pin(ann, create(ann))
    pin(ann, create(ann), "/v1/pins/home")
    deployment = deploy()
    client = ann.through(deployment.handler)
    for path in (VIDEOS, "/v1/home", "/v1/contexts/none"):  # loads the scripts
        client("GET", path)
        client("GET", path)
    store.flushdb()
    requests = []

    async def note(request):
        requests.append(request.url.path)

    deployment.parts.http.event_hooks["request"].append(note)

    def calls_of_redis() -> int:
        stats = store.info("commandstats")
        of_scripts = ("cmdstat_eval", "cmdstat_evalsha")
        return sum(stats[name]["calls"] for name in of_scripts if name in stats)

    def counted(path: str, **headers: str) -> tuple[int, int]:
        before, asked = calls_of_redis(), len(requests)
        client("GET", path, **headers)
        return calls_of_redis() - before, len(requests) - asked

    for path in (VIDEOS, "/v1/home"):
        assert [counted(path) for _ in range(4)] == [(2, 1), (2, 1), (1, 0), (1, 0)], path
        tag = client("GET", path).headers["etag"]
        assert counted(path, if_none_match=tag) == (1, 0)
    assert [counted("/v1/contexts/none") for _ in range(2)] == [(2, 1), (1, 0)]


def test_the_first_miss_of_somebody_who_has_it_sends_no_document(ann, store):
    pin(ann, create(ann))
    tag = ann("GET", VIDEOS).headers["etag"]
    store.flushdb()
    for source in ("miss", "miss", "miss"):
        # Nobody holds a body, so it cannot be filled in.
        reply = ann("GET", VIDEOS, if_none_match=tag)
        assert (reply.status, reply.headers["x-cache"]) == (304, source)
    assert ann("GET", VIDEOS).status == 200
    assert ann("GET", VIDEOS, if_none_match=tag).headers["x-cache"] == "hit"


def test_what_is_pinned_by_oneself_changes_at_once(ann):
    one, other = create(ann), create(ann)
    assert seen(ann) is None
    pin(ann, one)
    assert seen(ann) == id_of(one)
    warm(ann)
    pin(ann, other)
    assert seen(ann) == id_of(other)
    warm(ann)
    assert ann("DELETE", PIN).status == 200
    assert seen(ann) is None
    assert ann("DELETE", PIN).error == (404, "pin_not_found")


def test_a_default_is_there_for_every_member_at_once_and_a_pin_of_ones_own_goes_first(
    ann, ben, northwind
):
    ours, another, mine = (create(ann, organization_id=northwind) for _ in range(3))
    assert seen(ann) is seen(ben) is None
    pin(ann, ours, scope="organization", organization_id=northwind)
    for person in (ann, ben):
        assert seen(person) == id_of(ours)
        assert warm(person).json["reason"]["organization_id"] == northwind
    pin(ben, mine)
    assert (seen(ann), seen(ben)) == (id_of(ours), id_of(mine))
    warm(ben)
    changed = pin(ann, another, scope="organization", organization_id=northwind)
    assert "x-cache" not in changed.headers
    assert (seen(ann), seen(ben)) == (id_of(another), id_of(mine))
    ben("DELETE", PIN)
    assert seen(ben) == id_of(another)
    warm(ben)
    gone = ann("DELETE", f"{PIN}?scope=organization&organization_id={northwind}")
    assert gone.status == 200
    assert seen(ann) is seen(ben) is None
    refused = ben("PUT", PIN, {"composition_id": id_of(ours), "scope": "organization"})
    assert refused.error == (403, "organization_role_too_low")


def test_a_default_for_more_members_than_can_be_told_is_said_to_be_pending(
    ann, ben, northwind, monkeypatch
):
    ours = create(ann, organization_id=northwind)
    for most, status in ((2, 200), (1, 202)):
        monkeypatch.setattr(calls, "_MOST_MEMBERS", most)
        reply = ann("PUT", PIN, {"composition_id": id_of(ours), "scope": "organization"})
        assert (reply.status, reply.headers.get("x-cache")) == (
            status,
            "pending" if status == 202 else None,
        )


def test_what_becomes_of_a_composition_is_seen_in_its_contexts_at_once(ann, ben, northwind):
    ours = create(ann, organization_id=northwind)
    mine = create(ann)
    ann("PUT", f"{mine}/shares/{ben.id}", {"role": "viewer"})
    pin(ann, ours, scope="organization", organization_id=northwind)
    pin(ben, mine)
    assert warm(ben).json["composition_id"] == id_of(mine)
    # What is passed over is not forgotten: it comes back by a share, or out of the trash.
    for take, give in (
        (
            ("DELETE", f"{mine}/shares/{ben.id}", None, {}),
            ("PUT", f"{mine}/shares/{ben.id}", {"role": "viewer"}, {}),
        ),
        (
            ("DELETE", mine, None, {"if_match": '"1"'}),
            ("POST", f"{mine}/undelete", None, {}),
        ),
    ):
        method, path, body, headers = take
        assert ann(method, path, body, **headers).status == 200
        for _ in range(4):
            assert seen(ben) == id_of(ours)
        # Nor is what is shown for it kept under the lease of the other.
        title = str(uuid.uuid4())
        ann("PATCH", f"{ours}/metadata", {"title": title})
        assert ben("GET", VIDEOS).json["title"] == title
        method, path, body, headers = give
        assert ann(method, path, body, **headers).status == 200
        assert seen(ben) == id_of(mine)
        warm(ben)
    ben("DELETE", PIN)
    warm(ben)
    ann("DELETE", ours, if_match='"1"')
    for _ in range(3):
        assert seen(ben) is None
    ann("POST", f"{ours}/undelete")
    assert seen(ben) == id_of(ours), "that there was nothing was not kept"


def test_what_is_chosen_now_is_not_kept_with_what_was_chosen_before(ann, operator_of_pins):
    one, other = create(ann), create(ann)
    pin(ann, one)
    warm(ann)
    operator_of_pins(ann, other)
    ann("PATCH", f"{one}/metadata", {"title": "Another"})
    assert seen(ann) == id_of(other)
    ann("PUT", other, {"document": small(n=2)}, if_match='"1"')
    for _ in range(3):
        assert ann("GET", VIDEOS).json["version"] == 2


def test_who_leaves_sees_no_default_any_more(ann, ben, northwind):
    pin(ann, create(ann, organization_id=northwind), scope="organization")
    warm(ben)
    assert ben("DELETE", f"/v1/organizations/{northwind}/members/{ben.id}").status == 200
    assert seen(ben) is None


def test_home_has_all_that_a_first_page_needs(ann, ben, northwind, without_cache):
    empty = [ben("GET", "/v1/home") for _ in range(2)]
    assert [reply.headers["x-cache"] for reply in empty] == ["miss", "hit"]
    assert empty[0].body == empty[1].body == ben.through(without_cache)("GET", "/v1/home").body
    assert (empty[0].json["home"], empty[0].json["version"]) == (None, 0)
    assert [each["name"] for each in empty[0].json["organizations"]] == ["Northwind"]
    for _ in range(2):
        known = ben("GET", "/v1/home", if_none_match=empty[0].headers["etag"])
        assert (known.status, known.content) == (304, b"")

    ours = create(ann, organization_id=northwind)
    pin(ann, ours, "/v1/pins/home", scope="organization", organization_id=northwind)
    home = warm(ben, "/v1/home")
    assert home.json["home"]["composition_id"] == id_of(ours)
    assert home.json["home"]["document"]
    assert home.body == ben.through(without_cache)("GET", "/v1/home").body
    assert [each["context"] for each in home.json["contexts"]] == ["home"]
    known = ben("GET", "/v1/home", if_none_match=home.headers["etag"])
    assert (known.status, known.headers["x-cache"]) == (304, "hit")

    pin(ben, ours)
    assert len(ben("GET", "/v1/home").json["contexts"]) == 2
    ann("PUT", ours, {"document": small(n=2)}, if_match='"1"')
    assert ben("GET", "/v1/home").json["home"]["version"] == 2
    assert warm(ben, "/v1/home").headers["etag"].startswith('"2.')
    warm(ben, "/v1/contexts/home")
    plain = ben("GET", "/v1/contexts/home").json
    assert ben("GET", "/v1/home").json["home"] == plain


def test_home_has_every_organization_and_context_that_is_there_now(ann):
    home = create(ann)
    pin(ann, home, "/v1/pins/home")
    other = create(ann)
    pin(ann, other)
    warm(ann, "/v1/home")
    ann("POST", "/v1/organizations", {"name": "Founded"})
    assert [one["name"] for one in ann("GET", "/v1/home").json["organizations"]] == ["Founded"]

    trashed = ann("DELETE", other, if_match=ann("GET", other).headers["etag"])
    assert trashed.status == 200
    warm(ann, "/v1/home")
    assert ann("POST", f"{other}/purge", {}).status == 200
    contexts = ann("GET", "/v1/home").json["contexts"]
    assert [one["context"] for one in contexts] == ["home"]


def test_an_account_without_anything_has_a_home_without_the_cache_as_well(ann, without_cache):
    reply = ann.through(without_cache)("GET", "/v1/home")
    assert (reply.status, reply.headers["x-cache"]) == (200, "bypass")
    assert reply.json["home"] is None


def test_pins_are_listed(ann):
    target = create(ann)
    pin(ann, target, position=3)
    (listed,) = ann("GET", "/v1/pins").json
    assert (listed["context"], listed["composition_id"]) == ("route:/videos", id_of(target))
    assert listed["position"] == 3


CONTEXTS = [
    "home",
    "route:/a/b/c/",
    "route://",
    "route:/%",
    "route:/a?b=c#d",
    "route:/../v1/home",
    "card:é\N{GRINNING FACE}",
    "card:" + "\N{GRINNING FACE}" * 195,
    "card:a b+c&d;e=f",
    "card:p1:c:*|\\\"'",
]


@pytest.mark.parametrize("context", CONTEXTS, ids=lambda text: ascii(text)[:30])
def test_a_context_is_any_text_and_no_other_context(ann, context):
    target = create(ann)
    path = quote(context, safe="")
    pin(ann, target, f"/v1/pins/{path}")
    (listed,) = ann("GET", "/v1/pins").json
    assert listed["context"] == context
    shown = warm(ann, f"/v1/contexts/{path}")
    assert shown.json["reason"]["context"] == context
    assert seen(ann, f"/v1/contexts/{path}x") is None
    assert ann("DELETE", f"/v1/pins/{path}").status == 200
    assert seen(ann, f"/v1/contexts/{path}") is None


@pytest.mark.parametrize(
    "path",
    [
        "",
        "A",
        "%00",
        "home%00",
        "route:a%0d%0aX-Evil:%201",
        "route:%0a",
        "route:",
        "%ff",
        "%ed%a0%80",
        "card:" + "x" * 196,
        "card:" + "x" * 100_000,
        "%2e%2e",
        "*",
    ],
    ids=lambda text: ascii(text)[:30],
)
def test_what_is_no_context_is_refused_and_leaves_nothing_of_it_behind(ann, store, path):
    body = {"composition_id": NOBODY}
    for method, target, sent in (
        ("GET", f"/v1/contexts/{path}", None),
        ("PUT", f"/v1/pins/{path}", body),
        ("DELETE", f"/v1/pins/{path}", None),
    ):
        reply = ann(method, target, sent)
        assert reply.error[0] in {404, 422}, reply
        assert "x-evil" not in reply.headers
    assert all(set(store.hkeys(key)) <= {b"g"} for key in store.keys("*"))


def test_what_the_cache_was_never_told_of_pins_is_found_and_repaired(
    ann, deployed, operator_of_pins
):
    target, other = create(ann), create(ann)
    pin(ann, target)
    pin(ann, target, "/v1/pins/home")
    for path in (VIDEOS, "/v1/home"):
        warm(ann, path)
    ann("GET", f"{target}?layered=false")
    deployed()
    assert audit({}, Time())["mismatches"] == 0
    operator_of_pins(ann, other)
    report = audit({"patience_seconds": 0}, Time())
    assert (report["checked"], report["mismatches"]) == (3, 2)
    named = [each.keys() - {"composition_id", "user_id"} for each in report["named"]]
    assert sorted(map(list, named)) == [["context"], ["home"]]
    assert seen(ann) == id_of(other)


@pytest.fixture
def operator_of_pins(addresses) -> Callable[[Client, str], None]:
    """Pin something else for somebody, past all functions and without any news of it."""

    def repin(client: Client, target: str) -> None:
        with psycopg.connect(addresses["database_url"], autocommit=True) as operator:
            operator.execute(
                "update public.composition_pins set composition_id = %s where user_id = %s",
                (id_of(target), client.id),
            )

    return repin
