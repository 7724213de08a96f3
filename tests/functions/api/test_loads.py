"""Loads from the cache, from the database, and from either when the other is gone."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from functions.api.outline import child_ids
from functions.core.metrics import UNITS
from tests.functions.api.client import Client, Reply
from tests.functions.api.conftest import create
from tests.people import NOBODY
from tests.samples import sample, small

# More digits than a float has.
EXACT = "0.12345678901234567890123450"


@pytest.fixture(autouse=True)
def cold(store):
    """Begin with nothing cached."""


def loaded(client: Client, target: str, source: str, **headers: str) -> Reply:
    """A load that is answered from where it should be."""
    reply = client("GET", target, **headers)
    assert (reply.status, reply.headers["x-cache"]) in {(200, source), (304, source)}, reply
    return reply


def test_a_load_is_what_the_database_says_byte_for_byte_wherever_it_comes_from(
    ann, without_cache, without_database
):
    document = small(n=[1.1, 0.5], text="é\u2028\N{GRINNING FACE}")
    text = json.dumps(document).replace("1.1", "1.10").replace("0.5", EXACT)
    made = ann("POST", "/v1/compositions", f'{{"title": "T", "document": {text}}}')
    target = made.headers["location"]

    bypass = loaded(ann.through(without_cache), target, "bypass")
    accepted = ("br", "gzip, br;q=0.5", "gzip", "identity, br;q=0.1", "br;q=0")
    replies = [
        bypass,
        loaded(ann, target, "miss"),
        loaded(ann, target, "hit"),
        *(loaded(ann, target, "hit", accept_encoding=header) for header in accepted),
        loaded(ann.through(without_database), target, "hit"),
        loaded(ann.through(without_cache), target, "bypass", accept_encoding="br"),
    ]

    assert {reply.body for reply in replies} == {bypass.body}
    assert f"[1.10, {EXACT}]".encode() in bypass.body
    assert bypass.json["document"]["body"]["text"] == "é\u2028\N{GRINNING FACE}"
    for reply in replies:
        is_brotli = reply.headers.get("content-encoding") == "br"
        assert reply.headers["etag"].endswith('-br"') == is_brotli
        assert reply.headers["cache-control"] == "private, no-cache"
        assert reply.headers["vary"] == "Authorization, Accept-Encoding, Origin"
        assert reply.headers["content-length"] == str(len(reply.content))
        assert reply.headers["server-timing"].startswith("auth;dur=")
    assert [r.headers.get("content-encoding") for r in replies[3:8]] == ["br", "br", *[None] * 3]


def test_what_the_client_has_is_not_sent_again(ann, without_cache):
    target = create(ann)
    first = loaded(ann, target, "miss")
    compressed = loaded(ann, target, "hit", accept_encoding="br")
    others = '"3.' + "0" * 32 + '"'
    for known in (
        first.headers["etag"],
        compressed.headers["etag"],
        "W/" + first.headers["etag"],
        f"{others}, {first.headers['etag']}",
    ):
        for client, source in ((ann, "hit"), (ann.through(without_cache), "bypass")):
            reply = loaded(client, target, source, if_none_match=known, accept_encoding="br")
            assert (reply.status, reply.content) == (304, b"")
            assert reply.headers["etag"] == compressed.headers["etag"]
            assert "content-encoding" not in reply.headers

    for unknown in (others, "*", "", first.json["etag"]):
        assert loaded(ann, target, "hit", if_none_match=unknown).status == 200


def test_a_load_is_counted_by_what_answered_it_and_a_refusal_is_none(
    ann, ben, without_cache, without_database, capsys
):
    target = create(ann)
    capsys.readouterr()

    def counted(client: Client, **headers: str) -> set[str]:
        client("GET", target, **headers)
        lines = map(json.loads, capsys.readouterr().out.splitlines())
        return {name for line in lines for name in line if name in UNITS}

    usual = {"BytesSaved", "LoadLatency"}
    assert counted(ann) == {"CacheMisses", *usual}
    assert counted(ann) == {"CacheHits", *usual}
    tag = ann("GET", target).headers["etag"]
    capsys.readouterr()
    assert counted(ann, if_none_match=tag) == {"CacheUnchanged", *usual}
    assert counted(ann.through(without_cache)) == {"CacheBypasses", *usual}
    assert [counted(ben), counted(ben)] == [set(), set()], "by the database, then by the cache"
    ann("PATCH", f"{target}/metadata", {"title": "Another"})
    capsys.readouterr()
    assert counted(ann.through(without_database)) == set(), "nobody could answer it"


def test_a_client_that_has_it_spares_the_document_on_a_miss_as_well(ann, store):
    target = create(ann)
    tag = loaded(ann, target, "miss").headers["etag"]
    store.flushall()
    # Nobody holds the body, so it cannot be filled in either.
    assert loaded(ann, target, "miss", if_none_match=tag).status == 304
    assert loaded(ann, target, "miss").status == 200
    assert loaded(ann, target, "hit").status == 200


def test_the_next_viewer_costs_no_document(people, deploy):
    ann, ben, cleo = people("ann"), people("ben"), people("cleo")
    target = create(ann)
    for person in (ben, cleo):
        ann("PUT", f"{target}/shares/{person.id}", {"role": "viewer"})
    deployment = deploy()
    answers = []

    async def note(response):
        await response.aread()
        answers.append(response.json())

    deployment.parts.http.event_hooks["response"].append(note)
    replies = [loaded(person.through(deployment.handler), target, "miss") for person in (ben, cleo)]
    assert replies[0].body == replies[1].body
    assert ["document" in answer for answer in answers] == [True, False]
    assert [answer.get("unchanged") for answer in answers] == [None, True]


def test_a_miss_is_one_call_of_the_database_and_two_of_redis(ann, deploy, store):
    target = create(ann)
    deployment = deploy()
    client = ann.through(deployment.handler)
    loaded(client, create(ann), "miss")  # loads the scripts
    requests = []

    async def note(request):
        requests.append(request.url.path)

    deployment.parts.http.event_hooks["request"].append(note)

    def calls() -> int:
        stats = store.info("commandstats")
        of_scripts = ("cmdstat_eval", "cmdstat_evalsha")
        return sum(stats[name]["calls"] for name in of_scripts if name in stats)

    counted = []
    for source in ("miss", "hit", "hit"):
        before = calls()
        loaded(client, target, source)
        counted.append(calls() - before)
    assert counted == [2, 1, 1]
    assert requests == ["/rest/v1/rpc/load_composition"]


def test_what_one_may_not_see_is_not_there_and_that_is_remembered(ann, ben, without_database):
    target = create(ann)
    refusals = [ben("GET", target) for _ in range(2)]
    refusals.append(ben.through(without_database)("GET", target))
    assert {reply.body for reply in refusals} == {refusals[0].body}
    assert {reply.headers == refusals[0].headers for reply in refusals} == {True}
    assert refusals[0].error == (404, "composition_not_found")
    assert ben("GET", f"/v1/compositions/{NOBODY}").error == (404, "composition_not_found")

    ann("PUT", f"{target}/shares/{ben.id}", {"role": "viewer"})
    assert loaded(ben, target, "miss").json["role"] == "viewer"


def test_nobody_learns_from_a_refusal_that_there_is_something_and_that_it_changes(ann, ben):
    targets = [create(ann), f"/v1/compositions/{NOBODY}"]

    def told() -> list[tuple[int, dict[str, str], str]]:
        replies = [ben("GET", target) for target in targets]
        ids = [target.rpartition("/")[2] for target in targets]
        return [
            (reply.status, reply.headers, reply.body.decode().replace(id, NOBODY))
            for reply, id in zip(replies, ids, strict=True)
        ]

    before = told()
    assert before[0] == before[1]
    assert told() == before
    assert ann("PUT", targets[0], {"document": small(n=2)}, if_match='"1"').status == 200
    assert told() == before


def test_the_trash_is_not_cached(ann):
    target = create(ann)
    ann("DELETE", target, if_match='"1"')
    for _ in range(2):
        reply = ann("GET", target)
        assert reply.error == (410, "composition_trashed")
        assert reply.json["deleted_at"]
        assert "x-cache" not in reply.headers


def test_a_share_that_ends_by_itself_ends_in_the_cache_as_well(ann, ben, without_database):
    target = create(ann)
    until = datetime.now(UTC) + timedelta(seconds=4)
    ann("PUT", f"{target}/shares/{ben.id}", {"role": "viewer", "expires_at": until.isoformat()})
    loaded(ben, target, "miss")
    loaded(ben, target, "hit")
    time.sleep(max(0, (until - datetime.now(UTC)).total_seconds()))
    assert ben.through(without_database)("GET", target).error == (503, "database_unavailable")
    assert ben("GET", target).error == (404, "composition_not_found")


def test_without_a_database_what_is_cached_is_answered_and_nothing_else(ann, ben, without_database):
    target = create(ann)
    loaded(ann, target, "miss")
    loaded(ann.through(without_database), target, "hit")
    for client, path in ((ben, target), (ann, f"{target}/versions"), (ann, "/v1/compositions")):
        reply = client.through(without_database)("GET", path)
        assert reply.error == (503, "database_unavailable")
        assert reply.headers["retry-after"] == "1"
        assert "x-cache" not in reply.headers


def test_an_outline_is_the_tree_and_the_names(ann, addresses):
    document = sample()
    target = create(ann, document)
    whole = loaded(ann, target, "miss").json
    reply = loaded(ann, f"{target}?view=outline", "hit")
    assert len(reply.body) < len(loaded(ann, target, "hit").body) / 2
    outline = reply.json.pop("outline")
    summary = {name: value for name, value in reply.json.items() if name != "outline"}
    assert summary == {name: value for name, value in whole.items() if name != "document"}
    assert outline.keys() == {*("format", "dialect", "root", "components", "sources", "parameters")}
    assert outline["root"] == document["root"]
    assert outline["components"].keys() == document["components"].keys()
    assert outline["components"]["masthead"] == {
        "component": "Row",
        "children": ["page-title", "find-box"],
    }
    assert outline["components"]["all-count"] == {"component": "Text"}
    assert sorted(outline["sources"]) == sorted(document["sources"])
    assert sorted(outline["parameters"]) == sorted(document["parameters"])

    tag = reply.headers["etag"]
    assert loaded(ann, f"{target}?view=outline", "hit", if_none_match=tag).status == 304
    compressed = loaded(ann, f"{target}?view=outline", "hit", accept_encoding="br")
    assert compressed.body == reply.body


ODD: dict[str, Any] = {
    "own": {"component": "Own", "child": {"not": "one"}, "children": "some", "tabs": 7},
    "plain": {"component": "Own", "children": ["a", 7, None], "trigger": "b", "content": "c"},
    "modal": {"component": "Modal", "trigger": "a", "content": "b"},
    "template": {"component": "List", "children": {"componentId": "a", "path": "/x"}},
    "bound": {"component": "Own", "children": {"componentId": "a"}},
    "tabs": {"component": "Tabs", "tabs": [{"title": "A", "child": "a"}, {"title": "B"}, 7]},
    "button": {"component": "Button", "child": "a", "action": {"child": "no"}},
}


@pytest.mark.parametrize("name", ["video-library", "odd"])
def test_an_outline_names_the_children_that_the_validator_finds(addresses, name):
    components = ODD if name == "odd" else sample(name)["components"]
    with psycopg.connect(addresses["database_url"]) as operator:
        rows = operator.execute(
            "select parent, child from private.child_references(%s) where child is not null",
            (json.dumps(components),),
        ).fetchall()
    found = [(id, child) for id, component in components.items() for child in child_ids(component)]
    assert sorted(found) == sorted(rows)


def test_of_another_dialect_an_outline_tells_what_is_in_the_body(ann):
    body = {"cards": [1, 2], "title": "T", "on": True, "n": 1.5, "no": None, "o": {"a": {}}}
    target = create(ann, small(**body))
    outline = ann("GET", f"{target}?view=outline").json["outline"]
    assert outline["body"] == {
        "cards": {"type": "array", "count": 2},
        "title": {"type": "string"},
        "on": {"type": "boolean"},
        "n": {"type": "number"},
        "no": {"type": "null"},
        "o": {"type": "object", "count": 1},
    }
    parts = ann("GET", f"{target}?components=cards,none").json
    assert (parts["components"], parts["missing"]) == ({"cards": [1, 2]}, ["none"])


def test_some_components_come_whole_digit_by_digit_and_what_is_missing_is_named(ann):
    text = json.dumps(sample()).replace('"max":', '"_":', 0)
    document = json.loads(text)
    document["components"]["masthead"]["weight"] = 12345
    text = json.dumps(document).replace("12345", "1.2300")
    target = ann("POST", "/v1/compositions", f'{{"title": "T", "document": {text}}}').headers[
        "location"
    ]
    reply = loaded(ann, f"{target}?components=masthead,nothing,masthead,root,", "miss")
    assert list(reply.json["components"]) == ["masthead", "root"]
    assert reply.json["missing"] == ["nothing", ""]
    assert b'"weight": 1.2300' in reply.body
    assert reply.json["components"]["root"] == document["components"]["root"]
    assert "document" not in reply.json
    assert loaded(ann, f"{target}?components=root", "hit").json["missing"] == []


@pytest.mark.parametrize(
    "query", ["view=all", "view=", "view=outline&components=a", "components=" + "a," * 4000]
)
def test_a_part_that_there_is_not_is_refused(ann, query):
    reply = ann("GET", f"/v1/compositions/{NOBODY}?{query}")
    assert reply.error == (422, "invalid_request")
    assert reply.json["problems"][0]["in"] == "query"


def test_a_link_opens_for_anybody_and_only_while_it_lasts(ann, anybody):
    target = create(ann)
    link = ann("POST", f"{target}/links", {"role": "viewer"})
    path = f"/v1/links/{link.json['token']}"
    opened = loaded(anybody, path, "bypass")
    assert opened.json["document"] == sample()
    assert opened.json["role"] == "viewer"
    assert loaded(anybody, path, "bypass", if_none_match=opened.headers["etag"]).status == 304
    assert loaded(anybody, path, "bypass", accept_encoding="br").body == opened.body

    assert ann("DELETE", link.headers["location"]).status == 200
    assert anybody("GET", path).error == (404, "link_not_found")


def test_a_document_is_had_by_its_hash_for_good(ann, ben):
    made = ann("GET", create(ann)).json
    path = f"/v1/documents/{made['content_hash']}"
    reply = ann("GET", path)
    assert reply.json == {"content_hash": made["content_hash"], "document": made["document"]}
    assert "immutable" in reply.headers["cache-control"]
    assert reply.headers["cache-control"].startswith("private,")
    assert ann("GET", path, if_none_match=reply.headers["etag"]).status == 304
    assert ben("GET", path, if_none_match=reply.headers["etag"]).error == (
        404,
        "document_not_found",
    )
    assert ann("GET", "/v1/documents/" + "A" * 64).error == (422, "invalid_request")
