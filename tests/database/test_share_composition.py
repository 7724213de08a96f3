from datetime import UTC, datetime, timedelta

import pytest

from tests.people import NOBODY, in_turn, refused
from tests.samples import small


def test_a_share_opens_and_a_second_one_changes_it(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)

    share = ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")

    assert (share["user_id"], share["organization_id"]) == (ben.id, None)
    assert (share["role"], share["created_by"], share["expires_at"]) == ("viewer", ann.id, None)
    assert ben.call("load_composition", composition_id=piece.id)["role"] == "viewer"
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="editor")
    assert ben.call("load_composition", composition_id=piece.id)["role"] == "editor"
    assert len(ann.call("list_shares", composition_id=piece.id)) == 1


def test_a_share_with_an_organisation_follows_its_members(people, composition, organization):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "member"})
    piece = composition(ann)

    ann.call("share_composition", composition_id=piece.id, organization_id=northwind, role="editor")

    assert ben.call("load_composition", composition_id=piece.id)["role"] == "editor"
    with refused("PT404"):
        cy.call("load_composition", composition_id=piece.id)
    ann.call("add_organization_member", organization_id=northwind, user_id=cy.id, role="member")
    assert cy.call("load_composition", composition_id=piece.id)["role"] == "editor"
    ben.call("leave_organization", organization_id=northwind)
    with refused("PT404"):
        ben.call("load_composition", composition_id=piece.id)


@pytest.mark.parametrize("grantee", ["person", "organisation", "link"])
def test_a_share_ends_when_it_expires(people, composition, organization, admin, grantee):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    end = {"role": "editor", "expires_at": datetime.now(UTC) + timedelta(hours=1)}
    if grantee == "person":
        ann.call("share_composition", composition_id=piece.id, user_id=ben.id, **end)
    elif grantee == "organisation":
        northwind = organization(ann, {ben: "admin"})
        ann.call("share_composition", composition_id=piece.id, organization_id=northwind, **end)
    else:
        link = ann.call("create_share_link", composition_id=piece.id, **end)
        ben.call("accept_share_link", token=link["token"])

    def save():
        return ben.call("save_version", composition_id=piece.id, base_version=1, document=small())

    def rename():
        return ben.rows("update user_compositions set title = 'Mine' returning title")

    assert ben.call("load_composition", composition_id=piece.id)["role"] == "editor"
    assert rename() == [("Mine",)]
    admin.execute(
        "update public.shared_compositions set expires_at = now() where composition_id = %s",
        (piece.id,),
    )

    for function in ("load_composition", "list_versions", "list_shares"):
        with refused("PT404", code="composition_not_found"):
            ben.call(function, composition_id=piece.id)
    with refused("PT404", code="composition_not_found"):
        ben.call("get_version", composition_id=piece.id, version=1)
    with refused("PT404", code="composition_not_found"):
        save()
    with refused("PT404", code="composition_not_found"):
        ben.call("restore_version", composition_id=piece.id, version=1)
    assert ben.call("list_my_compositions")["items"] == []
    assert ben.rows("select id from user_compositions") == []
    assert ben.rows("select version from composition_versions") == []
    assert rename() == []
    assert ann.call("load_composition", composition_id=piece.id)["version"] == 1
    assert ann.call("list_shares", composition_id=piece.id), "an owner sees that it has ended"

    admin.execute(
        "update public.shared_compositions set expires_at = null where composition_id = %s",
        (piece.id,),
    )
    assert save()["version"] == 2, "nothing but the time had ended it"


def test_an_expired_share_is_renewed(people, composition, admin):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="editor")
    admin.execute(
        "update public.shared_compositions set expires_at = now() where composition_id = %s",
        (piece.id,),
    )

    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")

    assert ben.call("load_composition", composition_id=piece.id)["role"] == "viewer"
    assert len(ann.call("list_shares", composition_id=piece.id)) == 1


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_only_owners_share(people, composition, role):
    ann, ben, cy = people("ann", "ben", "cy")
    piece = composition(ann)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role=role)

    with refused("PT403", code="not_composition_owner", role=role):
        ben.call("share_composition", composition_id=piece.id, user_id=cy.id, role="viewer")
    with refused("PT404", code="composition_not_found"):
        cy.call("share_composition", composition_id=piece.id, user_id=cy.id, role="viewer")
    with refused("PT404"):
        cy.call("load_composition", composition_id=piece.id)


def test_a_grantee_must_be_one_that_the_owner_can_name(people, composition, organization):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    of_ben = organization(ben)

    def share(code, status, **grantee):
        with refused(status, code=code):
            ann.call("share_composition", composition_id=piece.id, role="viewer", **grantee)

    share("user_not_found", "PT404", user_id=NOBODY)
    share("organization_not_found", "PT404", organization_id=of_ben)
    share("organization_not_found", "PT404", organization_id=NOBODY)
    share("invalid_argument", "PT422")
    share("invalid_argument", "PT422", user_id=ann.id)
    share("invalid_argument", "PT422", user_id=ben.id, organization_id=organization(ann))
    assert ann.call("list_shares", composition_id=piece.id) == []


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        ({"role": "owner"}, {"constraint": "shared_compositions_role_known"}),
        ({"role": ""}, {"constraint": "shared_compositions_role_known"}),
        ({"role": None}, {"argument": "role"}),
        ({"expires_at": "2020-01-01"}, {"argument": "expires_at"}),
        ({"expires_at": "infinity"}, {"argument": "expires_at"}),
        ({"expires_at": "-infinity"}, {"argument": "expires_at"}),
    ],
)
def test_a_broken_rule_is_named_and_nothing_is_shared(people, composition, arguments, facts):
    ann, ben = people("ann", "ben")
    piece = composition(ann)

    with refused("PT422", code="invalid_argument", **facts):
        ann.call(
            "share_composition",
            **({"composition_id": piece.id, "user_id": ben.id, "role": "viewer"} | arguments),
        )

    assert ann.call("list_shares", composition_id=piece.id) == []


def test_a_save_or_a_rename_that_waited_for_a_demotion_comes_to_nothing(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)

    def share(role):
        ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role=role)

    def save():
        ben.call("save_version", composition_id=piece.id, base_version=1, document=small())

    def rename():
        return ben.rows("update user_compositions set title = 'Mine' returning title")

    share("editor")
    with refused("PT403", code="composition_read_only"):
        in_turn(ann, lambda: share("viewer"), ben, save)
    share("editor")
    assert in_turn(ann, lambda: share("viewer"), ben, rename) == []

    loaded = ann.call("load_composition", composition_id=piece.id)
    assert (loaded["version"], loaded["title"]) == (1, "Video library")


def test_an_organisation_that_is_deleted_meanwhile_is_what_the_answer_names(
    people, composition, organization, twin
):
    (ann,) = people("ann")
    phone = twin(ann)
    northwind = organization(ann)
    piece = composition(ann)

    with refused("PT404", code="organization_not_found"):
        in_turn(
            ann,
            lambda: ann.call("leave_organization", organization_id=northwind),
            phone,
            lambda: phone.call(
                "share_composition",
                composition_id=piece.id,
                organization_id=northwind,
                role="viewer",
            ),
        )

    assert ann.call("list_shares", composition_id=piece.id) == []
