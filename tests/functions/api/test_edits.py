"""Edits in every way there is: patches, merges, layers, parameters, and turns that are undone."""

from __future__ import annotations

import json
import uuid
from typing import Any

import psycopg
import pytest

from functions.api.calls import WITH_ORIGIN
from tests.functions.api.client import Client
from tests.functions.api.conftest import create
from tests.people import NOBODY
from tests.samples import small

PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
LIST = {
    "format": "composition/1",
    "dialect": "json",
    "body": {"n": 1},
    "sources": {"videos": {"ref": "content.videos", "into": "/videos"}},
    "parameters": {
        "short": {
            "type": "filter",
            "field": "seconds",
            "op": "lt",
            "value": 600,
            "target": ["videos"],
        }
    },
}


@pytest.fixture(autouse=True)
def cold(store):
    """Begin with nothing cached."""


def id_of(target: str) -> str:
    return target.rpartition("/")[2]


def put(n: Any, path: str = "/body/n") -> list[dict[str, Any]]:
    return [{"op": "replace", "path": path, "value": n}]


def body(client: Client, target: str) -> Any:
    """What is shown of a composition; holds the cache to the database."""
    first, second = client("GET", target), client("GET", target)
    assert first.body == second.body
    assert second.headers["x-cache"] == "hit"
    return first.json["document"]["body"]


def test_a_patch_of_either_kind_makes_a_version_digit_by_digit(ann):
    target = create(ann, small(n=1))
    text = '[{"op": "add", "path": "/body/x", "value": 1.10}]'
    done = ann("PATCH", f"{target}?message=One", text, content_type=PATCH, if_match='"1"')
    assert (done.status, done.json["version"]) == (200, 2)
    text = '{"body": {"n": null, "y": 2.50}}'
    done = ann("PATCH", target, text, content_type=f"{MERGE}; charset=utf-8", if_match='"2"')
    assert (done.status, done.json["version"]) == (200, 3)
    assert body(ann, target) == {"x": 1.1, "y": 2.5}
    assert b'"x": 1.10' in ann("GET", target).body
    assert b'"y": 2.50' in ann("GET", target).body
    versions = ann("GET", f"{target}/versions").json["items"]
    assert [version["message"] for version in versions] == [None, "One", None]


def test_a_patch_that_does_not_apply_changes_nothing_and_says_where(ann):
    target = create(ann, small(n=1))
    for patch, error in (
        ([{"op": "test", "path": "/body/n", "value": 2}], (409, "patch_test_failed")),
        ([{"op": "remove", "path": "/body/x"}], (409, "patch_path_not_found")),
        ([{"op": "fold", "path": "/body/n"}], (422, "invalid_patch")),
        ({"op": "remove"}, (422, "invalid_patch")),
        ([{"op": "remove", "path": "/dialect"}], (422, "invalid_document")),
    ):
        reply = ann("PATCH", target, patch, content_type=PATCH, if_match='"1"')
        assert reply.error == error
    assert body(ann, target) == {"n": 1}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_stale_edit_is_told_the_head_and_what_both_would_make(ann, method):
    target = create(ann, small(n=1, m=1))
    ann("PUT", target, {"document": small(n=2, m=1)}, if_match='"1"')
    head = ann("GET", target)

    def stale(n: int, m: int, query: str = "") -> Any:
        if method == "PUT":
            more = {"on_conflict": "merge"} if query else {}
            return ann("PUT", target, {"document": small(n=n, m=m), **more}, if_match='"1"')
        patch = {"body": {"n": n, "m": m}}
        return ann("PATCH", target + query, patch, content_type=MERGE, if_match='"1"')

    clean = stale(1, 2)
    assert clean.error == (412, "version_conflict")
    assert (clean.json["head_version"], clean.json["conflicts"]) == (2, [])
    assert clean.json["merged"]["body"] == {"n": 2, "m": 2}
    assert clean.json["current"] == head.json
    assert head.body in clean.body

    flagged = stale(3, 2)
    (conflict,) = flagged.json["conflicts"]
    assert (flagged.status, conflict["path"], conflict["kind"]) == (412, "/body/n", "both_changed")
    assert (conflict["base"], conflict["head"], conflict["mine"]) == (1, 2, 3)
    assert ann("GET", f"{target}/versions").json["items"][0]["version"] == 2, "nothing was kept"

    merged = stale(1, 2, "?on_conflict=merge")
    assert (merged.status, merged.json["version"], merged.json["merged"]) == (200, 3, True)
    assert body(ann, target) == {"n": 2, "m": 2}

    kept = stale(4, 2, "?on_conflict=merge")
    assert kept.error == (412, "version_conflict")
    assert (kept.json["head_version"], kept.json["conflict_version"]) == (3, 4)
    assert kept.json["conflicts"][0]["mine"] == 4
    assert kept.json["current"]["version"] == 3
    assert body(ann, target) == {"n": 2, "m": 2}
    assert ann("GET", f"{target}/versions/4").json["document"]["body"]["n"] == 4


def test_a_merge_that_is_sent_again_is_answered_again(ann):
    target = create(ann, small(n=1))
    ann("PUT", target, {"document": small(n=2)}, if_match='"1"')
    for _ in range(2):
        reply = ann(
            "PATCH",
            f"{target}?on_conflict=merge",
            put(3),
            content_type=PATCH,
            if_match='"1"',
            idempotency_key="merge",
        )
        assert (reply.status, reply.json["conflict_version"]) == (412, 3)
    assert len(ann("GET", f"{target}/versions").json["items"]) == 3


def test_of_a_version_that_is_gone_the_head_is_all_that_can_be_told(ann):
    target = create(ann, small(n=1))
    for query in ("", "?on_conflict=merge"):
        reply = ann("PATCH", target + query, put(3), content_type=PATCH, if_match='"9"')
        assert reply.error[0] in {404, 412}
        if reply.status == 412:
            assert reply.json["current"]["version"] == 1
            assert "merged" not in reply.json


@pytest.mark.parametrize("target", [f"/v1/compositions/{NOBODY}", "layer"])
@pytest.mark.parametrize(
    ("type", "sent", "status", "code"),
    [
        ("application/json", "[]", 415, "not_json"),
        ("text/plain", "[]", 415, "not_json"),
        ("", "[]", 415, "not_json"),
        (f"{PATCH}; charset=utf-16", "[]", 415, "not_json"),
        (f"{PATCH}, {MERGE}", "[]", 415, "not_json"),
        ("application/json-patch+jsonx", "[]", 415, "not_json"),
        (PATCH, "", 400, "invalid_json"),
        (PATCH, "[] []", 400, "invalid_json"),
        (PATCH, "[NaN]", 400, "invalid_json"),
        (PATCH, "[,]", 400, "invalid_json"),
        (MERGE, '{"a": 1, "a": 2}', 400, "invalid_json"),
        (MERGE, b'{"a": "\xff"}', 400, "invalid_json"),
        (MERGE, b"\xef\xbb\xbf{}", 400, "invalid_json"),
        (PATCH, "[" * 100_000, 413, "too_deep"),
        (PATCH, b" " * (2 * 1024 * 1024 + 1), 413, "body_too_large"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_a_patch_that_is_no_strict_json_of_its_kind_is_refused(
    ann, target, type, sent, status, code
):
    if target == "layer":
        target = f"/v1/compositions/{NOBODY}/layer"
    reply = ann("PATCH", target, sent, content_type=type, if_match='"1"')
    assert reply.error == (status, code)


def test_a_patch_is_read_of_nobody_who_is_not_signed_in(anybody):
    reply = anybody("PATCH", f"/v1/compositions/{NOBODY}", "{", content_type=PATCH)
    assert reply.error == (401, "not_signed_in")


def test_a_patch_that_starts_from_no_version_is_refused(ann):
    target = create(ann)
    for path, method in (
        (target, "PATCH"),
        (f"{target}/layer", "PUT"),
        (f"{target}/layer", "PATCH"),
    ):
        for headers in ({}, {"if_match": "*"}):
            reply = ann(method, path, [], content_type=PATCH, **headers)
            assert reply.error == (428, "if_match_required")


@pytest.mark.parametrize("format", [PATCH, MERGE])
def test_an_array_for_the_wrong_kind_of_patch_is_for_the_database_to_refuse(ann, format):
    target = create(ann, small(n=1))
    for sent in (["x"], 7, "text", None, True):
        reply = ann("PATCH", target, json.dumps(sent), content_type=format, if_match='"1"')
        assert reply.error in {(422, "invalid_patch"), (422, "invalid_document")}, reply
    assert body(ann, target) == {"n": 1}


def test_a_layer_is_its_owners_alone_and_seen_at_once(ann, ben):
    target = create(ann, small(n=1, m=1))
    ann("PUT", f"{target}/shares/{ben.id}", {"role": "viewer"})
    layer = f"{target}/layer"
    assert body(ann, target) == body(ben, target) == {"n": 1, "m": 1}
    assert ben("GET", layer).json["state"] == "none"

    tag = ben("GET", target).headers["etag"]
    made = ben("PUT", layer, put(5), content_type=PATCH, if_match=tag)
    assert (made.status, made.json["state"], made.json["scope"]) == (200, "applied", "me")
    assert body(ben, target) == {"n": 5, "m": 1}
    assert body(ann, target) == {"n": 1, "m": 1}
    assert ben("GET", f"{target}?layered=false").json["document"]["body"] == {"n": 1, "m": 1}
    assert ben("GET", target, if_none_match=tag).status == 200

    more = ben("PATCH", layer, {"body": {"m": 6}}, content_type=MERGE, if_match='"1"')
    assert sorted(more.json["changes"]) == ["/body/m", "/body/n"]
    assert body(ben, target) == {"n": 5, "m": 6}
    reset = ben("DELETE", f"{layer}?path=/body/m&path=/body/m")
    assert (reset.status, reset.json["changes"]) == (200, ["/body/n"])
    assert body(ben, target) == {"n": 5, "m": 1}
    assert ben("DELETE", f"{layer}?path=/body/m").error == (404, "layer_path_not_found")

    ann("PUT", target, {"document": small(n=2, m=2)}, if_match='"1"')
    shown = ben("GET", target).json
    assert shown["document"]["body"] == {"n": 2, "m": 2}
    assert shown["layers"][0]["state"] == "conflict"
    assert ben("DELETE", layer).json["state"] == "none"
    assert "layers" not in ben("GET", target).json


def test_without_layers_is_kept_beside_what_is_seen_with_them(ann, without_cache):
    target = create(ann, small(n=1))
    ann("PUT", f"{target}/layer", put(5), content_type=PATCH, if_match='"1"')
    bare = f"{target}?layered=false"
    for path in (target, bare, f"{target}?layered=true"):
        first = ann("GET", path)
        again = ann("GET", path)
        assert again.headers["x-cache"] == "hit"
        assert first.body == again.body == ann.through(without_cache)("GET", path).body
    assert ann("GET", bare).json["document"]["body"] == {"n": 1}
    assert ann("GET", target).json["document"]["body"] == {"n": 5}
    outline = ann("GET", f"{bare}&view=outline").json
    assert "layers" not in outline
    for query in ("layered=", "layered=no", "layered=0"):
        assert ann("GET", f"{target}?{query}").error == (422, "invalid_request")
    refusals = [ann("GET", f"/v1/compositions/{NOBODY}?layered=false") for _ in range(2)]
    assert refusals[0].body == refusals[1].body
    assert refusals[0].error == (404, "composition_not_found")
    stale = ann("DELETE", target, if_match='"9"')
    assert stale.json["current"]["document"]["body"] == {"n": 1}


def test_the_layer_of_an_organisation_is_seen_by_all_of_it_at_once(ann, ben, people):
    made = ann("POST", "/v1/organizations", {"name": "Northwind"})
    northwind = made.json["organization_id"]
    ann("PUT", f"{made.headers['location']}/members/{ben.id}", {"role": "member"})
    target = create(ann, small(n=1), organization_id=northwind)
    cleo = people("cleo")
    ann("PUT", f"{target}/shares/{cleo.id}", {"role": "viewer"})
    for person in (ann, ben, cleo):
        assert body(person, target) == {"n": 1}
    layer = f"{target}/layer?scope=organization"
    assert ben("PUT", layer, put(5), content_type=PATCH, if_match='"1"').error == (
        403,
        "organization_role_too_low",
    )
    assert ann("PUT", layer, put(5), content_type=PATCH, if_match='"1"').status == 200
    assert body(ann, target) == body(ben, target) == {"n": 5}
    assert body(cleo, target) == {"n": 1}
    assert ben("GET", f"{layer}&organization_id={northwind}").json["state"] == "applied"
    promoted = ann("POST", f"{target}/layer/promote", {"scope": "organization"})
    assert (promoted.status, promoted.json["version"]) == (200, 2)
    assert [body(person, target) for person in (ann, ben, cleo)] == [{"n": 5}] * 3
    assert ann("DELETE", layer).json["state"] == "none"


def test_a_layer_becomes_a_composition_of_ones_own(ann, ben):
    target = create(ann, small(n=1))
    ann("PUT", f"{target}/shares/{ben.id}", {"role": "viewer"})
    ben("PUT", f"{target}/layer", put(5), content_type=PATCH, if_match='"1"')
    body(ben, target)
    refused = ben("POST", f"{target}/layer/promote", {})
    assert refused.error == (403, "composition_read_only")
    forked = ben("POST", f"{target}/layer/promote", {"into": "fork", "title": "Mine"})
    assert (forked.status, forked.json["title"]) == (200, "Mine")
    assert body(ben, f"/v1/compositions/{forked.json['composition_id']}") == {"n": 5}
    assert body(ben, target) == {"n": 1}
    assert ben("POST", f"{target}/layer/promote", {"into": "fork"}).error == (
        404,
        "layer_not_found",
    )


def test_one_knob_is_turned_for_everybody_or_for_oneself(ann, ben):
    target = create(ann, LIST)
    ann("PUT", f"{target}/shares/{ben.id}", {"role": "viewer"})

    def shown(client: Client) -> Any:
        body(client, target)
        return client("GET", target).json["document"]["parameters"].get("short", {}).get("value")

    assert shown(ann) == shown(ben) == 600
    short = f"{target}/parameters/short"
    text = '{"parameter": {"value": 300.50}, "scope": "me"}'
    mine = ben("PUT", short, text)
    assert (mine.status, mine.json["scope"]) == (200, "me")
    assert b'"value": 300.50' in ben("GET", target).body
    assert (shown(ann), shown(ben)) == (600, 300.5)
    saved = ann("PUT", short, {"parameter": {"value": 900}}, if_match='"1"')
    assert (saved.status, saved.json["version"]) == (200, 2)
    assert shown(ann) == 900
    stale = ann("PUT", short, {"parameter": {"value": 1}}, if_match='"1"')
    assert stale.error == (412, "version_conflict")
    assert stale.json["current"]["version"] == 2
    for headers in ({}, {"if_match": "*"}):
        assert ann("PUT", short, {"parameter": {"value": 800}}, **headers).status == 200
        ann("PUT", short, {"parameter": {"value": 700}})
    assert ben("DELETE", f"{short}?scope=me").status == 200
    assert shown(ben) is None, "cleared in the layer"
    assert ann("DELETE", f"{short}?message=Any").status == 200
    assert shown(ann) is None
    refused = ann("DELETE", short)
    assert refused.error == (404, "parameter_not_found")
    assert ann("PUT", short, {"parameter": {"value": 1}}).error == (404, "parameter_not_found")
    for sent in ({}, {"parameter": {}, "x": 1}, {"parameter": {}, "scope": 7}):
        assert ann("PUT", short, sent).error == (422, "invalid_request")


ORIGIN = {"kind": "agent", "agent": "planner", "conversation": "c1", "turn": "t1"}


def test_who_makes_a_change_and_how_comes_in_one_header(ann):
    said = json.dumps(ORIGIN)
    target = create(ann, small(n=1))
    ann("PUT", target, {"document": small(n=2)}, if_match='"1"', composition_origin=said)
    ann(
        "PATCH",
        target,
        put(3),
        content_type=PATCH,
        if_match='"2"',
        composition_origin='{"turn": "\\u00e9"}',
        idempotency_key="o",
    )
    ann("PUT", target, {"document": small(n=4)}, if_match='"3"', composition_origin="{}")
    ann("PUT", target, {"document": small(n=5)}, if_match='"4"')
    origins = [item["origin"] for item in ann("GET", f"{target}/versions").json["items"]]
    user = {"kind": "user"}
    assert origins == [user, user, {"kind": "agent", "turn": "é"}, ORIGIN, user]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("x", "invalid_request"),
        ("[]", "invalid_request"),
        ('"agent"', "invalid_request"),
        ('{"kind": "agent"', "invalid_request"),
        ('{"kind": "agent"} x', "invalid_request"),
        ('{"kind": "agent", "kind": "user"}', "invalid_request"),
        ('{"kind": NaN}', "invalid_request"),
        ('{"agent": "é"}', "invalid_request"),
        ('{"a":' * 3000, "invalid_request"),
        ('{"agent": "' + "x" * 9000 + '"}', "invalid_request"),
        ('{"kind": "agent"},{"kind": "user"}', "invalid_request"),
        ('{"kind": "sesame"}', "invalid_argument"),
        ('{"model": "agent"}', "invalid_argument"),
        ('{"agent": 7}', "invalid_argument"),
        ('{"agent": ""}', "invalid_argument"),
        ('{"agent": "' + "x" * 201 + '"}', "invalid_argument"),
        ('{"agent": "\\u0000"}', "invalid_argument"),
    ],
    ids=lambda text: ascii(text)[:30],
)
def test_an_origin_that_is_none_is_refused_and_nothing_happens(ann, said, code):
    target = create(ann, small(n=1))
    reply = ann("PUT", target, {"document": small(n=2)}, if_match='"1"', composition_origin=said)
    assert reply.error == (422, code)
    assert "sesame" not in reply.body.decode()
    if code == "invalid_request":
        assert reply.json["problems"][0]["path"] == "/composition-origin"
    assert body(ann, target) == {"n": 1}


def test_whatever_notes_an_origin_is_told_it(addresses):
    with psycopg.connect(addresses["database_url"]) as operator:
        rows = operator.execute(
            "select p.proname from pg_proc as p where p.pronamespace = 'public'::regnamespace"
            " and 'origin' = any (p.proargnames) and has_function_privilege("
            "'authenticated', p.oid, 'execute')"
        ).fetchall()
    assert {name for (name,) in rows} == WITH_ORIGIN


def test_a_turn_is_undone_everywhere_at_once(ann, ben):
    said = json.dumps(ORIGIN | {"turn": "plan/1?"})
    made = ann("POST", "/v1/organizations", {"name": "Northwind"})
    northwind = made.json["organization_id"]
    ann("PUT", f"{made.headers['location']}/members/{ben.id}", {"role": "member"})
    one, two = (create(ann, small(n=1), organization_id=northwind) for _ in range(2))
    pin = {"composition_id": id_of(one), "scope": "organization"}
    ann("PUT", "/v1/pins/home", pin)
    for target in (one, two):
        ann("PUT", target, {"document": small(n=2)}, if_match='"1"', composition_origin=said)
    layer = f"{two}/layer"
    ann("PUT", layer, put(9), content_type=PATCH, if_match='"2"', composition_origin=said)
    new = ann(
        "POST",
        "/v1/compositions",
        {"title": "T", "document": small(n=7)},
        composition_origin=said,
    ).headers["location"]
    pin["composition_id"] = id_of(two)
    ann("PUT", "/v1/pins/home", pin, composition_origin=said)
    assert (body(ann, one), body(ann, two), body(ben, two)) == ({"n": 2}, {"n": 9}, {"n": 2})
    assert body(ann, new) == {"n": 7}
    for _ in range(3):
        assert ben("GET", "/v1/contexts/home").json["composition_id"] == id_of(two)

    path = "/v1/turns/plan%2F1%3F/undo"
    undone = ann("POST", path, {"conversation": "c1"}, idempotency_key="undo")
    assert undone.status == 200, undone
    assert undone.json["trashed"] == [id_of(new)]
    assert {item["composition_id"] for item in undone.json["compositions"]} == {
        id_of(one),
        id_of(two),
    }
    assert [body(person, target) for person in (ann, ben) for target in (one, two)] == [
        {"n": 1}
    ] * 4
    assert ann("GET", new).error == (410, "composition_trashed")
    assert ben("GET", "/v1/contexts/home").json["composition_id"] == id_of(one)
    again = ann("POST", path, {"conversation": "c1"}, idempotency_key="undo")
    assert again.body == undone.body
    assert ann("POST", path).error == (409, "turn_undone")
    assert ben("POST", path).error == (404, "turn_not_found")


def test_what_stands_on_a_turn_keeps_it_from_being_undone(ann):
    turn = str(uuid.uuid4())
    target = create(ann, small(n=1))
    said = json.dumps({"turn": turn})
    ann("PUT", target, {"document": small(n=2)}, if_match='"1"', composition_origin=said)
    ann("PUT", target, {"document": small(n=3)}, if_match='"2"')
    refused = ann("POST", f"/v1/turns/{turn}/undo")
    assert refused.error == (409, "turn_overtaken")
    assert refused.json["later"][0]["composition_id"] == id_of(target)
    assert body(ann, target) == {"n": 3}


def test_every_new_write_happens_once_for_its_key(ann):
    target = create(ann, LIST)
    home = {"composition_id": id_of(target)}
    for nth, (method, path, sent, headers) in enumerate(
        (
            ("PATCH", target, put(2), {"content_type": PATCH, "if_match": '"1"'}),
            ("PUT", f"{target}/layer", put(3), {"content_type": PATCH, "if_match": '"2"'}),
            ("PATCH", f"{target}/layer", put(4), {"content_type": PATCH, "if_match": '"2"'}),
            ("DELETE", f"{target}/layer", None, {}),
            ("PUT", f"{target}/parameters/short", {"parameter": {"value": 60}}, {}),
            ("DELETE", f"{target}/parameters/short", None, {}),
            ("PUT", "/v1/pins/home", home, {}),
            ("DELETE", "/v1/pins/home", None, {}),
        )
    ):
        replies = [ann(method, path, sent, **headers, idempotency_key=f"k{nth}") for _ in range(2)]
        assert [reply.status for reply in replies] == [200, 200], (path, replies)
        assert replies[0].body == replies[1].body
    assert len(ann("GET", f"{target}/versions").json["items"]) == 4


def test_without_the_cache_new_writes_are_pending(ann, without_cache):
    target = create(ann, small(n=1))
    client = ann.through(without_cache)
    for method, path, sent, headers in (
        ("PUT", f"{target}/layer", put(3), {"content_type": PATCH, "if_match": '"1"'}),
        ("PUT", "/v1/pins/home", {"composition_id": id_of(target)}, {}),
        ("PATCH", target, put(2), {"content_type": PATCH, "if_match": '"1"'}),
    ):
        reply = client(method, path, sent, **headers)
        assert (reply.status, reply.headers["x-cache"]) == (202, "pending")
