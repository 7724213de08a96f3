import itertools

import pytest

from tests.people import refused
from tests.samples import SMALLEST, small


def titles(person, **arguments):
    return [item["title"] for item in person.call("list_my_compositions", **arguments)["items"]]


def pages(person, row_limit):
    after, found = None, []
    while True:
        page = person.call("list_my_compositions", after=after, row_limit=row_limit)
        found.append([item["title"] for item in page["items"]])
        after = page["next"]
        if after is None:
            return found


def test_it_shows_what_a_person_may_see_last_changed_first(people, composition, organization):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "member", cy: "member"})
    shared, in_northwind, through, hidden = (
        composition(ann, SMALLEST, title=title)
        for title in ("shared", "placeholder", "through organisation", "hidden")
    )
    in_northwind = composition(ann, SMALLEST, title="northwind's", organization_id=northwind)
    composition(ben, SMALLEST, title="own")
    ann.call("share_composition", composition_id=shared.id, user_id=ben.id, role="viewer")
    ann.call(
        "share_composition", composition_id=through.id, organization_id=northwind, role="editor"
    )

    assert titles(ben) == ["own", "northwind's", "through organisation", "shared"]
    assert titles(cy) == ["northwind's", "through organisation"]

    ann.call("save_version", composition_id=shared.id, base_version=1, document=small())
    assert titles(ben)[0] == "shared"
    assert hidden.id not in str(ben.call("list_my_compositions"))
    roles = {item["title"]: item["role"] for item in ben.call("list_my_compositions")["items"]}
    assert roles == {
        "own": "owner",
        "northwind's": "viewer",
        "through organisation": "editor",
        "shared": "viewer",
    }
    assert in_northwind.id in str(cy.call("list_my_compositions"))


def test_an_item_is_a_loaded_composition_without_its_document(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)

    (item,) = ann.call("list_my_compositions")["items"]

    loaded = ann.call("load_composition", composition_id=piece.id)
    assert item == {key: value for key, value in loaded.items() if key != "document"}


@pytest.mark.parametrize("row_limit", [1, 2, 3, 4, 7, 8])
def test_pages_hold_everything_once_even_at_equal_times(
    people, composition, organization, admin, row_limit
):
    (ann,) = people("ann")
    northwind = organization(ann)
    for number in range(4):
        composition(ann, SMALLEST, title=f"mine {number}")
        # Mine and my organisation's at once: two ways of seeing it, one row.
        composition(ann, SMALLEST, title=f"ours {number}", organization_id=northwind)
    admin.execute(
        """
        alter table public.user_compositions disable trigger user_compositions_touch;
        update public.user_compositions set updated_at = '2020-02-02 02:02:02.020202'
         where title like '%% 2' or title like '%% 3';
        alter table public.user_compositions enable trigger user_compositions_touch
        """
    )

    found = pages(ann, row_limit)
    listed = list(itertools.chain.from_iterable(found))

    assert [len(page) for page in found[:-1]] == [row_limit] * (len(found) - 1)
    assert sorted(listed) == sorted(
        f"{whose} {number}" for whose in ("mine", "ours") for number in range(4)
    )
    assert listed == titles(ann)


def test_an_empty_list_has_no_next(people):
    (ann,) = people("ann")
    assert ann.call("list_my_compositions") == {"items": [], "next": None}


@pytest.mark.parametrize(
    "after",
    ["", "1", "x", "1_2", "-1_00000000-0000-4000-8000-000000000000", "9" * 17 + "_", "1_'; --"],
)
def test_a_cursor_that_no_page_gave_is_refused(people, after):
    (ann,) = people("ann")
    with refused("PT422", code="invalid_cursor"):
        ann.call("list_my_compositions", after=after)


@pytest.mark.parametrize("row_limit", [0, -1, 201, None])
def test_a_page_has_1_to_200_rows(people, row_limit):
    (ann,) = people("ann")
    with refused("PT422", code="invalid_argument", argument="row_limit"):
        ann.call("list_my_compositions", row_limit=row_limit)


def test_a_cursor_of_somebody_else_shows_nothing_of_theirs(people, composition):
    ann, ben = people("ann", "ben")
    for number in range(3):
        composition(ann, SMALLEST, title=f"ann {number}")
    cursor = ann.call("list_my_compositions", row_limit=1)["next"]

    assert titles(ben, after=cursor) == []
