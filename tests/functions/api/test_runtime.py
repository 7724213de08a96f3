"""The API in the runtime of Lambda, frozen between calls, as any HTTP client meets it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from devstack import front
from tests.functions.api.client import Client
from tests.samples import sample, small


@pytest.fixture(scope="module")
def url(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where its function URL is."""
    ports: dict[str, int] = {}
    started = front.start(
        {"api": front.FUNCTIONS["api"]},
        environment | {"ALLOWED_ORIGINS": "https://a.example"},
        freeze=True,
        logs=tmp_path_factory.mktemp("api"),
        url_ports=ports,
    )
    try:
        started.wait(threading.Event())
        yield f"http://127.0.0.1:{ports['api']}"
    finally:
        started.stop()


@pytest.fixture
def http(url: str, people: Callable[[str], Client]) -> Iterator[httpx.Client]:
    """Ann's client."""
    headers = {"Authorization": f"Bearer {people('ann').token}", "Origin": "https://a.example"}
    with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
        yield client


def test_a_composition_is_made_loaded_and_saved_over_http(http, store):
    made = http.post("/v1/compositions", json={"title": "T", "document": sample()})
    assert made.status_code == 201
    here = made.headers["location"]
    sources = []
    for _ in range(4):
        load = http.get(here, headers={"Accept-Encoding": "br"})
        assert load.headers["content-encoding"] == "br"
        assert load.json()["document"] == sample()
        assert load.headers["access-control-allow-origin"] == "https://a.example"
        sources.append(load.headers["x-cache"])
    assert sources == ["miss", "hit", "hit", "hit"]
    plain = http.get(here, headers={"Accept-Encoding": "identity"})
    assert plain.json() == load.json()

    tag = load.headers["etag"]
    known = http.get(here, headers={"If-None-Match": tag})
    assert (known.status_code, known.content) == (304, b"")
    for expected in (200, 412):
        saved = http.put(here, json={"document": small(n=2)}, headers={"If-Match": tag})
        assert saved.status_code == expected
    assert http.get(here).json()["version"] == 2


def test_a_context_is_pinned_and_loaded_over_http_whatever_is_in_its_name(http, store):
    made = http.post("/v1/compositions", json={"title": "T", "document": sample()})
    pin = {"composition_id": made.json()["composition_id"]}
    contexts = ["home", "route:/a//b/", "card:100%25?x#y", "card:é \N{GRINNING FACE}", "route:/%2F"]
    for context in contexts:
        path = quote(context)
        assert http.put(f"/v1/pins/{path}", json=pin).status_code == 200
        loads = [http.get(f"/v1/contexts/{path}") for _ in range(3)]
        assert [load.headers["x-cache"] for load in loads] == ["miss", "miss", "hit"]
        assert loads[0].content == loads[2].content
        assert loads[2].json()["reason"]["context"] == context
        known = http.get(
            f"/v1/contexts/{path}", headers={"If-None-Match": loads[2].headers["etag"]}
        )
        assert (known.status_code, known.content) == (304, b"")
    assert sorted(pinned["context"] for pinned in http.get("/v1/pins").json()) == sorted(contexts)
    assert http.get("/v1/home").json()["home"]["reason"]["context"] == "home"
    for path in ("x%0d%0aX-Evil:%201", "card:%0d%0aX-Evil:%201", "card:%00", "%ff", "%2e%2e"):
        refused = http.get(f"/v1/contexts/{path}")
        assert refused.status_code in {404, 422}
        assert "x-evil" not in refused.headers


def test_patches_of_both_kinds_and_their_origin_go_over_http(http, url):
    made = http.post("/v1/compositions", json={"title": "T", "document": small(n=1)})
    here = made.headers["location"]
    origin = {"Composition-Origin": '{"agent": "planner", "turn": "\\u00e9"}', "If-Match": '"1"'}

    def patch(kind: str, content: str, **headers: str) -> Any:
        headers = origin | {"Content-Type": f"application/{kind}+json"} | headers
        return http.patch(here, content=content, headers=headers)

    done = patch("json-patch", '[{"op": "replace", "path": "/body/n", "value": 1.50}]')
    assert (done.status_code, done.json()["version"]) == (200, 2)
    assert '"n": 1.50' in http.get(here).text
    stale = patch("merge-patch", '{"body": {"m": 2}}')
    assert (stale.status_code, stale.json()["merged"]["body"]) == (412, {"n": 1.5, "m": 2})
    assert http.patch(here, json=[], headers=origin).status_code == 415
    assert patch("json-patch", "[]", **{"Content-Encoding": "br"}).status_code == 415
    # A header that comes twice is joined by a comma, and two objects are none.
    twice = [*http.headers.items(), *origin.items(), *origin.items()]
    twice.append(("Content-Type", "application/json-patch+json"))
    refused = httpx.patch(f"{url}{here}", content="[]", headers=twice, timeout=60)
    assert (refused.status_code, refused.json()["error"]) == (422, "invalid_request")
    versions = http.get(f"{here}/versions").json()["items"]
    assert versions[0]["origin"] == {"kind": "agent", "agent": "planner", "turn": "é"}


def test_a_refusal_has_the_one_shape_over_http_as_well(http, url):
    refusals = [
        http.get("/nothing"),
        http.put("/v1/compositions", content=b"x"),
        http.post("/v1/compositions", content=b"{", headers={"Content-Type": "application/json"}),
        http.post("/v1/compositions", content=b"x" * 3_000_000),
        httpx.get(f"{url}/v1/compositions", headers={"Authorization": "Bearer x"}, timeout=60),
    ]
    assert [(refusal.status_code, refusal.json()["error"]) for refusal in refusals] == [
        (404, "route_not_found"),
        (405, "method_not_allowed"),
        (400, "invalid_json"),
        (413, "body_too_large"),
        (401, "invalid_token"),
    ]
    asked = http.options("/v1/compositions", headers={"Access-Control-Request-Method": "POST"})
    assert asked.status_code == 204
