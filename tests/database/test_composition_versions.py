"""The policy matrices of composition_versions and of the content store, which follow the one of
user_compositions."""

import pytest

from tests.people import refused
from tests.samples import small

READERS = {"viewer", "editor", "member", "admin", "owner"}
EVERYONE = ["stranger", *sorted(READERS)]


@pytest.mark.parametrize("who", EVERYONE)
def test_select(around, who):
    person, owner = around.people[who], around.people["owner"]
    owner.call(
        "save_version",
        composition_id=around.composition_id,
        base_version=1,
        document=small(secret=around.composition_id),
    )

    versions = person.rows("select version from composition_versions order by version")
    documents = person.rows(
        "select document from compositions where document -> 'body' ->> 'secret' = %s",
        around.composition_id,
    )

    assert versions == ([(1,), (2,)] if who in READERS else [])
    assert documents == ([(small(secret=around.composition_id),)] if who in READERS else [])


def test_nobody_writes_or_looks_behind(around, subtests):
    statements = (
        "insert into composition_versions (version) values (9) returning 1",
        "update composition_versions set message = 'x' returning 1",
        "delete from composition_versions returning 1",
        "insert into compositions (document) values ('{}') returning 1",
        "update compositions set document = '{}' returning 1",
        "delete from compositions returning 1",
        "select xmin from compositions",
        "select ctid from compositions",
    )
    for who, person in around.people.items():
        for statement in statements:
            with subtests.test(who=who, statement=statement), refused("42501"):
                person.rows(statement)


def test_anon_does_nothing(around):
    for statement in ("select 1 from composition_versions", "select 1 from compositions"):
        with refused("42501"):
            around.people["anon"].rows(statement)


def test_a_hash_opens_nothing_that_no_visible_version_has(around, people, composition):
    owner, stranger = around.people["owner"], around.people["stranger"]
    shared_content = small(secret="both")
    composition(owner, shared_content)
    hash_ = owner.call("list_my_compositions")["items"][0]["content_hash"]
    query = "select document from compositions where content_hash = decode(%s, 'hex')"

    assert stranger.rows(query, hash_) == []
    composition(stranger, shared_content)
    assert stranger.rows(query, hash_) == [(shared_content,)]
