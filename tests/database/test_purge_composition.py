from uuid import uuid4

import pytest

from tests.people import in_turn, refused
from tests.samples import contents, small


def test_nothing_of_it_is_left(people, composition, admin):
    ann, ben = people("ann", "ben")
    marker = str(uuid4())
    piece = composition(ann, small(marker=marker, nth=1))
    ann.call(
        "save_version",
        composition_id=piece.id,
        base_version=1,
        document=small(marker=marker, nth=2),
    )
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="editor")
    deleted = ann.call("delete_composition", composition_id=piece.id)
    assert contents(admin, marker) == 2

    assert ann.call("purge_composition", composition_id=piece.id) == deleted

    with refused("PT404", code="composition_not_found"):
        ann.call("undelete_composition", composition_id=piece.id)
    for table in ("composition_versions", "shared_compositions"):
        query = f"select count(*) from {table} where composition_id = %s"
        assert admin.execute(query, [piece.id]).fetchall() == [(0,)]
    assert contents(admin, marker) == 0


def test_content_that_somebody_else_has_stays(people, composition, admin):
    ann, ben = people("ann", "ben")
    document = small(marker=str(uuid4()))
    piece, same = composition(ann, document), composition(ben, document)
    ann.call("delete_composition", composition_id=piece.id)

    ann.call("purge_composition", composition_id=piece.id)

    assert ben.call("load_composition", composition_id=same.id)["document"] == document


@pytest.mark.parametrize(
    ("who", "sqlstate", "code"),
    [
        ("stranger", "PT404", "composition_not_found"),
        ("viewer", "PT403", "not_composition_owner"),
        ("editor", "PT403", "not_composition_owner"),
        ("owner", "PT409", "composition_not_trashed"),
    ],
)
def test_only_what_is_in_the_trash_is_purged(around, who, sqlstate, code):
    with refused(sqlstate, code=code):
        around.people[who].call("purge_composition", composition_id=around.composition_id)

    around.people["owner"].call("load_composition", composition_id=around.composition_id)


def test_a_member_puts_their_own_work_into_the_trash_and_an_admin_purges_it(
    people, composition, organization
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    piece = composition(ben, organization_id=northwind)
    ben.call("delete_composition", composition_id=piece.id)

    with refused("PT403", code="organization_role_too_low"):
        ben.call("purge_composition", composition_id=piece.id)
    ann.call("purge_composition", composition_id=piece.id)


def test_a_save_of_content_that_is_being_collected_stores_it_anew(people, composition):
    ann, ben = people("ann", "ben")
    document = small(marker=str(uuid4()))
    piece, other = composition(ann, document), composition(ben)
    ann.call("delete_composition", composition_id=piece.id)

    saved = in_turn(
        ann,
        lambda: ann.call("purge_composition", composition_id=piece.id),
        ben,
        lambda: ben.call(
            "save_version", composition_id=other.id, base_version=1, document=document
        ),
    )

    assert saved["version"] == 2
    assert ben.call("load_composition", composition_id=other.id)["document"] == document


def test_content_that_is_just_being_saved_is_not_collected(people, composition, admin):
    ann, ben = people("ann", "ben")
    marker = str(uuid4())
    document = small(marker=marker)
    piece, other = composition(ann, document), composition(ben)
    ann.call("delete_composition", composition_id=piece.id)

    with ben.transaction():
        ben.call("save_version", composition_id=other.id, base_version=1, document=document)
        ann.call("purge_composition", composition_id=piece.id)

    assert ben.call("load_composition", composition_id=other.id)["document"] == document
    assert contents(admin, marker) == 1
