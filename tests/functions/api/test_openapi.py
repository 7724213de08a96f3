"""What is said about the API, held to what it does: OpenAPI, docs/http.md, and real answers."""

from __future__ import annotations

import re
import tomllib
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter

from devstack.packages import PROJECT
from functions.api import VERSION
from functions.api.openapi import ANSWERS
from tests.docs.test_docs import rows, section
from tests.functions.api.client import Client, Handler, Reply
from tests.samples import sample, small


@pytest.fixture(scope="module")
def document(api: Handler) -> Any:
    """What /openapi.json says."""
    reply = Client(api)("GET", "/openapi.json")
    assert reply.status == 200
    return reply.json


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_the_page_lists_every_route_and_no_other(document):
    listed = [(method, path.strip("`")) for method, path, _ in rows(section("http.md", "Routes"))]
    assert sorted(listed) == sorted((method, path) for method, path, _ in operations(document))


def test_every_route_runs_what_the_page_says(document):
    sources = "\n".join(file.read_text() for file in PROJECT.glob("functions/api/**/*.py"))
    for _, path, runs in rows(section("http.md", "Routes")):
        for function in re.findall(r"\[`(\w+)`\]", runs):
            assert f'"{function}"' in sources, path


def test_whatever_is_referred_to_is_there_and_whatever_is_there_is_referred_to(document):
    schemas = document["components"]["schemas"]
    referred = set(re.findall(r"'#/components/schemas/([^']+)'", str(document)))
    assert referred == schemas.keys()
    assert all(re.fullmatch(r"[A-Za-z]+", name) for name in schemas)


def test_every_operation_says_who_may_ask_and_what_comes(document):
    names = []
    for method, path, operation in operations(document):
        name = operation["operationId"]
        names.append(name)
        responses = operation["responses"]
        sent = {parameter["name"] for parameter in operation["parameters"]}
        assert set(re.findall(r"\{(\w+)\}", path)) <= sent
        assert ("401" in responses) == (operation.get("security") == [{"session": []}])
        assert ("401" not in responses) == (name in {"open_share_link", "check_health"})
        assert {"422", "503", "default"} <= responses.keys()
        is_write = method != "GET" and name != "validate_document"
        assert ("202" in responses) == is_write
        assert ("Idempotency-Key" in sent) == (is_write and name != "delete_my_account")
        must_match = [
            parameter["required"]
            for parameter in operation["parameters"]
            if parameter["name"] == "If-Match"
        ]
        assert ("428" in responses) == (must_match == [True])
        # A layer may be made on any version that there is.
        assert ("412" in responses) == (bool(must_match) and "layer" not in path)
        assert "Composition-Origin" not in sent or is_write
        assert ("304" in responses) == ("If-None-Match" in sent)
        assert ("413" in responses) == ("requestBody" in operation)
        if "201" in responses:
            assert "Location" in responses["201"]["headers"]
    assert sorted(names) == sorted(ANSWERS)
    assert document["components"]["securitySchemes"]["session"]["scheme"] == "bearer"
    assert document["info"]["version"] == VERSION


def test_the_version_is_that_of_the_project():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    assert project["project"]["version"] == VERSION


class Witness:
    """Somebody who compares every answer with what is said about it.

    Args:
        client: Who asks.
        document: What /openapi.json says.
        seen: Operations, and the statuses they answered with.
    """

    def __init__(self, client: Client, document: Any, seen: set[tuple[str, int]]) -> None:
        self.client = client
        self._operations = [
            (method, re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), operation)
            for method, path, operation in operations(document)
        ]
        self._seen = seen

    def __call__(self, method: str, target: str, body: Any = None, **headers: str) -> Reply:
        # Every write can be made once, whatever it runs.
        key = {"idempotency_key": str(uuid.uuid4())} if method != "GET" else {}
        reply = self.client(method, target, body, **key, **headers)
        (operation,) = (
            operation
            for its, path, operation in self._operations
            if its == method and path.fullmatch(target.partition("?")[0])
        )
        name = operation["operationId"]
        assert str(reply.status) in operation["responses"], (name, reply)
        if reply.status in {200, 201, 202}:
            TypeAdapter(ANSWERS[name]).validate_json(reply.body, strict=True)
        said = operation["responses"][str(reply.status)].get("headers", {})
        assert {header.lower() for header in said} <= reply.headers.keys(), (name, reply)
        self._seen.add((name, reply.status))
        return reply


def test_every_answer_has_the_shape_that_is_promised(people, document, without_cache):
    seen: set[tuple[str, int]] = set()
    ann, ben, dan = (Witness(people(name), document, seen) for name in ("ann", "ben", "dan"))
    pending = Witness(ann.client.through(without_cache), document, seen)

    here = write(ann, pending)
    look_back(ann, here)
    share(ann, ben, here)
    there = organise(ann, ben, dan)
    hand_over(ann, ben, here, there)
    ann("DELETE", f"{there}/members/{dan.client.id}")
    ben("DELETE", f"{there}/members/{ben.client.id}")
    ann("GET", "/v1/account/data")
    dan("DELETE", "/v1/account", {"email": dan.client.email})
    ann("GET", "/healthz")

    assert {name for name, status in seen if status < 400} == ANSWERS.keys()
    promised = {
        (operation["operationId"], int(status))
        for _, _, operation in operations(document)
        for status in operation["responses"]
        if status in {"201", "304", "412", "428"}
    }
    assert promised - seen == {("delete_composition", 412), ("delete_composition", 428)}


def write(ann: Witness, pending: Witness) -> str:
    made = ann("POST", "/v1/compositions", {"title": "T", "document": sample()})
    here = made.headers["location"]
    tag = ann("GET", here).headers["etag"]
    ann("GET", here, if_none_match=tag)
    ann("GET", f"{here}?view=outline")
    ann("GET", f"{here}?components=root,none")
    ann("PUT", here, {"document": small(n=2)}, if_match=tag)
    ann("PUT", here, {"document": small(n=2)}, if_match=tag)
    ann("PUT", here, {"document": small(n=2)})
    personalise(ann, here)
    undo(ann)
    ann("PATCH", f"{here}/metadata", {"tags": ["kept"]})
    pending("PATCH", f"{here}/metadata", {"tags": []})
    ann("GET", "/v1/compositions")
    fork = ann("POST", f"{here}/fork", {}).headers["location"]
    ann("GET", f"{fork}/upstream")
    ann("PUT", fork, {"document": small(n=9)}, if_match='"1"')
    for headers in ({}, {"if_match": '"1"'}):
        ann("PATCH", f"{here}/metadata", {"tags": ["kept"]})
        ann("POST", f"{fork}/upstream", {}, **headers)
    ann("POST", "/v1/documents/validate", {"document": {"format": "x", "dialect": "y"}})
    return here


def personalise(ann: Witness, here: str) -> None:
    patch = [{"op": "add", "path": "/ext", "value": {"test/n": 3}}]
    as_patch = {"content_type": "application/json-patch+json"}
    for headers in ({"if_match": '"2"'}, {"if_match": '"1"'}, {}):
        ann("PATCH", here, patch, **headers, **as_patch)
        ann("PUT", f"{here}/layer", patch, **headers, **as_patch)
        ann("PATCH", f"{here}/layer", patch, **headers, **as_patch)
    merge = [{"op": "add", "path": "/data", "value": {"m": 3}}]
    ann("PATCH", f"{here}?on_conflict=merge", merge, if_match='"2"', **as_patch)
    ann("GET", f"{here}/layer")
    ann("GET", f"{here}?layered=false")
    ann("GET", here)
    ann("POST", f"{here}/layer/promote", {"into": "fork"})
    ann("DELETE", f"{here}/layer")
    knob = {"type": "limit", "value": 3, "target": []}
    for headers in ({}, {"if_match": '"1"'}):
        ann("PUT", f"{here}/parameters/most", {"parameter": knob}, **headers)
    ann("PUT", f"{here}/parameters/most", {"parameter": {"value": 5}, "scope": "me"})
    for query in ("?scope=me", ""):
        ann("DELETE", f"{here}/parameters/most{query}")
    ann("PUT", f"{here}/parameters/most", {"parameter": knob})
    ann("DELETE", f"{here}/parameters/most", if_match='"1"')
    ann("GET", "/v1/home", if_none_match=ann("GET", "/v1/home").headers["etag"])
    ann("PUT", "/v1/pins/home", {"composition_id": here.rpartition("/")[2]})
    ann("GET", "/v1/pins")
    ann("GET", "/v1/home")
    for _ in range(3):
        tag = ann("GET", "/v1/contexts/home").headers["etag"]
    ann("GET", "/v1/contexts/home", if_none_match=tag)
    ann("DELETE", "/v1/pins/home")


def undo(ann: Witness) -> None:
    said = '{"turn": "turn-1"}'
    made = ann(
        "POST", "/v1/compositions", {"title": "T", "document": small()}, composition_origin=said
    )
    here = made.headers["location"]
    merge = {"content_type": "application/merge-patch+json", "if_match": '"1"'}
    ann("PUT", f"{here}/layer", {"body": {"n": 1}}, composition_origin=said, **merge)
    ann(
        "PUT",
        "/v1/pins/home",
        {"composition_id": made.json["composition_id"]},
        composition_origin=said,
    )
    ann("POST", "/v1/turns/turn-1/undo")


def look_back(ann: Witness, here: str) -> None:
    ann("GET", f"{here}/versions")
    version = ann("GET", f"{here}/versions/1").json
    ann("PATCH", f"{here}/versions/1", {"label": "First"})
    ann("GET", f"{here}/diff?from=1&to=2")
    ann("POST", f"{here}/restore", {"version": 1})
    path = f"/v1/documents/{version['content_hash']}"
    ann("GET", path, if_none_match=ann("GET", path).headers["etag"])


def share(ann: Witness, ben: Witness, here: str) -> None:
    ann("PUT", f"{here}/shares/{ben.client.id}", {"role": "viewer"})
    ann("GET", f"{here}/shares")
    ann("DELETE", f"{here}/shares/{ben.client.id}")
    link = ann("POST", f"{here}/links", {"role": "editor"})
    opened = ben("GET", f"/v1/links/{link.json['token']}")
    ben("GET", f"/v1/links/{link.json['token']}", if_none_match=opened.headers["etag"])
    ben("POST", f"/v1/links/{link.json['token']}/accept")
    ann("DELETE", link.headers["location"])


def organise(ann: Witness, ben: Witness, dan: Witness) -> str:
    there = ann("POST", "/v1/organizations", {"name": "Northwind"}).headers["location"]
    ann("PUT", f"{there}/members/{ben.client.id}", {"role": "member"})
    ann("PUT", f"{there}/members/{ben.client.id}", {"role": "admin"})
    invited = ann("POST", f"{there}/invitations", {"email": dan.client.email, "role": "member"})
    dan("POST", "/v1/invitations/accept", {"token": invited.json["token"]})
    invited = ann("POST", f"{there}/invitations", {"email": "new@example.com", "role": "member"})
    ann("GET", f"{there}/invitations")
    ann("DELETE", invited.headers["location"])
    return there


def hand_over(ann: Witness, ben: Witness, here: str, there: str) -> None:
    to = {"user_id": ben.client.id, "organization_id": there.rpartition("/")[2]}
    ann("POST", f"{here}/transfer", to)
    for end in ("undelete", "purge"):
        ben("DELETE", here, if_match=ben("GET", here).headers["etag"])
        ben("POST", f"{here}/{end}")
