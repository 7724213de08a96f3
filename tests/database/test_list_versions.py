import pytest

from tests.people import refused
from tests.samples import small


def test_pages_hold_every_version_once_newest_first(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    for number in range(1, 7):
        ann.call(
            "save_version", composition_id=piece.id, base_version=number, document=small(n=number)
        )
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")

    after, versions, pages = None, [], 0
    while pages == 0 or after is not None:
        page = ben.call("list_versions", composition_id=piece.id, after=after, row_limit=3)
        versions += [item["version"] for item in page["items"]]
        after, pages = page["next"], pages + 1

    assert (versions, pages) == ([7, 6, 5, 4, 3, 2, 1], 3)
    assert set(page["items"][0]) == {
        "composition_id",
        "version",
        "content_hash",
        "parent_version",
        "kind",
        "author_id",
        "origin",
        "message",
        "created_at",
        "label",
    }


def test_a_full_last_page_has_no_next(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)
    assert ann.call("list_versions", composition_id=piece.id, row_limit=1)["next"] is None


def test_a_stranger_sees_no_history(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    with refused("PT404", code="composition_not_found"):
        ben.call("list_versions", composition_id=piece.id)


@pytest.mark.parametrize("after", ["", "x", "-1", "1e3", "9999999999"])
def test_a_cursor_that_no_page_gave_is_refused(people, composition, after):
    (ann,) = people("ann")
    piece = composition(ann)
    with refused("PT422", code="invalid_cursor"):
        ann.call("list_versions", composition_id=piece.id, after=after)
