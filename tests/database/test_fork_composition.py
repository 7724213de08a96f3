from uuid import uuid4

import pytest

from tests.people import NOBODY, in_turn, refused
from tests.samples import SMALLEST, small


def fork(person, composition_id, **arguments):
    return person.call("fork_composition", composition_id=composition_id, **arguments)


@pytest.fixture
def shared(people, composition):
    """A composition of Ann's with two versions that Ben may view."""
    ann, ben = people("ann", "ben")
    piece = composition(
        ann, small(nth=1), title="Films", description="Short ones", tags=["video", "short"]
    )
    ann.call("save_version", composition_id=piece.id, base_version=1, document=small(nth=2))
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")
    return ann, ben, piece.id


def test_a_fork_is_a_composition_of_their_own_with_one_version(shared):
    ann, ben, source = shared

    made = fork(ben, source)

    assert set(made) == {"composition_id", "version", "content_hash", "title", "updated_at"}
    assert (made["version"], made["title"]) == (1, "Films")
    loaded = ben.call("load_composition", composition_id=made["composition_id"])
    assert (loaded["owner_id"], loaded["organization_id"], loaded["role"]) == (
        ben.id,
        None,
        "owner",
    )
    assert (loaded["description"], loaded["tags"]) == ("Short ones", ["video", "short"])
    assert (loaded["document"], loaded["forked_from_id"], loaded["forked_from_version"]) == (
        small(nth=2),
        source,
        2,
    )
    first = ben.call("get_version", composition_id=made["composition_id"], version=1)
    assert (first["kind"], first["author_id"], first["parent_version"]) == ("fork", ben.id, None)
    assert first["origin"] == {
        "kind": "user",
        "forked_from": {"composition_id": source, "version": 2},
    }
    assert ben.call("list_shares", composition_id=made["composition_id"]) == []
    with refused("PT404", code="composition_not_found"):
        ann.call("load_composition", composition_id=made["composition_id"])


def test_an_earlier_version_and_another_title_are_chosen(shared):
    _, ben, source = shared

    made = fork(ben, source, version=1, title="Mine")

    loaded = ben.call("load_composition", composition_id=made["composition_id"])
    assert (loaded["title"], loaded["document"]) == ("Mine", small(nth=1))
    assert loaded["forked_from_version"] == 1


def test_neither_changes_with_the_other(shared):
    ann, ben, source = shared
    before = ann.call("load_composition", composition_id=source)
    made = fork(ben, source)["composition_id"]

    ben.call("save_version", composition_id=made, base_version=1, document=small(by="ben"))
    assert ann.call("load_composition", composition_id=source) == before
    ann.call("delete_composition", composition_id=source)
    ann.call("purge_composition", composition_id=source)

    assert ben.call("get_version", composition_id=made, version=1)["document"] == small(nth=2)
    assert ben.call("load_composition", composition_id=made)["forked_from_id"] == source


@pytest.mark.parametrize("version", [0, -1, 3, 2147483647])
def test_a_version_that_is_not_there_is_refused(shared, version):
    _, ben, source = shared

    with refused("PT404", code="version_not_found"):
        fork(ben, source, version=version)

    assert len(ben.call("list_my_compositions")["items"]) == 1


def test_strangers_and_random_ids_get_the_same_answer(shared, people, anon):
    _, _, source = shared
    (cy,) = people("cy")
    answers = []

    for composition_id in (source, NOBODY):
        with refused("PT404", code="composition_not_found") as detail:
            fork(cy, composition_id, version=99)
        answers.append(detail)

    assert answers[0] == answers[1]
    with refused("42501"):
        fork(anon, source)
    assert cy.call("list_my_compositions")["items"] == []


@pytest.mark.parametrize(
    ("who", "sqlstate", "code"),
    [
        ("stranger", "PT404", "composition_not_found"),
        ("viewer", "PT404", "composition_not_found"),
        ("member", "PT404", "composition_not_found"),
        ("owner", "PT410", "composition_trashed"),
    ],
)
def test_nothing_is_forked_out_of_the_trash(around, who, sqlstate, code):
    around.people["owner"].call("delete_composition", composition_id=around.composition_id)

    with refused(sqlstate, code=code):
        fork(around.people[who], around.composition_id)


@pytest.mark.parametrize("title", ["", " \n", "x" * 201])
def test_a_title_that_breaks_its_rule_is_refused(shared, title):
    _, ben, source = shared

    with refused("PT422", code="invalid_argument", constraint="user_compositions_title_length"):
        fork(ben, source, title=title)

    assert len(ben.call("list_my_compositions")["items"]) == 1


def test_a_fork_into_an_organisation_of_theirs_is_the_organisations(shared, organization, people):
    ann, ben, source = shared
    (cy,) = people("cy")
    northwind = organization(cy, {ben: "member"})

    made = fork(ben, source, organization_id=northwind)

    assert cy.call("load_composition", composition_id=made["composition_id"])["role"] == "owner"
    for organization_id in (northwind, NOBODY):
        with refused("PT404", code="organization_not_found"):
            fork(ann, source, organization_id=organization_id)


def test_a_fork_takes_a_place_of_the_quota(shared, setting):
    _, ben, source = shared
    fork(ben, source)
    setting("max_compositions_per_person", 1)
    with refused("PT403", code="quota_exceeded", quota=1):
        fork(ben, source)


def test_a_version_beyond_a_lowered_limit_is_refused(people, composition, setting):
    (ann,) = people("ann")
    piece = composition(ann, small(text="x" * 2000))
    setting("max_document_bytes", 1000)
    with refused("PT422", code="invalid_document"):
        fork(ann, piece.id)


def test_a_fork_that_waited_for_the_end_of_its_share_comes_to_nothing(shared):
    ann, ben, source = shared

    with refused("PT404", code="composition_not_found"):
        in_turn(
            ann,
            lambda: ann.call("unshare_composition", composition_id=source, user_id=ben.id),
            ben,
            lambda: fork(ben, source),
        )

    assert ben.call("list_my_compositions")["items"] == []


def test_a_fork_that_waited_for_the_end_of_a_membership_comes_to_nothing(
    people, organization, composition
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    piece = composition(ann, organization_id=northwind)

    with refused("PT404", code="composition_not_found"):
        in_turn(
            ann,
            lambda: ann.call(
                "remove_organization_member", organization_id=northwind, user_id=ben.id
            ),
            ben,
            lambda: fork(ben, piece.id),
        )


def test_a_fork_that_waited_for_a_purge_comes_to_nothing(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")

    def purge():
        ann.call("delete_composition", composition_id=piece.id)
        ann.call("purge_composition", composition_id=piece.id)

    with refused("PT404", code="composition_not_found"):
        in_turn(ann, purge, ben, lambda: fork(ben, piece.id))


def test_a_purge_waits_for_a_fork_and_leaves_its_content(people, composition):
    ann, ben = people("ann", "ben")
    document = small(marker=str(uuid4()))
    piece = composition(ann, document)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")
    made = []

    def purge():
        ann.call("delete_composition", composition_id=piece.id)
        ann.call("purge_composition", composition_id=piece.id)

    in_turn(ben, lambda: made.append(fork(ben, piece.id)["composition_id"]), ann, purge)

    assert ben.call("load_composition", composition_id=made[0])["document"] == document


def test_a_fork_is_of_the_head_that_it_waited_for(shared):
    ann, ben, source = shared

    made = in_turn(
        ann,
        lambda: ann.call(
            "save_version", composition_id=source, base_version=2, document=small(nth=3)
        ),
        ben,
        lambda: fork(ben, source),
    )

    loaded = ben.call("load_composition", composition_id=made["composition_id"])
    assert (loaded["forked_from_version"], loaded["document"]) == (3, small(nth=3))


def test_two_who_fork_it_at_once_do_not_wait(people, composition):
    ann, ben, cy = people("ann", "ben", "cy")
    piece = composition(ann, SMALLEST)
    for person in (ben, cy):
        ann.call("share_composition", composition_id=piece.id, user_id=person.id, role="viewer")
    cy.connection.execute("set lock_timeout = '1s'")

    with ben.transaction():
        fork(ben, piece.id)
        fork(cy, piece.id)
