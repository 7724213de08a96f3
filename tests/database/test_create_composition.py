import uuid

import pytest

from tests.people import NOBODY, Person, in_turn, refused
from tests.samples import SMALLEST, sample


def test_the_first_version_is_the_document_itself(people):
    (ann,) = people("ann")

    made = ann.call(
        "create_composition",
        title="Video library",
        document=sample(),
        description="Short films",
        tags=["video", "learning"],
        message="First draft",
    )

    assert set(made) == {"composition_id", "version", "content_hash", "title", "updated_at"}
    assert (made["version"], made["title"]) == (1, "Video library")
    loaded = ann.call("load_composition", composition_id=made["composition_id"])
    assert loaded["document"] == sample()
    assert (loaded["description"], loaded["tags"]) == ("Short films", ["video", "learning"])
    first = ann.call("get_version", composition_id=made["composition_id"], version=1)
    assert (first["kind"], first["origin"], first["message"]) == (
        "create",
        {"kind": "user"},
        "First draft",
    )
    assert (first["author_id"], first["parent_version"]) == (ann.id, None)


def test_equal_documents_of_two_people_are_stored_once(people, composition, admin):
    ann, ben = people("ann", "ben")
    document = sample() | {"ext": {"test/once": ann.id}}
    reordered = dict(reversed(document.items()))

    pieces = [composition(ann, document), composition(ben, reordered)]

    hashes = {
        person.call("load_composition", composition_id=piece.id)["content_hash"]
        for person, piece in zip([ann, ben], pieces, strict=True)
    }
    assert len(hashes) == 1
    stored = admin.execute(
        "select count(*) from public.compositions where content_hash = decode(%s, 'hex')",
        (hashes.pop(),),
    ).fetchone()
    assert stored == (1,)


def test_a_member_creates_in_their_organisation(people, organization, composition):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "member"})

    piece = composition(ben, organization_id=northwind)

    assert ben.call("load_composition", composition_id=piece.id)["role"] == "owner"
    assert ann.call("load_composition", composition_id=piece.id)["role"] == "owner"
    with refused("PT404", code="composition_not_found"):
        cy.call("load_composition", composition_id=piece.id)


def test_nobody_creates_in_an_organisation_they_are_not_in(people, organization):
    ann, ben = people("ann", "ben")
    northwind = organization(ann)

    for organization_id in (northwind, NOBODY):
        with refused("PT404", code="organization_not_found"):
            ben.call(
                "create_composition",
                title="Mine",
                document=SMALLEST,
                organization_id=organization_id,
            )


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        ({"title": ""}, {"constraint": "user_compositions_title_length"}),
        ({"title": " \n "}, {"constraint": "user_compositions_title_length"}),
        ({"title": "x" * 201}, {"constraint": "user_compositions_title_length"}),
        ({"title": None}, {"argument": "title"}),
        ({"description": "x" * 2001}, {"constraint": "user_compositions_description_length"}),
        ({"tags": ["x"] * 21}, {"constraint": "user_compositions_tags_valid"}),
        ({"tags": ["x", None]}, {"constraint": "user_compositions_tags_valid"}),
        ({"tags": [""]}, {"constraint": "user_compositions_tags_valid"}),
        ({"tags": ["x" * 1001]}, {"constraint": "user_compositions_tags_valid"}),
        ({"tags": [["x"], ["y"]]}, {"constraint": "user_compositions_tags_valid"}),
        ({"tags": "[5:6]={x,y}"}, {"constraint": "user_compositions_tags_valid"}),
        ({"message": "x" * 1001}, {"constraint": "composition_versions_message_length"}),
    ],
)
def test_a_broken_rule_is_named_and_nothing_is_made(people, arguments, facts):
    (ann,) = people("ann")

    with refused("PT422", code="invalid_argument", **facts):
        ann.call("create_composition", **({"title": "Mine", "document": SMALLEST} | arguments))

    assert ann.call("list_my_compositions")["items"] == []


def test_a_person_may_own_only_so_many(people, composition, admin):
    ann, ben = people("ann", "ben")
    admin.execute(
        """
        insert into public.user_compositions (owner_id, title)
        select %s, 'Number ' || n from generate_series(1, 9999) as n
        """,
        (ann.id,),
    )
    composition(ann)

    with refused("PT403", code="quota_exceeded", quota=10000):
        composition(ann)
    composition(ben)


def test_two_at_once_do_not_both_take_the_last_place(people, composition, admin, postgres):
    (ann,) = people("ann")
    twin = Person(postgres.url("authenticator"), uuid.UUID(ann.id))
    admin.execute(
        """
        insert into public.user_compositions (owner_id, title)
        select %s, 'Number ' || n from generate_series(1, 9999) as n
        """,
        (ann.id,),
    )

    with refused("PT403", code="quota_exceeded"):
        in_turn(ann, lambda: composition(ann), twin, lambda: composition(twin))
    twin.connection.close()


def test_anon_and_a_token_without_a_subject_are_refused(people, anon):
    (ann,) = people("ann")
    with refused("42501"):
        anon.call("create_composition", title="Mine", document=SMALLEST)
    ann.claims.pop("sub")
    with refused("PT401", code="not_signed_in"):
        ann.call("create_composition", title="Mine", document=SMALLEST)


def test_a_token_that_outlives_its_account_is_refused(people, admin):
    (ann,) = people("ann")
    admin.execute("delete from auth.users where id = %s", (ann.id,))

    with refused("PT401", code="account_not_found"):
        ann.call("create_composition", title="Mine", document=SMALLEST)
