"""The webhook tells caches at once, where pg_net is; and nothing about it can disturb a write.

pg_net, the vault and pg_cron are hosted Supabase's. Here they are look-alikes with the same names
and arguments, in a transaction that is taken back, or a database of their own.
"""

import hashlib
import hmac
import json
import re
import time
from typing import LiteralString

import pytest
from psycopg.types.json import Jsonb

from scripts.sources import SUPABASE
from tests.people import refused
from tests.samples import small

URL = "https://functions.example.com/webhooks/database"
SECRET = "a secret of more than thirty-two characters, ünd more"

NET: LiteralString = """
create schema net;
create table net.http_request_queue (
  id bigint generated always as identity, url text, headers jsonb, body bytea, timeout integer
);
create function net.http_post(
  url text, body jsonb default '{}', params jsonb default '{}',
  headers jsonb default '{"Content-Type": "application/json"}',
  timeout_milliseconds integer default 5000
) returns bigint language plpgsql security definer as $$
begin
  -- As pg_net: what is sent is the text of the jsonb, as UTF-8.
  insert into net.http_request_queue (url, headers, body, timeout)
  values (url, headers, convert_to(body::text, 'UTF8'), timeout_milliseconds);
  return 1;
end;
$$;
grant usage on schema net to postgres;
"""

VAULT: LiteralString = """
create schema vault;
create table vault.secrets (
  id uuid primary key default gen_random_uuid(), name text unique, description text, secret bytea
);
create view vault.decrypted_secrets as
  select s.*, convert_from(s.secret, 'UTF8') as decrypted_secret from vault.secrets as s;
create function vault.create_secret(
  new_secret text, new_name text default null, new_description text default '',
  new_key_id uuid default null
) returns uuid language sql as $$
  insert into vault.secrets (name, secret) values (new_name, convert_to(new_secret, 'UTF8'))
  returning id;
$$;
create function vault.update_secret(
  secret_id uuid, new_secret text default null, new_name text default null,
  new_description text default null, new_key_id uuid default null
) returns void language sql as $$
  update vault.secrets set secret = convert_to(new_secret, 'UTF8') where id = secret_id;
$$;
grant usage on schema vault to postgres;
grant select, insert, update, delete on vault.secrets, vault.decrypted_secrets to postgres;
"""

# An old pg_cron knows no seconds: a test adds that.
CRON: LiteralString = """
create schema cron;
create table cron.job (jobname text, schedule text, command text);
create function cron.schedule(job_name text, schedule text, command text) returns bigint
language plpgsql security definer as $$
begin
  insert into cron.job values (job_name, schedule, command);
  return 1;
exception
  when check_violation then
    raise exception 'invalid schedule: %', schedule using errcode = 'invalid_parameter_value';
end;
$$;
grant usage on schema cron to postgres;
"""


@pytest.fixture
def lacking(postgres, admin):
    """Nothing of hosted Supabase's extensions, and no webhook; what a test adds goes with it."""
    yield
    admin.execute(
        "drop schema if exists net cascade; drop schema if exists vault cascade;"
        "select private.configure_webhook(null, null)"
    )


@pytest.fixture(params=["vault", "table"])
def hosted(request, lacking, admin):
    """pg_net, with a vault or without one."""
    admin.execute(NET)
    if request.param == "vault":
        admin.execute(VAULT)
    return request.param


def configure(admin, url=URL, secret=SECRET):
    """What an operator does, who is the role postgres and no superuser."""
    with admin.transaction():
        admin.execute("set local role postgres")
        admin.execute("select private.configure_webhook(%s, %s)", (url, secret))


def requests(admin):
    """What pg_net was given to send: (url, headers, body)."""
    rows = admin.execute("delete from net.http_request_queue returning url, headers, body")
    return [(url, headers, bytes(body)) for url, headers, body in rows.fetchall()]


def rename(person, title, count):
    rows = person.rows("update user_compositions set title = %s returning id::text", title)
    assert len(rows) == count
    return sorted(id for (id,) in rows)


def test_a_save_makes_one_signed_poke(people, composition, hosted, admin):
    (ann,) = people("ann")
    piece = composition(ann)
    configure(admin)
    before = int(time.time())

    ann.call("save_version", composition_id=piece.id, base_version=1, document=small())

    ((url, headers, body),) = requests(admin)
    assert url == URL
    sent = headers["X-Webhook-Timestamp"]
    assert before - 1 <= int(sent) <= time.time() + 1
    expected = hmac.new(SECRET.encode(), sent.encode() + b"." + body, hashlib.sha256)
    assert headers == {
        "Content-Type": "application/json",
        "X-Webhook-Timestamp": sent,
        "X-Webhook-Signature": f"v1={expected.hexdigest()}",
    }
    told = json.loads(body)
    (record,) = told.pop("records")
    assert told == {
        "type": "INSERT",
        "schema": "private",
        "table": "cache_outbox",
        "more": False,
    }
    assert record.keys() == {"id", "composition_id", "user_id", "created_at"}
    assert (record["composition_id"], record["user_id"]) == (piece.id, None)


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 200])
def test_the_signature_is_an_hmac_whatever_the_length_of_the_secret(admin, length):
    secret, message = ("kü" * length)[:length], "what is signed, ✓"
    row = admin.execute("select private.hmac_sha256(%s, %s)", (secret, message)).fetchone()
    assert row[0] == hmac.digest(secret.encode(), message.encode(), "sha256")


def test_a_statement_makes_one_poke_however_many_rows_it_changes(
    people, composition, hosted, admin
):
    (ann,) = people("ann")
    piece = composition(ann)
    configure(admin)
    admin.execute(
        "insert into public.user_compositions (owner_id, title, current_version, current_hash)"
        " select c.owner_id, c.title, c.current_version, c.current_hash"
        "   from public.user_compositions as c, generate_series(1, 500) where c.id = %s",
        (piece.id,),
    )
    ((_, _, body),) = requests(admin)
    told = json.loads(body)
    assert (len(told["records"]), told["more"]) == (500, False)

    ids = rename(ann, "New", 501)

    ((_, _, body),) = requests(admin)
    told = json.loads(body)
    assert (len(told["records"]), told["more"]) == (500, True)
    assert {record["composition_id"] for record in told["records"]} < set(ids)
    ann.rows("update user_compositions set title = 'New' where false returning id")
    assert requests(admin) == []


def test_the_secret_is_kept_in_one_place_changed_and_taken_away(hosted, admin):
    kept = {"vault": "vault.secrets", "table": "private.secrets"}
    other = kept[{"vault": "table", "table": "vault"}[hosted]]

    def webhook():
        return admin.execute("select * from private.webhook()").fetchone()

    for url, secret in [(URL, SECRET), (f"{URL}?2", SECRET * 2), (None, None), (URL, SECRET)]:
        configure(admin, url, secret)
        assert webhook() == (url, secret)
        (rows,) = admin.execute(f"select count(*) from {kept[hosted]}").fetchone()
        assert rows == (0 if url is None else 2)
        if admin.execute("select to_regclass(%s)", (other,)).fetchone()[0]:
            assert admin.execute(f"select count(*) from {other}").fetchone() == (0,)


@pytest.mark.parametrize(
    ("url", "secret", "argument"),
    [
        (None, SECRET, "url"),
        (URL, None, "secret"),
        ("ftp://example.com", SECRET, "url"),
        ("https://exam ple.com", SECRET, "url"),
        ("https://example.com\n", SECRET, "url"),
        (URL, "too short", "secret"),
    ],
)
def test_what_is_no_webhook_is_refused(admin, url, secret, argument):
    with refused("PT422", code="invalid_argument", argument=argument):
        configure(admin, url, secret)


BROKEN_POST: LiteralString = """
create or replace function net.http_post(
  url text, body jsonb default '{}', params jsonb default '{}', headers jsonb default '{}',
  timeout_milliseconds integer default 5000
) returns bigint language plpgsql as $$ begin raise exception 'no'; end; $$;
"""

# What may be wrong with the webhook, as an operator or an extension may have made it: what there
# is, and whether it is configured after that.
WRONG: dict[str, tuple[LiteralString, bool]] = {
    "there is nothing of it": ("select", False),
    "there is no webhook": (NET, False),
    "there is no pg_net": ("select", True),
    "pg_net has an empty schema": ("create schema net", True),
    "pg_net raises": (NET + BROKEN_POST, True),
    "pg_net may not be used": (NET + "revoke all on function net.http_post from public", True),
    "pg_net takes other arguments": (
        NET
        + "drop function net.http_post; create function net.http_post(text) returns integer"
        + " language sql as 'select 1'",
        True,
    ),
    "the vault is empty": (NET + VAULT, False),
    "the vault does not decrypt": (
        NET + VAULT + "insert into vault.secrets (name, secret)"
        " values ('compositions_webhook_url', '\\xff')",
        False,
    ),
    "the vault has an address and no secret": (
        NET + VAULT + "select vault.create_secret('https://x.com', 'compositions_webhook_url')",
        False,
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_write_succeeds_whatever_is_wrong_with_the_webhook(
    people, composition, lacking, admin, wrong
):
    there_is, configured = WRONG[wrong]
    (ann,) = people("ann")
    piece = composition(ann)
    admin.execute(there_is)
    if configured:
        configure(admin)
    admin.execute("delete from private.cache_outbox")

    saved = ann.call("save_version", composition_id=piece.id, base_version=1, document=small())

    assert saved["version"] == 2
    assert admin.execute("select composition_id::text from private.cache_outbox").fetchall() == [
        (piece.id,)
    ]
    if there_is.startswith(NET):
        assert requests(admin) == []


def test_a_write_does_not_wait_for_the_queue_of_pg_net(people, composition, hosted, admin):
    (ann,) = people("ann")
    piece = composition(ann)
    configure(admin)

    with admin.transaction():
        admin.execute("lock table net.http_request_queue")
        # It would wait for this very transaction.
        ann.rows("update user_compositions set title = 'New' where id = %s returning id", piece.id)
        saved = ann.call("save_version", composition_id=piece.id, base_version=1, document=small())

    assert saved["version"] == 2
    assert requests(admin) == []


def test_what_a_webhook_lost_is_poked_again_until_it_is_acknowledged(
    people, composition, hosted, admin, service_role
):
    def poke():
        with admin.transaction():
            admin.execute("set local role postgres")
            (answer,) = admin.execute("select private.poke_overdue()").fetchone()
        return answer

    (ann,) = people("ann")
    admin.execute("delete from private.cache_outbox")
    piece = composition(ann)
    admin.execute("update private.cache_outbox set due_at = now()")
    assert poke() == {"poked": 0, "more": False}, "there is no webhook"
    assert admin.execute("select attempts from private.cache_outbox").fetchall() == [(0,)]

    configure(admin)
    assert poke() == {"poked": 1, "more": False}
    ((_, _, body),) = requests(admin)
    (record,) = json.loads(body)["records"]
    assert record["composition_id"] == piece.id

    assert poke() == {"poked": 1, "more": False}
    (handed_out,) = service_role.call("pending_invalidations")
    assert (handed_out["id"], handed_out["attempts"]) == (record["id"], 1), (
        "the sweep's all the same"
    )
    assert poke() == {"poked": 0, "more": False}, "the sweep has time to acknowledge it"
    admin.execute("update private.cache_outbox set due_at = now()")
    assert poke() == {"poked": 1, "more": False}
    service_role.call("acknowledge_invalidations", ids=Jsonb([record["id"]]))
    admin.execute("update private.cache_outbox set due_at = now()")
    assert poke() == {"poked": 0, "more": False}


@pytest.mark.parametrize(
    ("cron", "jobs"),
    [
        ("select", None),
        (CRON, [("deliver invalidations", "5 seconds", "select private.poke_overdue()")]),
        (
            CRON + "alter table cron.job add check (schedule !~ 'seconds')",
            [("deliver invalidations", "* * * * *", "select private.poke_overdue()")],
        ),
    ],
    ids=["none", "pg_cron 1.6", "pg_cron 1.4"],
)
def test_the_migration_schedules_the_poke_where_it_can(admin, cron, jobs):
    (migration,) = SUPABASE.glob("migrations/*_cached_functions.sql")
    steps = re.findall(r"^do \$\$.*?^\$\$;", migration.read_text(), re.MULTILINE | re.DOTALL)
    (step,) = [step for step in steps if "cron.schedule" in step]
    with admin.transaction(force_rollback=True):
        admin.execute(cron)
        admin.execute("set local role postgres")
        admin.execute(step)
        if jobs:
            admin.execute("reset role")
            assert admin.execute("select * from cron.job").fetchall() == jobs
