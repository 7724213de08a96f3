"""What a backend or an agent does with supabase-py."""

import hashlib
import json
import uuid

import httpx
import jwt
import pytest

from bench.measure import private_memory
from tests.clients.conftest import refused_by_api
from tests.samples import DEPTH_BOMB, NUMBER_BOMB, SMALLEST, sample, small


def call(client, function, **arguments):
    return client.rpc(function, arguments).execute().data


def user_id(client):
    return client.auth.get_user().user.id


def test_save_share_conflict_restore(new_client):
    ann, ben, cy = (new_client(name) for name in ("ann", "ben", "cy"))

    made = call(ann, "create_composition", title="Video library", document=sample())
    id_ = made["composition_id"]
    call(ann, "save_version", composition_id=id_, base_version=1, document=small(n=2))
    call(ann, "share_composition", composition_id=id_, user_id=user_id(ben), role="editor")

    saved = call(ben, "save_version", composition_id=id_, base_version=2, document=small(n=3))
    assert saved["version"] == 3
    with refused_by_api("PT409") as error:
        call(ann, "save_version", composition_id=id_, base_version=2, document=small(n=4))
    assert json.loads(error["details"]) == {"code": "version_conflict", "head_version": 3}
    with refused_by_api("PT404") as error:
        call(cy, "load_composition", composition_id=id_)
    assert json.loads(error["details"]) == {"code": "composition_not_found"}

    call(ann, "restore_version", composition_id=id_, version=1)
    assert call(ben, "load_composition", composition_id=id_)["document"] == sample()


def test_json_in_a_query_string_is_a_string(new_client):
    ann, document = new_client("ann"), {"document": json.dumps(SMALLEST)}
    (problem,) = ann.rpc("validate_document", document, get=True).execute().data["problems"]
    assert (problem["code"], problem["path"]) == ("wrong_type", "")
    assert call(ann, "validate_document", document=SMALLEST)["valid"]


def test_a_link_opens_without_a_user_and_makes_an_editor_of_one(addresses, connect, new_client):
    ann, ben, nobody = new_client("ann"), new_client("ben"), connect(addresses)
    made = call(ann, "create_composition", title="Video library", document=sample())
    id_ = made["composition_id"]
    link = call(ann, "create_share_link", composition_id=id_, role="editor")
    token = {"token": link["token"]}

    opened = call(nobody, "open_share_link", **token)
    assert (opened["composition_id"], opened["role"], opened["document"]) == (
        id_,
        "editor",
        sample(),
    )
    assert nobody.rpc("open_share_link", token, get=True).execute().data == opened
    assert call(ben, "open_share_link", **token) == opened
    with refused_by_api("42501"):
        call(nobody, "load_composition", composition_id=id_)
    with refused_by_api("42501"):
        call(nobody, "accept_share_link", **token)

    call(ben, "accept_share_link", **token)
    assert call(ben, "save_version", composition_id=id_, base_version=1, document=small())
    assert call(nobody, "open_share_link", **token)["document"] == small()

    (row,) = ann.table("shared_compositions").select("*").is_("user_id", "null").execute().data
    assert row["token_hash"] == "\\x" + hashlib.sha256(link["token"].encode()).hexdigest()
    assert link["token"] not in str(row)

    call(ann, "revoke_share_link", link_id=link["link_id"])
    for unknown in (link["token"], "A" * 43, "A" * 100_000, "", None):
        with refused_by_api("PT404") as error:
            call(nobody, "open_share_link", token=unknown)
        assert json.loads(error["details"]) == {"code": "link_not_found"}
    with refused_by_api("PT404"):
        call(ben, "load_composition", composition_id=id_)


def test_an_invitation_is_accepted_by_the_account_with_its_address(connect, addresses, new_client):
    ann, cy, ben = new_client("ann"), new_client("cy"), connect(addresses)
    northwind = call(ann, "create_organization", name="Northwind")["organization_id"]
    email = f"Ben-{uuid.uuid4()}@example.com"
    invitation = call(
        ann, "invite_to_organization", organization_id=northwind, email=email, role="member"
    )

    with refused_by_api("PT404") as error:
        call(cy, "accept_invitation", token=invitation["token"])
    assert json.loads(error["details"]) == {"code": "invitation_not_found"}
    ben.auth.sign_up({"email": email, "password": uuid.uuid4().hex})
    assert call(ben, "accept_invitation", token=invitation["token"])["role"] == "member"

    names = ben.table("organizations").select("name").execute().data
    assert names == [{"name": "Northwind"}]
    with refused_by_api("42501"):
        ann.table("organization_invitations").select("email").execute()


def test_tables_answer_under_row_level_security(new_client):
    ann, ben = new_client("ann"), new_client("ben")
    id_ = call(ann, "create_composition", title="Mine", document=SMALLEST)["composition_id"]

    assert [row["id"] for row in ann.table("user_compositions").select("id").execute().data] == [
        id_
    ]
    assert ben.table("user_compositions").select("id", count="exact").execute().count == 0
    changed = ann.table("user_compositions").update({"title": "New"}).eq("id", id_).execute()
    assert changed.data[0]["title"] == "New"
    assert ben.table("user_compositions").update({"title": "x"}).eq("id", id_).execute().data == []
    with refused_by_api("42501"):
        ann.table("user_compositions").update({"owner_id": user_id(ben)}).eq("id", id_).execute()
    with refused_by_api("42501"):
        ann.table("user_compositions").delete().eq("id", id_).execute()


def test_lists_are_filtered_and_their_mistakes_named(new_client):
    ann = new_client("ann")
    for title in ("Café", "Tea"):
        call(ann, "create_composition", title=title, document=SMALLEST)

    listed = call(ann, "list_my_compositions", filter={"search": "cafe"}, row_limit=1)
    assert ([item["title"] for item in listed["items"]], listed["next"]) == (["Café"], None)
    assert len(call(ann, "list_my_compositions", filter=None)["items"]) == 2
    with refused_by_api("PT422") as error:
        call(ann, "list_my_compositions", filter={"shared": "yes"})
    assert json.loads(error["details"])["key"] == "shared"


def test_a_job_reports_loads_and_asks_what_is_popular(new_client, addresses, connect):
    ann, job = new_client("ann"), connect(addresses, "service_role_key")
    id_ = call(ann, "create_composition", title="Mine", document=SMALLEST)["composition_id"]

    reported = call(job, "record_usage", entries=[{"composition_id": id_, "loads": 10**8}])

    assert reported == {"recorded": 1}
    assert call(job, "popular_compositions", row_limit=1)[0]["composition_id"] == id_
    assert ann.table("composition_usage").select("loads").execute().data == [{"loads": 10**8}]
    with refused_by_api("42501"):
        call(ann, "record_usage", entries=[])


def test_a_load_says_in_a_header_until_when_it_may_be_kept(new_client, addresses):
    ann, ben = new_client("ann"), new_client("ben")
    id_ = call(ann, "create_composition", title="Mine", document=SMALLEST)["composition_id"]
    share = {"composition_id": id_, "user_id": user_id(ben), "role": "viewer"}
    call(ann, "share_composition", **share, expires_at="2100-01-01T00:00:00Z")
    url = f"{addresses['supabase_url']}/rest/v1/rpc/load_composition"
    body = {"composition_id": id_}

    for client, until in ((ann, None), (ben, "4102444800000")):
        token = client.auth.get_session().access_token
        headers = {"apikey": addresses["anon_key"], "Authorization": f"Bearer {token}"}
        posted = httpx.post(url, headers=headers, json=body)
        got = httpx.get(url, headers=headers, params=body)
        for response in (posted, got):
            assert response.headers.get("Access-Until") == until
            assert response.json()["document"] == SMALLEST


def test_an_embedded_table_shows_no_more_than_the_table_itself(new_client):
    ann, ben = new_client("ann"), new_client("ben")
    call(ann, "create_composition", title="Mine", document=small(secret=1))
    shared = call(ann, "create_composition", title="Shared", document=small(shared=1))
    call(
        ann,
        "share_composition",
        composition_id=shared["composition_id"],
        user_id=user_id(ben),
        role="viewer",
    )

    with refused_by_api("42501"):
        ben.table("user_compositions").select("compositions(document)").execute()
    rows = (
        ben.table("user_compositions").select("title, composition_versions(version)").execute().data
    )

    assert rows == [
        {
            "title": "Shared",
            "composition_versions": [{"version": 1}],
        }
    ]


@pytest.fixture
def rpc(addresses, new_client):
    """Post a raw body to a function, as somebody who is signed in."""
    token = new_client("ann").auth.get_session().access_token
    headers = {"apikey": addresses["anon_key"], "content-type": "application/json"}

    with httpx.Client(base_url=addresses["supabase_url"] + "/rest/v1/rpc/") as http:
        yield lambda function, body, token=token: http.post(
            function, content=body, headers=headers | {"authorization": f"Bearer {token}"}
        )


@pytest.mark.parametrize(
    ("document", "status", "code"),
    [
        (NUMBER_BOMB, 422, "PT422"),
        (DEPTH_BOMB, 422, "PT422"),
        ('{"format":"composition/1","dialect":"json","body":{"a":"\\u0000"}}', 400, "22P05"),
        ("[" * 200_000 + "]" * 200_000, 413, "54001"),
        ('{"a":' + "[0]" * 2, 400, "PGRST102"),
    ],
    ids=["numbers", "depth", "zero byte", "very deep", "no json"],
)
def test_a_hostile_body_is_refused_with_its_code(addresses, rpc, document, status, code):
    rpc("create_composition", json.dumps({"title": "Warm", "document": SMALLEST}))
    before = private_memory(addresses["pids"]["postgrest"])

    answer = rpc("create_composition", f'{{"title": "Hostile", "document": {document}}}')

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert private_memory(addresses["pids"]["postgrest"]) - before < 100_000_000


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"title": "x", "document": {}, "owner_id": "x"}', 404),
        ('{"document": {}}', 404),
        ("[]", 404),
        ('{"title": {"a": 1}, "document": null}', 422),
        ('{"title": "x", "document": {}, "tags": "none"}', 400),
        ('{"title": "x", "document": {}, "organization_id": "x"}', 400),
    ],
)
def test_an_argument_that_is_unknown_missing_or_of_another_type_is_refused(rpc, body, status):
    assert rpc("create_composition", body).status_code == status


def test_tokens_that_are_not_ours_are_refused(addresses, rpc):
    body = json.dumps({"title": "x", "document": SMALLEST})
    claims = {"sub": "00000000-0000-4000-8000-000000000000", "role": "authenticated"}
    forged = [
        jwt.encode(claims | {"exp": 4_000_000_000}, "another secret of thirty-two bytes", "HS256"),
        jwt.encode(claims | {"exp": 1}, addresses["jwt_secret"], "HS256"),
        jwt.encode(claims | {"exp": 4_000_000_000}, "", "none"),
        "not a token",
    ]
    for token in forged:
        assert rpc("create_composition", body, token).status_code == 401
    unknown = jwt.encode(claims | {"exp": 4_000_000_000}, addresses["jwt_secret"], "HS256")
    answer = rpc("create_composition", body, unknown)
    assert (answer.status_code, json.loads(answer.json()["details"])) == (
        401,
        {"code": "account_not_found"},
    )
    anon = rpc("create_composition", body, addresses["anon_key"])
    assert (anon.status_code, anon.json()["code"]) == (401, "42501")
