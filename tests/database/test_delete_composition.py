import pytest

from tests.people import in_turn, refused
from tests.samples import small


@pytest.mark.parametrize("who", ["owner", "admin"])
def test_an_owner_puts_it_into_the_trash(around, who):
    owner = around.people["owner"]
    before = owner.call("load_composition", composition_id=around.composition_id)

    deleted = around.people[who].call("delete_composition", composition_id=around.composition_id)

    assert deleted["updated_at"] > before["updated_at"]
    assert deleted == {
        "composition_id": around.composition_id,
        "version": 1,
        "content_hash": before["content_hash"],
        "title": before["title"],
        "updated_at": deleted["updated_at"],
    }


@pytest.mark.parametrize(
    ("who", "sqlstate", "code"),
    [
        ("stranger", "PT404", "composition_not_found"),
        ("viewer", "PT403", "not_composition_owner"),
        ("editor", "PT403", "not_composition_owner"),
        ("member", "PT403", "not_composition_owner"),
    ],
)
def test_nobody_else_does(around, who, sqlstate, code):
    with refused(sqlstate, code=code):
        around.people[who].call("delete_composition", composition_id=around.composition_id)

    around.people["owner"].call("load_composition", composition_id=around.composition_id)


def test_who_names_the_head_deletes_what_they_have_seen(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")
    ann.call("save_version", composition_id=piece.id, base_version=1, document=small())
    it = {"composition_id": piece.id}

    for stale in (1, 3):
        with refused("PT409", code="version_conflict", head_version=2):
            ann.call("delete_composition", **it, base_version=stale)
    with refused("PT403", code="not_composition_owner"):
        ben.call("delete_composition", **it, base_version=1)
    assert ann.call("load_composition", **it)["version"] == 2

    assert ann.call("delete_composition", **it, base_version=2)["version"] == 2


def test_a_save_that_came_first_keeps_it(people, composition, twin):
    (ann,) = people("ann")
    phone, piece = twin(ann), composition(ann)
    it = {"composition_id": piece.id, "base_version": 1}

    with refused("PT409", code="version_conflict", head_version=2):
        in_turn(
            ann,
            lambda: ann.call("save_version", **it, document=small()),
            phone,
            lambda: phone.call("delete_composition", **it),
        )


def acts(composition_id):
    """All that can be done to a composition out of the trash."""
    it = {"composition_id": composition_id}
    return [
        ("load_composition", it),
        ("list_versions", it),
        ("get_version", it | {"version": 1}),
        ("list_shares", it),
        ("save_version", it | {"base_version": 1, "document": small()}),
        ("restore_version", it | {"version": 1}),
        ("share_composition", it | {"role": "viewer"}),
        ("unshare_composition", it),
        ("create_share_link", it | {"role": "viewer"}),
        ("delete_composition", it),
    ]


def test_in_the_trash_it_is_gone_for_all_but_its_owners(around, subtests):
    around.people["owner"].call("delete_composition", composition_id=around.composition_id)

    for who in ("stranger", "viewer", "editor", "member"):
        person = around.people[who]
        assert person.call("list_my_compositions")["items"] == []
        for function, arguments in acts(around.composition_id):
            with (
                subtests.test(who=who, function=function),
                refused("PT404", code="composition_not_found"),
            ):
                person.call(function, **arguments)


@pytest.mark.parametrize("who", ["owner", "admin"])
def test_its_owners_are_told_where_it_is(around, who, subtests):
    around.people["owner"].call("delete_composition", composition_id=around.composition_id)

    assert around.people[who].call("list_my_compositions")["items"] == []
    for function, arguments in acts(around.composition_id):
        with subtests.test(function=function), refused("PT410", code="composition_trashed"):
            around.people[who].call(function, **arguments)


def test_it_counts_for_the_quota(people, composition, setting):
    (ann,) = people("ann")
    piece = composition(ann)
    ann.call("delete_composition", composition_id=piece.id)
    setting("max_compositions_per_person", 1)
    with refused("PT403", code="quota_exceeded"):
        composition(ann)


def test_a_save_or_a_rename_that_waited_for_it_comes_to_nothing(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="editor")

    def delete():
        ann.call("delete_composition", composition_id=piece.id)

    def save():
        ben.call("save_version", composition_id=piece.id, base_version=1, document=small())

    def rename():
        return ben.rows("update user_compositions set title = 'x' returning 1")

    with refused("PT404", code="composition_not_found"):
        in_turn(ann, delete, ben, save)
    ann.call("undelete_composition", composition_id=piece.id)
    assert in_turn(ann, delete, ben, rename) == []
    assert ann.call("undelete_composition", composition_id=piece.id)["version"] == 1
