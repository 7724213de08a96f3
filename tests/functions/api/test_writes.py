"""Writes: carried to the database once, and in force in the cache when they are answered."""

from __future__ import annotations

import json

import httpx
import pytest

from functions.api import calls
from tests.functions.api.client import Client
from tests.functions.api.conftest import create
from tests.people import NOBODY
from tests.samples import DEPTH_BOMB, NUMBER_BOMB, sample, small


@pytest.fixture(autouse=True)
def cold(store):
    """Begin with nothing cached."""


def load(client: Client, target: str) -> tuple[int, str | None]:
    """(version, source) of a load, or (status, None) of a refusal."""
    reply = client("GET", target)
    if reply.status != 200:
        return reply.status, None
    return reply.json["version"], reply.headers["x-cache"]


def warm(*clients: Client, target: str) -> None:
    """Have everybody's load in the cache, a refusal as well."""
    for client in clients:
        client("GET", target)
        reply = client("GET", target)
        assert reply.headers.get("x-cache") == ("hit" if reply.status == 200 else None)


def test_a_save_is_what_the_next_load_of_everybody_shows(ann, ben):
    target = create(ann)
    ann("PUT", f"{target}/shares/{ben.id}", {"role": "editor"})
    warm(ann, ben, target=target)
    tag = ben("GET", target).headers["etag"]

    saved = ben("PUT", target, {"document": small(n=2), "message": "Only two"}, if_match=tag)
    assert (saved.status, saved.json["version"]) == (200, 2)
    assert "x-cache" not in saved.headers
    for client in (ann, ben):
        assert load(client, target) == (2, "miss")
        assert load(client, target) == (2, "hit")
    assert ann("GET", target, if_none_match=tag).status == 200
    assert ann("GET", f"{target}/versions").json["items"][0]["message"] == "Only two"


def test_a_change_that_starts_from_another_version_is_told_the_head(ann):
    target = create(ann)
    ann("PUT", target, {"document": small(n=2)}, if_match='"1"')
    head = ann("GET", target)
    for method, body in (("PUT", {"document": small(n=3)}), ("DELETE", None)):
        reply = ann(method, target, body, if_match='"1"')
        assert reply.error == (412, "version_conflict")
        assert reply.json["head_version"] == 2
        assert reply.json["current"] == head.json
        assert head.body in reply.body
    assert ann("PUT", target, {"document": small(n=3)}, if_match=head.headers["etag"]).status == 200


def test_a_change_without_a_version_is_refused_before_anything_happens(ann):
    target = create(ann)
    for method, body in (("PUT", {"document": small()}), ("DELETE", None)):
        for headers in ({}, {"if_match": "*"}):
            assert ann(method, target, body, **headers).error == (428, "if_match_required")
    assert load(ann, target)[0] == 1


def test_who_may_not_change_it_is_told_so_and_who_may_not_see_it_is_not(ann, ben, people):
    target = create(ann)
    ann("PUT", f"{target}/shares/{ben.id}", {"role": "viewer"})
    save = {"document": small(n=2)}
    assert ben("PUT", target, save, if_match='"1"').error == (403, "composition_read_only")
    assert ben("DELETE", target, if_match='"1"').error == (403, "not_composition_owner")
    cleo = people("cleo")
    for version in ('"1"', '"9"'):
        for method, body in (("PUT", save), ("DELETE", None)):
            assert cleo(method, target, body, if_match=version).error == (
                404,
                "composition_not_found",
            )
    assert load(ann, target)[0] == 1


def test_the_life_of_a_composition_is_seen_by_all_at_once(ann, ben):
    target = create(ann)
    ann("PUT", f"{target}/shares/{ben.id}", {"role": "viewer"})
    ann("PUT", target, {"document": small(n=2)}, if_match='"1"')

    def seen(version: int) -> None:
        assert load(ann, target)[0] == load(ben, target)[0] == version
        warm(ann, ben, target=target)

    seen(2)
    assert ann("POST", f"{target}/restore", {"version": 1}).status == 200
    seen(3)
    assert ann("PATCH", f"{target}/metadata", {"title": "Another"}).status == 200
    assert ben("GET", target).json["title"] == "Another"
    seen(3)
    assert ann("DELETE", target, if_match='"3"').status == 200
    assert load(ann, target) == (410, None)
    assert load(ben, target) == (404, None)
    assert load(ben, target) == (404, None)
    assert ann("POST", f"{target}/undelete").status == 200
    seen(3)
    ann("DELETE", target, if_match='"3"')
    assert ann("POST", f"{target}/purge", {}).status == 200
    assert load(ann, target) == load(ben, target) == (404, None)


def test_a_right_is_gone_when_who_took_it_is_told_so(ann, ben, people):
    target = create(ann)
    cleo = people("cleo")
    made = ann("POST", "/v1/organizations", {"name": "Northwind"})
    northwind = made.json["organization_id"]
    member = f"{made.headers['location']}/members/{cleo.id}"
    assert ann("PUT", member, {"role": "member"}).status == 200
    link = ann("POST", f"{target}/links", {"role": "viewer"})
    by_person = f"{target}/shares/{ben.id}"
    by_organization = f"{target}/shares/{northwind}"

    for person, give, take in (
        (ben, ("PUT", by_person, {"role": "viewer"}), ("DELETE", by_person)),
        (ben, ("POST", f"/v1/links/{link.json['token']}/accept"), ("DELETE", by_person)),
        (
            ben,
            ("POST", f"/v1/links/{link.json['token']}/accept"),
            ("DELETE", link.headers["location"]),
        ),
        (
            cleo,
            ("PUT", by_organization, {"role": "viewer", "grantee": "organization"}),
            ("DELETE", f"{by_organization}?grantee=organization"),
        ),
        (
            cleo,
            ("PUT", by_organization, {"role": "viewer", "grantee": "organization"}),
            ("DELETE", member),
        ),
    ):
        warm(person, target=target)
        assert load(person, target) == (404, None)
        who = person if give[1].endswith("/accept") else ann
        assert who(*give).status == 200, give
        assert load(person, target) == (1, "miss")
        warm(person, target=target)
        assert ann(*take).status == 200, take
        assert load(person, target) == (404, None), take


def test_a_link_is_revoked_at_once_whichever_composition_the_path_names(ann, ben):
    target, other = create(ann), create(ann)
    link = ann("POST", f"{target}/links", {"role": "viewer"}).json
    assert ben("POST", f"/v1/links/{link['token']}/accept").status == 200
    warm(ben, target=target)
    assert ann("DELETE", f"{other}/links/{link['link_id']}").status == 200
    assert load(ben, target) == (404, None)


def test_nobody_removes_members_of_what_is_not_theirs(ann, ben, people):
    cleo = people("cleo")
    here = ann("POST", "/v1/organizations", {"name": "Northwind"}).headers["location"]
    ann("PUT", f"{here}/members/{ben.id}", {"role": "member"})
    for stranger, who in ((cleo, ben), (cleo, cleo), (cleo, ann)):
        refused = stranger("DELETE", f"{here}/members/{who.id}")
        assert refused.error == (404, "organization_not_found")
    assert ben("DELETE", f"{here}/members/{ann.id}").error == (403, "organization_role_too_low")
    assert ann("DELETE", f"{here}/members/{ann.id}").error == (409, "last_owner")
    assert ann("DELETE", f"{here}/members/{cleo.id}").error == (404, "member_not_found")


def test_what_is_more_than_can_be_looked_through_is_said_to_be_pending(ann, ben, monkeypatch):
    monkeypatch.setattr(calls, "_PAGE", 1)
    made = ann("POST", "/v1/organizations", {"name": "Northwind"})
    here, northwind = made.headers["location"], made.json["organization_id"]
    for many, status in ((5, 200), (6, 202)):
        ann("PUT", f"{here}/members/{ben.id}", {"role": "member"})
        for _ in range(many):
            create(ben, small(), organization_id=northwind)
        assert ben("DELETE", f"{here}/members/{ben.id}").status == status


def test_members_come_change_and_go_at_once(ann, ben, people):
    made = ann("POST", "/v1/organizations", {"name": "Northwind"})
    here, northwind = made.headers["location"], made.json["organization_id"]
    target = create(ann, organization_id=northwind)

    def role(client: Client) -> str | None:
        reply = client("GET", target)
        return reply.json["role"] if reply.status == 200 else None

    warm(ben, target=target)
    for wanted, expected in (("member", "viewer"), ("admin", "owner"), ("member", "viewer")):
        reply = ann("PUT", f"{here}/members/{ben.id}", {"role": wanted})
        assert (reply.status, reply.json["role"]) == (200, wanted)
        assert role(ben) == expected
        warm(ben, target=target)
    assert ben("DELETE", f"{here}/members/{ben.id}").status == 200
    assert role(ben) is None

    invited = ann("POST", f"{here}/invitations", {"email": ben.email, "role": "member"})
    assert invited.status == 201
    assert len(ann("GET", f"{here}/invitations").json) == 1
    warm(ben, target=target)
    accepted = ben("POST", "/v1/invitations/accept", {"token": invited.json["token"]})
    assert accepted.status == 200
    assert role(ben) == "viewer"

    dan = people("dan")
    invited = ann("POST", f"{here}/invitations", {"email": dan.email, "role": "member"})
    assert ann("DELETE", invited.headers["location"]).status == 200
    refused = dan("POST", "/v1/invitations/accept", {"token": invited.json["token"]})
    assert refused.error == (404, "invitation_not_found")


def test_what_somebody_owned_where_they_leave_has_another_owner_for_everybody(ann, ben):
    made = ann("POST", "/v1/organizations", {"name": "Northwind"})
    here, northwind = made.headers["location"], made.json["organization_id"]
    for leave in (ben, ann):
        ann("PUT", f"{here}/members/{ben.id}", {"role": "member"})
        target = create(ben, organization_id=northwind)
        warm(ann, ben, target=target)
        assert ann("GET", target).json["owner_id"] == ben.id
        assert leave("DELETE", f"{here}/members/{ben.id}").status == 200
        assert ann("GET", target).json["owner_id"] == ann.id
        assert load(ben, target) == (404, None)


def test_an_account_is_gone_at_once_with_what_was_its_own(ann, ben):
    target = create(ann)
    ann("PUT", f"{target}/shares/{ben.id}", {"role": "viewer"})
    warm(ann, ben, target=target)
    wrong = ann("DELETE", "/v1/account", {"email": ben.email})
    assert wrong.status == 422
    assert ann("DELETE", "/v1/account", {"email": ann.email}).status == 200
    assert load(ben, target) == (404, None)
    assert ann("GET", target).status in {401, 404}
    assert ann("POST", "/v1/compositions", {"title": "T", "document": small()}).error == (
        401,
        "account_not_found",
    )


def test_who_takes_over_where_an_account_ends_is_an_owner_at_once(ann, ben, people):
    made = ann("POST", "/v1/organizations", {"name": "Northwind"})
    here, northwind = made.headers["location"], made.json["organization_id"]
    cleo = people("cleo")
    for person in (ben, cleo):
        ann("PUT", f"{here}/members/{person.id}", {"role": "member"})
    target = create(cleo, organization_id=northwind)
    warm(ben, target=target)
    assert ben("GET", target).json["role"] == "viewer"

    gone = ann("DELETE", "/v1/account", {"email": ann.email})
    assert (gone.status, gone.json) == (200, {"user_id": ann.id, "owner_ids": [ben.id]})
    assert ben("GET", target).json["role"] == "owner"


def test_a_write_with_a_key_happens_once(ann):
    target = create(ann)
    body = {"document": small(n=2)}
    replies = [ann("PUT", target, body, if_match='"1"', idempotency_key="one") for _ in range(3)]
    assert [reply.status for reply in replies] == [200] * 3
    assert {reply.body for reply in replies} == {replies[0].body}
    assert load(ann, target)[0] == 2
    other = ann("PUT", target, {"document": small(n=3)}, if_match='"2"', idempotency_key="one")
    assert other.error == (422, "idempotency_key_reused")

    new = {"title": "T", "document": small(n=4)}
    made = [ann("POST", "/v1/compositions", new, idempotency_key="two") for _ in range(2)]
    assert made[0].headers["location"] == made[1].headers["location"]
    assert [reply.status for reply in made] == [201, 201]

    here = ann("POST", "/v1/organizations", {"name": "Northwind"}).headers["location"]
    member = f"{here}/members/{ann.id}"
    ann("PUT", member, {"role": "owner"}, idempotency_key="three")
    for _ in range(2):
        reply = ann("PUT", member, {"role": "owner"}, idempotency_key="three")
        assert (reply.status, reply.json["role"]) == (200, "owner")


def test_a_repeat_brings_no_member_back_and_changes_no_role_again(ann, ben):
    here = ann("POST", "/v1/organizations", {"name": "Northwind"}).headers["location"]
    member = f"{here}/members/{ben.id}"

    def put(role: str, key: str) -> tuple[int, str]:
        reply = ann("PUT", member, {"role": role}, idempotency_key=key)
        return reply.status, reply.json.get("role") or reply.json["error"]

    assert put("member", "came") == (200, "member")
    assert put("admin", "rose") == (200, "admin")
    assert put("member", "came") == (200, "member"), "as it was answered"
    assert put("admin", "came") == put("owner", "rose") == (422, "idempotency_key_reused")
    assert ann("DELETE", member).json["role"] == "admin"
    assert put("admin", "rose") == (200, "admin"), "as it was answered"
    assert ann("DELETE", member).error == (404, "member_not_found")


def test_a_key_that_makes_a_secret_does_not_tell_it_twice(ann):
    target = create(ann)
    first = ann("POST", f"{target}/links", {"role": "viewer"}, idempotency_key="link")
    assert first.status == 201
    second = ann("POST", f"{target}/links", {"role": "viewer"}, idempotency_key="link")
    assert second.error == (409, "secret_not_repeated")
    assert first.json["token"] not in second.body.decode()
    assert len(ann("GET", f"{target}/shares").json) == 1


@pytest.mark.parametrize("key", ["", "x" * 201, "é", "a\tb"])
def test_a_key_that_is_none_is_refused(ann, key):
    reply = ann("POST", "/v1/organizations", {"name": "N"}, idempotency_key=key or "\0")
    assert reply.status == 422
    assert key.strip() == "" or key not in reply.body.decode()


def test_without_the_cache_writes_happen_and_say_that_they_are_pending(ann, ben, without_cache):
    client = ann.through(without_cache)
    made = client("POST", "/v1/compositions", {"title": "T", "document": small()})
    assert made.status == 201, "nobody can have cached it"
    target = made.headers["location"]
    for method, path, body, headers in (
        ("PUT", target, {"document": small(n=2)}, {"if_match": '"1"'}),
        ("PATCH", f"{target}/metadata", {"title": "Another"}, {}),
        ("PUT", f"{target}/shares/{ben.id}", {"role": "viewer"}, {}),
        ("DELETE", target, None, {"if_match": '"2"'}),
    ):
        reply = client(method, path, body, **headers)
        assert (reply.status, reply.headers["x-cache"]) == (202, "pending")
    refused = client("PUT", target, {"document": small()}, if_match='"2"')
    assert refused.error == (410, "composition_trashed")


def test_a_write_of_which_nobody_knows_keeps_the_cache_out_until_somebody_does(ann, deploy):
    target = create(ann)
    warm(ann, target=target)
    deployment = deploy()

    async def lose(response):
        raise httpx.ReadError("lost on the way")

    deployment.parts.http.event_hooks["response"].append(lose)
    lost = ann.through(deployment.handler)(
        "PUT", target, {"document": small(n=2)}, if_match='"1"', idempotency_key="lost"
    )
    assert lost.error == (503, "database_unavailable")
    assert load(ann, target) == (2, "bypass")
    again = ann("PUT", target, {"document": small(n=2)}, if_match='"1"', idempotency_key="lost")
    assert (again.status, again.json["version"]) == (200, 2)
    assert load(ann, target)[0] == 2


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1e400", "number_out_of_range"),
        (NUMBER_BOMB, "number_out_of_range"),
        ("12345678901234567890", "number_out_of_range"),
        ("[" * 100 + "]" * 100, "too_deep"),
    ],
    ids=["1e400", "numbers", "digits", "depth"],
)
def test_what_python_would_change_reaches_the_validator_as_it_is(ann, text, code):
    document = f'{{"format": "composition/1", "dialect": "json", "body": {{"x": {text}}}}}'
    for method, path, more in (
        ("POST", "/v1/documents/validate", ""),
        ("POST", "/v1/compositions", '"title": "T", '),
    ):
        for key in ("", "key"):
            reply = ann(method, path, f'{{{more}"document": {document}}}', idempotency_key=key)
            assert [found["code"] for found in reply.json["problems"]] == [code], reply.body
    assert reply.error == (422, "invalid_document")


def test_digits_survive_with_a_key_as_well_as_without(ann):
    for key in ("", "digits"):
        document = json.dumps(small(n=7)).replace("7", "1.10")
        body = f'{{"title": "T", "document": {document}}}'
        made = ann("POST", "/v1/compositions", body, idempotency_key=key)
        assert b'"n": 1.10' in ann("GET", made.headers["location"]).body


def test_a_document_that_cannot_be_read_is_refused_before_it_is_sent(ann):
    reply = ann("POST", "/v1/documents/validate", f'{{"document": {DEPTH_BOMB}}}')
    assert reply.error == (413, "too_deep")
    reply = ann("POST", "/v1/documents/validate", {"document": "\0"})
    assert reply.error == (422, "invalid_argument")


def test_history_is_read_and_named(ann):
    target = create(ann)
    ann("PUT", target, {"document": small(n=2)}, if_match='"1"')
    page = ann("GET", f"{target}/versions?limit=1").json
    assert [item["version"] for item in page["items"]] == [2]
    page = ann("GET", f"{target}/versions?limit=1&after={page['next']}").json
    assert [item["version"] for item in page["items"]] == [1]
    assert ann("GET", f"{target}/versions/1").json["document"] == sample()
    assert ann("GET", f"{target}/versions/3").error == (404, "version_not_found")
    difference = ann("GET", f"{target}/diff?from=1&to=2").json
    assert difference["patch"]
    assert difference["sentences"]
    named = ann("PATCH", f"{target}/versions/1", {"label": "The one we showed"})
    assert named.json["label"] == "The one we showed"
    assert ann("PATCH", f"{target}/versions/1", {"label": None}).json["label"] is None
    assert ann("PATCH", f"{target}/versions/1", {}).error == (422, "invalid_request")


def test_lists_are_filtered_and_paged(ann, ben):
    kept = [create(ann, tags=["kept"]), create(ann, tags=["kept"]), create(ann)][:2]
    ann("PUT", f"{kept[0]}/shares/{ben.id}", {"role": "viewer"})
    assert len(ann("GET", "/v1/compositions").json["items"]) == 3
    assert len(ann("GET", f"/v1/compositions?owner_id={ann.id}&shared=false").json["items"]) == 3
    page = ann("GET", "/v1/compositions?tag=kept&limit=1").json
    assert len(page["items"]) == 1
    page = ann("GET", f"/v1/compositions?tag=kept&limit=1&after={page['next']}").json
    assert [len(page["items"]), page["next"]] == [1, None]
    assert len(ben("GET", "/v1/compositions?shared=true").json["items"]) == 1
    assert ann("GET", "/v1/compositions?trashed=true").json["items"] == []
    for query in ("limit=0", "limit=x", "after=nothing", "shared=maybe", "owner_id=me", "owner=x"):
        assert ann("GET", f"/v1/compositions?{query}").status == 422


def test_forks_and_transfers(ann, ben):
    target = create(ann)
    assert ben("POST", f"{target}/fork", {}).error == (404, "composition_not_found")
    ann("PUT", f"{target}/shares/{ben.id}", {"role": "viewer"})
    fork = ben("POST", f"{target}/fork", {"title": "Mine"})
    assert fork.status == 201
    assert ben("GET", fork.headers["location"]).json["role"] == "owner"

    here = ann("POST", "/v1/organizations", {"name": "Northwind"})
    northwind = here.json["organization_id"]
    ann("PUT", f"{here.headers['location']}/members/{ben.id}", {"role": "member"})
    warm(ann, ben, target=target)
    given = ann("POST", f"{target}/transfer", {"user_id": ben.id, "organization_id": northwind})
    assert (given.status, given.json["owner_id"]) == (200, ben.id)
    assert ben("GET", target).json["role"] == "owner"
    assert ann("POST", f"/v1/compositions/{NOBODY}/transfer", {}).error[0] == 404


def test_all_that_is_held_about_somebody_is_handed_out(ann):
    create(ann)
    data = ann("GET", "/v1/account/data").json
    assert data["account"]["user_id"] == ann.id
    assert len(data["compositions"]) == 1
    assert ann("GET", "/v1/account/data?limit=1").json["compositions"]
