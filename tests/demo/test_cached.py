"""The acts about cached loads, with functions that have something wrong with them: they notice."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from demo import functions as demo_functions
from demo.acts import cached
from devstack.stack import Addresses

AUDITED = {"stopped": None, "checked": 1, "mismatches": 0}


class Functions:
    """What stands in for the functions: PostgREST, with a fault in between.

    Args:
        addresses: Of the database behind it.
        fault: What is wrong, in words; empty: nothing.
        audited: What the audit reports.
    """

    def __init__(self, addresses: Addresses, fault: str = "", **audited: Any) -> None:
        self.fault = fault
        self._addresses = addresses
        self._audited = AUDITED | audited
        self._kept: dict[tuple[str, str], httpx.Response] = {}
        self._hidden = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/invocations"):
            return httpx.Response(200, json=self._audited)
        if self.fault == "broken":
            return httpx.Response(502, text="Internal Server Error")
        if request.method == "GET":
            return self._load(request)
        return self._write(request)

    def _load(self, request: httpx.Request) -> httpx.Response:
        who = "anybody" if self.fault == "one for all" else request.headers["authorization"]
        key = who, request.url.path
        kept, self._hidden = self._kept.get(key), self._hidden - 1
        tag = request.headers.get("if-none-match")
        if tag and self.fault == "always unchanged":
            return httpx.Response(304, headers={"x-cache": "hit", "etag": tag})
        if kept and (self._hidden >= 0 or self.fault in self._keeping(kept)):
            return kept
        answer = self._call(request, *_asked(request.url.path))
        if answer.is_success:
            loaded = answer.json()
            tag = f'"{loaded["version"]}.{loaded["etag"]}-br"'
            is_kept = self.fault != "keeps nothing" and kept and kept.headers.get("etag") == tag
            headers = {"x-cache": "hit" if is_kept else "miss", "etag": tag}
            answer = httpx.Response(200, json=loaded, headers=headers)
        self._kept[key] = answer
        return answer

    def _keeping(self, kept: httpx.Response) -> list[str]:
        return ["keeps answers", "one for all"] if kept.is_success else ["keeps refusals"]

    def _write(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content or b"{}")
        _, _, resource, name, *inner = request.url.path.split("/")
        composition = {"composition_id": name}
        version = {"base_version": int(request.headers.get("if-match", '"0"').strip('"'))}
        match resource, request.method, *inner:
            case "pins", "PUT":
                answer = self._call(request, "pin_composition", {"context": name} | body)
            case "pins", "DELETE":
                answer = self._call(request, "unpin_composition", {"context": name})
            case _, "PATCH", "layer":
                layer = version | {"patch": body, "format": "merge-patch", "mode": "extend"}
                answer = self._call(request, "set_layer", composition | layer)
            case _, "DELETE", "layer":
                answer = self._call(request, "reset_layer", composition)
            case _, "PUT", "shares", grantee:
                share = {"user_id": grantee, "role": body["role"]}
                answer = self._call(request, "share_composition", composition | share)
            case _, "DELETE", "shares", grantee:
                if self.fault == "keeps shares":
                    return httpx.Response(204)
                share = {"user_id": grantee}
                answer = self._call(request, "unshare_composition", composition | share)
            case _:
                if self.fault == "overwrites":
                    loaded = self._call(request, "load_composition", composition)
                    version = {"base_version": loaded.json()["version"]}
                answer = self._save(request, composition | version, body)
        if self.fault == "late" and answer.is_success:
            self._hidden = 3
            return httpx.Response(202, content=answer.content)
        return answer

    def _save(self, request: httpx.Request, arguments: Any, body: Any) -> httpx.Response:
        if request.method == "PUT":
            answer = self._call(request, "save_version", arguments | body)
            change = {"document": body["document"]}
        else:
            change = {"patch": body, "format": "merge-patch"}
            how = dict(request.url.params)
            answer = self._call(request, "patch_composition", arguments | change | how)
        if answer.status_code != 409:
            return answer
        shown = self._call(request, "preview_merge", arguments | change).json()
        if self.fault == "merges nothing":
            shown.pop("merged", None)
        return httpx.Response(412, json=answer.json() | shown)

    def _call(self, request: httpx.Request, function: str, arguments: Any) -> httpx.Response:
        answer = httpx.post(
            f"{self._addresses['supabase_url']}/rest/v1/rpc/{function}",
            json=arguments,
            headers={
                "apikey": self._addresses["anon_key"],
                "authorization": request.headers["authorization"],
            },
            timeout=30,
            verify=False,
        )
        if answer.is_success:
            return httpx.Response(200, content=answer.content)
        problem = answer.json()
        code = json.loads(problem["details"])["code"]
        error = {"error": code, "message": problem["message"], "hint": problem["hint"]}
        return httpx.Response(answer.status_code, json=error)


def _asked(path: str) -> tuple[str, dict[str, str]]:
    """The function that answers what a path asks for, and its arguments."""
    _, _, resource, *names = path.split("/")
    if resource == "home":
        return "load_home", {}
    if resource == "contexts":
        return "resolve_context", {"context": names[0]}
    return "load_composition", {"composition_id": names[0]}


@pytest.fixture
def play(perform, stack, monkeypatch):
    """Play the acts through functions with a fault, two documents being there."""
    monkeypatch.setattr(cached, "_LOADS_EACH", 15)
    monkeypatch.setattr(cached, "_SAVE_ONE_IN", 10)
    monkeypatch.setattr(demo_functions, "PATIENCE_SECONDS", 0.3)

    def start(fault="", acts="cached", **audited):
        functions = Functions(stack.addresses, fault, **audited)

        def connect(**settings):
            return httpx.Client(transport=httpx.MockTransport(functions), **settings)

        for module in (cached, demo_functions):
            monkeypatch.setattr(module, "httpx", SimpleNamespace(Client=connect))
        urls = {"functions_url": "http://functions", "invoke_url": "http://invoke"}
        return perform(acts, **urls).outcome

    return start


def test_with_functions_that_are_right_nothing_fails(play):
    outcome = play()

    assert outcome.failures == []
    assert len(outcome.acts) == 4
    assert sum(map(len, outcome.loads.values())) > 30
    assert len(outcome.lags) == 5 + 3, "of both documents, with everybody who may see them"
    assert outcome.refusals["a stale PUT", "412", "version_conflict"] == 3
    assert outcome.refusals["who loads after the share", "404", "composition_not_found"] == 2


def test_a_write_that_is_seen_late_and_says_so_is_no_failure(play):
    assert play("late").failures == []


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        ("keeps answers", "what the database has not: "),
        ("keeps answers", "was not refused"),
        ("keeps answers", "for ann, what was saved directly is not loaded after 0.3 s"),
        ("keeps refusals", "shared, took back at once: composition_not_found: "),
        ("overwrites", "a stale PUT was not refused"),
        ("one for all", "what the database has not: etag, role"),
        ("always unchanged", "loads through the functions (unchanged)"),
        ("keeps shares", "who loads after the share was not refused"),
        ("broken", "loaded through the functions: no_answer: Internal Server Error"),
    ],
)
def test_what_does_not_hold_is_noticed(play, fault, failure):
    failures = play(fault).failures

    assert any(failure in found for found in failures), failures


def test_first_pages_patches_and_layers_that_are_right_are_no_failure(play):
    outcome = play(acts="personal home")

    assert outcome.failures == []
    assert len(outcome.acts) == 7 + 4
    assert outcome.refusals["a stale PATCH", "412", "version_conflict"] == 2
    assert outcome.refusals["who unpinned it", "404", "nothing_pinned"] == 1
    assert len(outcome.loads["hit"]) >= 10


def test_pins_and_layers_that_are_seen_late_and_say_so_are_no_failure(play):
    assert play("late", "personal home").failures == []


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        ("keeps answers", "topic:today: ann loads through the functions (miss) what the database"),
        ("keeps answers", "home: cleo loads through the functions (miss) what the database"),
        ("keeps refusals", "pinned and saw it at once: nothing_pinned: "),
        ("keeps nothing", "topic:today: ann loads it, and never from the cache: ['miss', "),
        ("merges nothing", "a stale PATCH is answered with the merge None, not"),
        ("overwrites", "a stale PATCH was not refused"),
        ("one for all", "loads through the functions (miss) what the database has not: "),
    ],
)
def test_what_does_not_hold_of_pages_patches_and_layers_is_noticed(play, fault, failure):
    failures = play(fault, "personal home").failures

    assert any(failure in found for found in failures), failures


def test_a_mismatch_that_the_audit_reports_is_a_failure(play):
    assert play(mismatches=2).failures == ["the audit found mismatches: 2, not 0"]


def test_an_audit_of_nothing_is_a_failure(play):
    assert play(checked=0).failures == ["the audit found nothing in the cache"]
