"""Forks that take over what became of what they were made from."""

from __future__ import annotations

from typing import Any

import pytest

from tests.functions.api.client import Client
from tests.functions.api.conftest import create
from tests.samples import small


@pytest.fixture
def fork(ann: Client, ben: Client) -> tuple[str, str]:
    """A composition of ann's, and ben's fork of it."""
    target = create(ann, small(n=1, m=1))
    ann("PUT", f"{target}/shares/{ben.id}", {"role": "viewer"})
    return target, ben("POST", f"{target}/fork", {}).headers["location"]


def body(client: Client, target: str) -> Any:
    """What is shown of a composition; holds the cache to the database."""
    first, second = client("GET", target), client("GET", target)
    assert first.body == second.body
    assert second.headers["x-cache"] == "hit"
    return first.json["document"]["body"]


def test_a_fork_takes_over_what_was_changed_and_shows_it_at_once(ann, ben, fork):
    target, mine = fork
    upstream = f"{mine}/upstream"
    assert ben("GET", upstream).json["up_to_date"] is True
    ann("PUT", target, {"document": small(n=2, m=1)}, if_match='"1"')
    ben("PUT", mine, {"document": small(n=1, m=5)}, if_match='"1"')
    assert body(ben, mine) == {"n": 1, "m": 5}
    preview = ben("GET", upstream).json
    assert (preview["merged"]["body"], preview["conflicts"]) == ({"n": 2, "m": 5}, [])
    stale = ben("POST", upstream, {}, if_match='"1"')
    assert stale.error == (412, "version_conflict")
    assert stale.json["current"]["version"] == 2
    for _ in range(2):
        taken = ben("POST", upstream, {"message": "Theirs"}, idempotency_key="up")
        assert (taken.status, taken.json["version"], taken.json["merged"]) == (200, 3, True)
    assert body(ben, mine) == {"n": 2, "m": 5}
    again = ben("POST", upstream)
    assert (again.status, again.json["up_to_date"], again.json["version"]) == (200, True, 3)


def test_what_both_have_changed_is_told_or_kept(ann, ben, fork):
    target, mine = fork
    ann("PUT", target, {"document": small(n=2, m=2)}, if_match='"1"')
    ben("PUT", mine, {"document": small(n=3, m=1)}, if_match='"1"')
    refused = ben("POST", f"{mine}/upstream", {})
    assert refused.error == (409, "merge_conflict")
    assert [conflict["path"] for conflict in refused.json["conflicts"]] == ["/body/n"]
    assert ben("POST", f"{mine}/upstream", {"on_conflict": "keep"}).status == 200
    assert body(ben, mine) == {"n": 3, "m": 2}


def test_what_is_no_fork_or_of_nothing_that_is_seen_has_no_upstream(ann, ben, fork):
    target, mine = fork
    ann("DELETE", f"{target}/shares/{ben.id}")
    for client, path in ((ann, target), (ben, mine)):
        assert client("GET", f"{path}/upstream").error == (404, "upstream_not_found")
        assert client("POST", f"{path}/upstream").error == (404, "upstream_not_found")
    assert ben("POST", f"{target}/upstream").error == (404, "composition_not_found")
