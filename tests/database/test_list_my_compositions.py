# ruff: noqa: RUF001  (letters that look like others are what search is about)
import itertools
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from tests.people import refused
from tests.samples import SMALLEST, sample, small


def titles(person, **arguments):
    return [item["title"] for item in person.call("list_my_compositions", **arguments)["items"]]


def found(person, **filter):
    return titles(person, filter=filter)


def pages(person, row_limit, key="title", **arguments):
    after, found = None, []
    while True:
        page = person.call("list_my_compositions", after=after, row_limit=row_limit, **arguments)
        found.append([item[key] for item in page["items"]])
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


@pytest.mark.parametrize("filter", [{}, None, {"search": None, "tag": None, "trashed": None}])
def test_a_filter_that_says_nothing_lists_everything(people, composition, filter):
    (ann,) = people("ann")
    composition(ann, SMALLEST)
    assert titles(ann, filter=filter) == ["Video library"]
    assert titles(ann, filter=Jsonb(None)) == ["Video library"]


@pytest.mark.parametrize(
    ("search", "text"),
    [
        ("cafe", "Café"),
        ("CAFÉ", "le cafe\u0301"),
        ("lead", "Leadership"),
        ("ship leader", "Leadership"),
        ("äpfel", "APFEL"),
        ("ÜBER", "uber"),
        ("straße", "STRASSE"),
        ("ΟΔΟΣ", "οδός"),
        ("ΣΟΦΟΣ", "σοφόστομος"),
        ("istanbul", "İSTANBUL"),
        ("ISPARTA", "ısparta"),
        ("lodz", "Łódź"),
        ("ёлка", "Елка"),
        ("fine", "ﬁne"),
        ("日本", "日本語"),
        ("שלום", "שָׁלוֹם"),
        ("100% a_b", r"a_b \ 100%"),
        ("\\", r"a \ b"),
        ("one\u00a0two", "two\u3000one"),
        ("   ", "anything"),
    ],
)
def test_search_finds(people, composition, search, text):
    (ann,) = people("ann")
    composition(ann, SMALLEST, title=text)
    composition(ann, SMALLEST, description=text)
    composition(ann, SMALLEST, tags=[text])
    composition(ann, SMALLEST, title=f"before-{text}", tags=[f"{text}-after"])
    assert len(found(ann, search=search)) == 4


@pytest.mark.parametrize(
    ("search", "text"),
    [
        ("100%", "1000"),
        ("a_b", "axb"),
        ("\\%", "100%"),
        ("%", "nothing"),
        ("one two", "one"),
        ("onetwo", "one two"),
        (".*", "anything"),
    ],
)
def test_search_does_not_find(people, composition, search, text):
    (ann,) = people("ann")
    composition(ann, SMALLEST, title=text)
    assert found(ann, search=search) == []


def test_a_word_may_be_in_the_title_one_in_the_description_and_one_in_a_tag(people, composition):
    (ann,) = people("ann")
    composition(ann, SMALLEST, title="Red", description="green", tags=["blue", "gold"])
    assert found(ann, search="blue red green") == ["Red"]
    assert found(ann, search="greenblue") == found(ann, search="bluegold") == []


def test_search_finds_the_whole_of_the_longest_texts(people, composition):
    (ann,) = people("ann")
    tags = [f"{number:02}" + "t" * 48 for number in range(19)] + ["x" * 46 + "last"]
    composition(ann, SMALLEST, title="é" * 200, description="d" * 2000, tags=tags)
    assert len(found(ann, search="last")) == 1
    assert len(found(ann, search="e" * 200)) == 1


@pytest.mark.parametrize(
    ("column", "value"), [("title", "Zéta"), ("description", "Zéta"), ("tags", ["Zéta"])]
)
def test_search_follows_a_direct_update(people, composition, column, value):
    ann, ben = people("ann", "ben")
    piece = composition(ann, SMALLEST)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="editor")
    assert found(ann, search="zeta") == []

    ben.rows(f"update user_compositions set {column} = %s returning 1", value)
    ann.call("save_version", composition_id=piece.id, base_version=1, document=small())

    (item,) = ann.call("list_my_compositions", filter={"search": "zeta"})["items"]
    assert item[column] == value


def test_a_direct_update_may_not_write_what_search_looks_into(people, composition):
    (ann,) = people("ann")
    composition(ann, SMALLEST)
    with refused("42501"):
        ann.rows("update user_compositions set search_text = 'x' returning 1")


def test_a_tag_matches_whole_and_as_it_is_spelt(people, composition):
    (ann,) = people("ann")
    composition(ann, SMALLEST, title="a", tags=["Sales", "2026"])
    composition(ann, SMALLEST, title="b", tags=["Sales team"])
    assert found(ann, tag="Sales") == ["a"]
    assert found(ann, tag="sales") == found(ann, tag="") == found(ann, tag="%") == []


def test_the_dialect_is_that_of_the_head(people, composition):
    (ann,) = people("ann")
    composition(ann, SMALLEST, title="json")
    piece = composition(ann, title="a2ui")
    assert sample()["dialect"] == "a2ui/0.9.1"
    assert found(ann, dialect="json") == ["json"]
    assert found(ann, dialect="a2ui/0.9.1") == ["a2ui"]

    ann.call("save_version", composition_id=piece.id, base_version=1, document=SMALLEST)
    assert found(ann, dialect="json") == ["a2ui", "json"]
    assert found(ann, dialect="json-render/1") == []


def test_the_dialects_are_those_that_a_document_may_have(people):
    (ann,) = people("ann")
    with refused("PT422", code="invalid_document") as refusal:
        ann.call("create_composition", title="x", document=SMALLEST | {"dialect": "x"})
    (allowed,) = [p["allowed"] for p in refusal["problems"] if p["code"] == "unknown_dialect"]
    with refused("PT422", key="dialect", allowed=allowed):
        found(ann, dialect="x")


@pytest.mark.parametrize("key", ["owner_id", "organization_id"])
def test_somebody_elses_id_lists_what_a_random_one_lists(people, composition, organization, key):
    ann, ben = people("ann", "ben")
    southwind = organization(ben)
    composition(ann, SMALLEST)
    composition(ben, SMALLEST, organization_id=southwind)
    theirs = {"owner_id": ben.id, "organization_id": southwind}[key]

    nothing: dict[str, Any] = {"items": [], "next": None}
    assert ann.call("list_my_compositions", filter={key: theirs}) == nothing
    assert ann.call("list_my_compositions", filter={key: str(uuid.uuid4())}) == nothing
    assert len(found(ben, **{key: theirs.upper()})) == 1


def test_an_item_of_the_trash_says_since_when_it_is_there(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)
    (before,) = ann.call("list_my_compositions")["items"]
    ann.call("delete_composition", composition_id=piece.id)

    (item,) = ann.call("list_my_compositions", filter={"trashed": True})["items"]

    with refused("PT410", code="composition_trashed") as refusal:
        ann.call("load_composition", composition_id=piece.id)
    assert item.keys() == before.keys() | {"deleted_at"}
    assert item["deleted_at"] == refusal["deleted_at"]
    assert found(ann) == found(ann, trashed=False) == []
    assert found(ann, trashed=True, search="library") == ["Video library"]
    assert found(ann, trashed=True, search="archive") == []


@pytest.mark.parametrize("who", ["owner", "admin", "member", "viewer", "editor", "stranger"])
def test_the_trash_is_for_owners(around, who):
    around.people["owner"].call("delete_composition", composition_id=around.composition_id)

    person = around.people[who]
    expected = ["Video library"] if who in ("owner", "admin") else []
    assert found(person, trashed=True) == expected
    assert found(person, trashed=True, organization_id=around.organization_id) == expected
    assert found(person, trashed=True, shared=True) == []
    assert found(person, trashed=True, owner_id=around.people["owner"].id) == expected
    assert found(person) == []


def test_a_member_finds_their_own_in_the_trash_of_an_organisation(
    people, composition, organization
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    for owner in (ann, ben):
        piece = composition(owner, SMALLEST, title=owner.id, organization_id=northwind)
        owner.call("delete_composition", composition_id=piece.id)
    assert found(ben, trashed=True) == [ben.id]
    assert found(ben, trashed=True, organization_id=northwind) == [ben.id]
    assert found(ann, trashed=True, organization_id=northwind) == [ben.id, ann.id]


KEYS = ["dialect", "organization_id", "owner_id", "search", "shared", "tag", "trashed"]


@pytest.mark.parametrize("filter", [[], "x", 1, True, [{"search": "x"}]])
def test_a_filter_is_an_object(people, filter):
    (ann,) = people("ann")
    with refused("PT422", code="invalid_argument", argument="filter", key=None, allowed=KEYS):
        ann.call("list_my_compositions", filter=Jsonb(filter))


@pytest.mark.parametrize(
    ("filter", "key", "allowed"),
    [
        ({"serch": "x"}, "serch", KEYS),
        ({"serch": None}, "serch", KEYS),
        ({"": "x"}, "", KEYS),
        ({"Search": "x"}, "Search", KEYS),
        ({"k" * 300: 1}, "k" * 200, KEYS),
        ({"search": 1}, "search", None),
        ({"search": ["x"]}, "search", None),
        ({"search": "x" * 201}, "search", None),
        ({"search": " ".join("abcdefghijk")}, "search", None),
        ({"tag": {}}, "tag", None),
        ({"tag": [None]}, "tag", None),
        ({"shared": "true"}, "shared", [True, False]),
        ({"trashed": 1}, "trashed", [True, False]),
        ({"owner_id": 1}, "owner_id", None),
        ({"owner_id": "me"}, "owner_id", None),
        ({"owner_id": ""}, "owner_id", None),
        ({"organization_id": "' or true --"}, "organization_id", None),
        ({"organization_id": f"{{{uuid.UUID(int=1)}}}"}, "organization_id", None),
        ({"dialect": "JSON"}, "dialect", ["a2ui/0.9.1", "json-render/1", "json"]),
        ({"dialect": ""}, "dialect", ["a2ui/0.9.1", "json-render/1", "json"]),
        ({"dialect": False}, "dialect", None),
    ],
)
def test_a_filter_that_is_wrong_is_refused_with_its_key(people, filter, key, allowed):
    (ann,) = people("ann")
    with refused("PT422", code="invalid_argument", argument="filter", key=key, allowed=allowed):
        ann.call("list_my_compositions", filter=filter)


@pytest.mark.parametrize("text", ["'", "$1", "%1$s", "%I", "'; drop table x; --", "\\", '"'])
def test_what_a_filter_says_is_never_run(people, composition, text):
    (ann,) = people("ann")
    composition(ann, SMALLEST, title=text, tags=[text])
    composition(ann, SMALLEST, title="other")
    assert found(ann, search=text, tag=text, dialect="json") == [text]


# Letters that fold, by hand, into what they fold into.
FOLDED = dict(zip("aAäÄéÉσΣςİıIŁ%_\\- bB", "aaaaeeσσσiiil%_\\- bb", strict=True))
TEXTS = st.text(st.sampled_from(sorted(FOLDED)), max_size=6)
TITLES = TEXTS.filter(str.strip)


def fold(text):
    return "".join(FOLDED[letter] for letter in text)


def matches(row: dict[str, Any], filter: dict[str, Any]) -> bool:
    """Whether ann, who may see a row, finds it."""
    trashed = filter.get("trashed", False)
    texts = [fold(text) for text in (row["title"], row["description"], *row["tags"])]
    return (
        row["trashed"] == trashed
        and (row["owned"] or not trashed)
        and all(any(word in t for t in texts) for word in fold(filter.get("search", "")).split())
        and filter.get("tag") in (None, *row["tags"])
        and filter.get("owner_id", row["owner_id"]) == row["owner_id"]
        and filter.get("organization_id", row["organization_id"]) == row["organization_id"]
        and filter.get("shared", row["shared"]) == row["shared"]
        and filter.get("dialect", row["dialect"]) == row["dialect"]
    )


@pytest.fixture
def mixture(people, composition, organization):
    """Ann, and compositions that she sees in every way, or not at all."""
    ann, ben, cleo = people("ann", "ben", "cleo")
    northwind = organization(ben, {ann: "member"})
    southwind = organization(ben, {ann: "admin"})
    eastwind = organization(cleo)
    rows: list[dict[str, Any]] = []
    for owner, organization_id, owned, shared_with in (
        (ann, None, True, {}),
        (ann, None, True, {}),
        (ann, None, True, {"organization_id": northwind}),
        (ann, northwind, True, {}),
        (ben, northwind, False, {}),
        (ben, northwind, False, {"user_id": ann.id}),
        (ben, southwind, True, {}),
        (ben, southwind, True, {"organization_id": northwind}),
        (cleo, None, False, {"user_id": ann.id}),
        (ben, None, False, {"organization_id": northwind}),
        (cleo, eastwind, False, {"user_id": ann.id}),
        (cleo, eastwind, False, None),
        (ben, None, False, None),
    ):
        document = SMALLEST if len(rows) % 3 else sample()
        piece = composition(owner, document, organization_id=organization_id)
        if shared_with:
            owner.call("share_composition", composition_id=piece.id, role="viewer", **shared_with)
        if shared_with is not None:
            ours = organization_id in (northwind, southwind)
            rows.append(
                {
                    "id": piece.id,
                    "owner_id": owner.id,
                    "organization_id": organization_id,
                    "owned": owned,
                    "shared": owner is not ann and not ours,
                    "dialect": document["dialect"],
                }
            )
    return ann, rows


@settings(
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_the_list_is_what_a_plain_model_of_the_filter_gives(mixture, admin, data):
    ann, rows = mixture
    for row in rows:
        changed = data.draw(
            st.fixed_dictionaries(
                {
                    "title": TITLES,
                    "description": TEXTS,
                    "tags": st.lists(TITLES, max_size=2),
                    "trashed": st.booleans(),
                }
            )
        )
        row.update(changed)
        admin.execute(
            """
            update public.user_compositions
               set title = %(title)s, description = %(description)s, tags = %(tags)s,
                   deleted_at = case when %(trashed)s then now() end
             where id = %(id)s
            """,
            row,
        )
    ids = sorted({row["owner_id"] for row in rows})
    organizations = sorted({row["organization_id"] for row in rows} - {None})
    for _ in range(4):
        filter = data.draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "search": TEXTS,
                    "tag": st.sampled_from([tag for row in rows for tag in row["tags"]] or ["x"]),
                    "owner_id": st.sampled_from([*ids, str(uuid.UUID(int=0))]),
                    "organization_id": st.sampled_from([*organizations, str(uuid.UUID(int=0))]),
                    "shared": st.booleans(),
                    "dialect": st.sampled_from(["json", "a2ui/0.9.1", "json-render/1"]),
                    "trashed": st.booleans(),
                },
            )
        )
        row_limit = data.draw(st.integers(1, 4))

        listed = pages(ann, row_limit, "composition_id", filter=filter)

        # Last changed first: the rows were changed in their order.
        expected = [row["id"] for row in reversed(rows) if matches(row, filter)]
        assert [*itertools.chain.from_iterable(listed)] == expected, filter
        assert [len(page) for page in listed[:-1]] == [row_limit] * (len(listed) - 1)


def test_of_more_organisations_than_a_page_has_rows_all_are_listed(
    people, composition, organization
):
    (ann,) = people("ann")
    names = [f"{number}" for number in range(6)]
    for round_ in ("old", "new"):
        winds = [organization(ann) for _ in range(3)]
        for name, wind in zip(names, winds * 2, strict=True):
            composition(ann, SMALLEST, title=f"{round_} {name}", organization_id=wind)
    everything = [f"{round_} {name}" for round_ in ("new", "old") for name in reversed(names)]

    for row_limit in (1, 2, 5):
        listed = itertools.chain.from_iterable(pages(ann, row_limit))
        assert list(listed) == everything
    again = itertools.chain.from_iterable(pages(ann, 1, filter={"search": "old", "shared": False}))
    assert list(again) == everything[6:]


def test_a_cursor_of_somebody_else_shows_nothing_of_theirs(people, composition):
    ann, ben = people("ann", "ben")
    for number in range(3):
        composition(ann, SMALLEST, title=f"ann {number}")
    cursor = ann.call("list_my_compositions", row_limit=1)["next"]

    assert titles(ben, after=cursor) == []


def test_what_folds_to_many_letters_makes_no_long_text_to_search(people, composition, admin):
    (ann,) = people("ann")
    piece = composition(ann, title="\ufdfa" * 200, description="\ufdfa" * 2000)
    korean = composition(ann, title="각" * 200, description="각" * 1990 + " 끝")

    (length,) = admin.execute(
        "select length(search_text) from user_compositions where id = %s", (piece.id,)
    ).fetchone()

    assert length == 12_000
    (found,) = ann.call("list_my_compositions", filter={"search": "끝"})["items"]
    assert found["composition_id"] == korean.id
