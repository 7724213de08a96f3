import pytest

from tests.people import in_turn, refused
from tests.samples import small

GIVEN = {"title": "New", "description": "Words", "tags": ["a", "b"]}


@pytest.mark.parametrize("who", ["editor", "admin", "owner"])
def test_editors_and_owners_change_it(around, who):
    person, it = around.people[who], {"composition_id": around.composition_id}
    before = person.call("load_composition", **it)

    written = person.call("update_metadata", **it, **GIVEN)

    after = person.call("load_composition", **it)
    assert after == before | GIVEN | {"etag": after["etag"], "updated_at": after["updated_at"]}
    assert after["updated_at"] > before["updated_at"] and after["etag"] != before["etag"]
    assert written == {
        key: after[key]
        for key in ("composition_id", "version", "content_hash", "title", "updated_at")
    }


@pytest.mark.parametrize(
    ("who", "sqlstate", "code"),
    [
        ("stranger", "PT404", "composition_not_found"),
        ("viewer", "PT403", "composition_read_only"),
        ("member", "PT403", "composition_read_only"),
        ("anon", "42501", None),
    ],
)
def test_nobody_else_does(around, who, sqlstate, code):
    owner, it = around.people["owner"], {"composition_id": around.composition_id}
    before = owner.call("load_composition", **it)

    with refused(sqlstate, **({"code": code} if code else {})):
        around.people[who].call("update_metadata", **it, **GIVEN)

    assert owner.call("load_composition", **it) == before


@pytest.mark.parametrize("key", GIVEN)
def test_what_is_not_given_stays(people, composition, key):
    (ann,) = people("ann")
    it = {"composition_id": composition(ann, description="Old", tags=["old"]).id}
    before = ann.call("load_composition", **it)

    ann.call("update_metadata", **it, **{key: GIVEN[key]})

    after = ann.call("load_composition", **it)
    assert {name for name in GIVEN if after[name] != before[name]} == {key}


def test_without_a_change_nothing_is_written(people, composition):
    (ann,) = people("ann")
    it = {"composition_id": composition(ann).id}
    before = ann.call("load_composition", **it)

    for same in ({}, dict.fromkeys(GIVEN), {key: before[key] for key in GIVEN}):
        assert ann.call("update_metadata", **it, **same)["updated_at"] == before["updated_at"]

    assert ann.call("load_composition", **it) == before


@pytest.mark.parametrize(
    ("given", "constraint"),
    [
        ({"title": " "}, "user_compositions_title_length"),
        ({"description": "x" * 2001}, "user_compositions_description_length"),
        ({"tags": [""]}, "user_compositions_tags_valid"),
        ({"tags": [None]}, "user_compositions_tags_valid"),
    ],
)
def test_what_breaks_a_rule_is_refused(people, composition, given, constraint):
    (ann,) = people("ann")
    it = {"composition_id": composition(ann).id}
    before = ann.call("load_composition", **it)

    with refused("PT422", code="invalid_argument", constraint=constraint):
        ann.call("update_metadata", **it, **GIVEN | given)

    assert ann.call("load_composition", **it) == before


def test_in_the_trash_it_is_refused(people, composition):
    (ann,) = people("ann")
    it = {"composition_id": composition(ann).id}
    ann.call("delete_composition", **it)
    with refused("PT410", code="composition_trashed"):
        ann.call("update_metadata", **it, title="New")


def test_a_change_that_waited_for_a_save_keeps_the_save(people, composition, twin):
    (ann,) = people("ann")
    phone, it = twin(ann), {"composition_id": composition(ann).id}

    written = in_turn(
        ann,
        lambda: ann.call("save_version", **it, base_version=1, document=small()),
        phone,
        lambda: phone.call("update_metadata", **it, title="New"),
    )

    assert (written["version"], written["title"]) == (2, "New")


def test_who_lost_the_role_while_waiting_is_refused(people, composition):
    ann, ben = people("ann", "ben")
    it = {"composition_id": composition(ann).id}
    ann.call("share_composition", **it, user_id=ben.id, role="editor")

    with refused("PT404", code="composition_not_found"):
        in_turn(
            ann,
            lambda: ann.call("unshare_composition", **it, user_id=ben.id),
            ben,
            lambda: ben.call("update_metadata", **it, title="New"),
        )
