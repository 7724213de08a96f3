"""The API in the runtime of Lambda, frozen between calls, as any HTTP client meets it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

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
