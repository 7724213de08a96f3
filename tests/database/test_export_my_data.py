import json

import pytest

from tests.people import NOBODY, refused
from tests.samples import SMALLEST, small

LISTS = {
    "memberships",
    "invitations",
    "shares_given",
    "shares_received",
    "pins",
    "authored",
    "layers",
    "compositions",
}


# 4 MiB, and what holds the rows together.
PAGE_BYTES = 4 * 1024 * 1024 + 10_000


def export(person, **arguments):
    """All pages."""
    pages = [person.call("export_my_data", **arguments)]
    while pages[-1]["next"] is not None:
        pages.append(person.call("export_my_data", after=pages[-1]["next"], **arguments))
    return pages


def merged(pages, name):
    """A list of all pages, in which every page's rows come once."""
    return [row for page in pages for row in page.get(name, [])]


def histories(pages):
    """The versions of each composition, in the order in which the pages hold them."""
    found: dict[str, list[int]] = {}
    for composition in merged(pages, "compositions"):
        versions = [version["version"] for version in composition["versions"]]
        found.setdefault(composition["composition_id"], []).extend(versions)
    return found


def save(person, composition_id, base_version=1, **body):
    return person.call(
        "save_version",
        composition_id=composition_id,
        base_version=base_version,
        document=small(**body),
    )


def share(person, composition_id, **arguments):
    return person.call("share_composition", composition_id=composition_id, **arguments)


def test_one_page_holds_all_that_there_is_about_a_person(
    people, organization, composition, admin, address
):
    ann, ben = people("ann", "ben")
    northwind = organization(ben, {ann: "member"})
    piece, theirs = composition(ann, small(nth=1)), composition(ben)
    save(ann, piece.id, nth=2)
    given = share(ann, piece.id, user_id=ben.id, role="editor")
    received = share(ben, theirs.id, user_id=ann.id, role="editor")
    save(ann, theirs.id)
    save(ben, piece.id, 2, nth=3)
    invitation = ben.call(
        "invite_to_organization",
        organization_id=organization(ben),
        email=address(ann).upper(),
        role="member",
    )
    del invitation["token"]
    (email, created_at) = admin.execute(
        "select email, to_jsonb(created_at) from auth.users where id = %s", (ann.id,)
    ).fetchone()

    pinned = ann.call("pin_composition", context="home", composition_id=theirs.id)

    page = ann.call("export_my_data")

    assert set(page) == LISTS | {"account", "next"}
    assert page["account"] == {"user_id": ann.id, "email": email, "created_at": created_at}
    assert [(m["organization_id"], m["name"], m["role"]) for m in page["memberships"]] == [
        (northwind, "Northwind", "member")
    ]
    assert page["invitations"] == [invitation]
    assert (page["shares_given"], page["shares_received"]) == ([given], [received])
    (pin,) = page["pins"]
    assert pin.pop("created_at")
    assert pin == pinned
    written = ann.call("get_version", composition_id=theirs.id, version=2)
    del written["document"]
    assert page["authored"] == [written]
    assert page["next"] is None
    (exported,) = page["compositions"]
    assert exported["versions"] == [
        ann.call("get_version", composition_id=piece.id, version=version) for version in (1, 2, 3)
    ]
    loaded = ann.call("load_composition", composition_id=piece.id)
    about = set(loaded) - {"role", "etag", "document"}
    assert {key: exported[key] for key in about} == {key: loaded[key] for key in about}
    assert set(exported) == about | {"created_at", "deleted_at", "versions"}


def test_the_trash_is_in_it_and_what_others_own_is_not(people, organization, composition):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    mine, ours = composition(ann), composition(ann, organization_id=northwind)
    theirs = composition(ben, organization_id=northwind)
    ann.call("delete_composition", composition_id=mine.id)

    page = ann.call("export_my_data")

    assert {c["composition_id"]: c["deleted_at"] is None for c in page["compositions"]} == {
        mine.id: False,
        ours.id: True,
    }
    assert theirs.id not in json.dumps(page)


def test_what_they_may_not_see_any_more_is_not_in_it(people, composition):
    ann, ben, cy = people("ann", "ben", "cy")
    trashed, unshared = composition(ann), composition(ann)
    for piece in (trashed, unshared):
        share(ann, piece.id, user_id=ben.id, role="editor")
        save(ben, piece.id)
    ann.call("delete_composition", composition_id=trashed.id)
    ann.call("unshare_composition", composition_id=unshared.id, user_id=ben.id)

    page = ben.call("export_my_data")

    assert {name: page[name] for name in LISTS} == {name: [] for name in LISTS}
    assert cy.id not in json.dumps(ann.call("export_my_data"))


def test_shares_that_others_gave_on_what_they_own_are_in_it_and_no_others(
    people, organization, composition
):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "admin"})
    piece = composition(ann, organization_id=northwind)
    share(ben, piece.id, user_id=cy.id, role="viewer")

    assert len(ann.call("export_my_data")["shares_given"]) == 1
    assert len(ben.call("export_my_data")["shares_given"]) == 1
    assert ben.call("export_my_data")["compositions"] == []
    ann.call("remove_organization_member", organization_id=northwind, user_id=ben.id)
    assert ben.call("export_my_data")["shares_given"] == []


@pytest.mark.parametrize("row_limit", [1, 2, 3, 200])
def test_pages_hold_every_version_once_oldest_first(people, composition, row_limit):
    (ann,) = people("ann")
    pieces = [composition(ann, SMALLEST) for _ in range(5)]
    for number in range(1, 4):
        save(ann, pieces[0].id, number, nth=number)

    pages = export(ann, row_limit=row_limit)

    assert all(len(page["compositions"]) <= row_limit for page in pages)
    assert len(pages) == -(-5 // row_limit)
    assert set(pages[0]) == LISTS | {"account", "next"}
    assert all(set(page) == {"compositions", "next"} for page in pages[1:])
    assert histories(pages) == {
        piece.id: [1, 2, 3, 4] if piece is pieces[0] else [1] for piece in pieces
    }


def test_a_long_history_goes_on_on_the_next_page(people, composition):
    ann, ben = people("ann", "ben")
    large = {"text": "x" * 900_000}
    pieces = [composition(ann, small(**large)) for _ in range(2)]
    for piece in pieces:
        for number in range(1, 6):
            save(ann, piece.id, number, nth=number, **large)
    share(ann, pieces[0].id, user_id=ben.id, role="viewer")

    pages = export(ann)

    assert all(len(json.dumps(page)) < PAGE_BYTES for page in pages)
    assert len(pages) == 3
    assert histories(pages) == {piece.id: [1, 2, 3, 4, 5, 6] for piece in pieces}


def test_a_version_that_is_larger_than_a_page_comes_alone(people, composition, setting):
    (ann,) = people("ann")
    setting("max_document_bytes", 8 * 1024 * 1024)
    piece = composition(ann, small(text="x" * 5_000_000))
    save(ann, piece.id, 1, text="x" * 5_000_001)

    pages = export(ann)

    assert (len(pages), histories(pages)) == (2, {piece.id: [1, 2]})


def test_many_rows_about_a_person_are_paged_too(people, composition, admin):
    ann, ben = people("ann", "ben")
    admin.execute(
        """
        with made as (
          insert into public.user_compositions (owner_id, title)
          select %(ben)s::uuid, 'Number ' || n from generate_series(1, 2500) as n
          returning id
        )
        insert into public.shared_compositions (composition_id, user_id, role, created_by)
        select m.id, %(ann)s, 'viewer', %(ben)s from made as m
        """,
        {"ann": ann.id, "ben": ben.id},
    )
    piece = composition(ann)

    for person, name in ((ann, "shares_received"), (ben, "shares_given")):
        pages = export(person, row_limit=200)
        rows = [row["composition_id"] for row in merged(pages, name)]
        assert len(rows) == len(set(rows)) == 2500
        assert all(len(page.get(name, [])) <= 1000 for page in pages)
    assert histories(export(ann)) == {piece.id: [1]}
    assert len(histories(export(ben, row_limit=200))) == 2500


def test_every_written_version_comes_once_over_many_pages(people, composition, admin):
    ann, ben = people("ann", "ben")
    piece, other = composition(ann), composition(ann)
    for each in (piece, other):
        share(ann, each.id, user_id=ben.id, role="editor")
        admin.execute(
            """
            insert into public.composition_versions
              (composition_id, version, content_hash, kind, author_id, origin, message)
            select v.composition_id, n, v.content_hash, 'save', %s, v.origin, repeat('😀', 1000)
              from public.composition_versions as v, generate_series(2, 1300) as n
             where v.composition_id = %s
            """,
            (ben.id, each.id),
        )

    pages = export(ben)

    written = [(row["composition_id"], row["version"]) for row in merged(pages, "authored")]
    assert sorted(written) == sorted(
        (each.id, version) for each in (piece, other) for version in range(2, 1301)
    )
    assert all(len(json.dumps(page, ensure_ascii=False).encode()) < PAGE_BYTES for page in pages)


@pytest.mark.parametrize(
    "after",
    [
        "",
        "x",
        f"compositions_{NOBODY}",
        f"compositions_{NOBODY}_",
        f"compositions_{NOBODY}_-1",
        f"compositions_{NOBODY}_9999999999",
        f"compositions_{NOBODY}_1 ",
        f"accounts_{NOBODY}_1",
        f"compositions_compositions_{NOBODY}_1",
        f"_{NOBODY}_1",
        f"compositions_{NOBODY[:-1]}_1",
        "authored_1_1",
    ],
)
def test_a_cursor_that_no_page_gave_is_refused(people, after):
    (ann,) = people("ann")
    with refused("PT422", code="invalid_cursor"):
        ann.call("export_my_data", after=after)


def test_a_cursor_of_somebody_else_shows_nothing_of_theirs(people, composition):
    ann, ben = people("ann", "ben")
    pieces = [composition(ann, SMALLEST) for _ in range(2)]
    cursor = ann.call("export_my_data", row_limit=1)["next"]

    assert ben.call("export_my_data", after=cursor) == {"compositions": [], "next": None}
    assert cursor.split("_")[1] == min(piece.id for piece in pieces)


@pytest.mark.parametrize("row_limit", [0, -1, 201, None])
def test_a_limit_out_of_range_is_refused(people, row_limit):
    (ann,) = people("ann")
    with refused("PT422", code="invalid_argument", argument="row_limit"):
        ann.call("export_my_data", row_limit=row_limit)


def test_anon_and_a_token_without_a_subject_are_refused(people, anon):
    (ann,) = people("ann")
    with refused("42501"):
        anon.call("export_my_data")
    ann.claims.pop("sub")
    with refused("PT401", code="not_signed_in"):
        ann.call("export_my_data")


def test_of_an_account_that_is_gone_nothing_is_held(people, composition, admin):
    (ann,) = people("ann")
    composition(ann)
    admin.execute("delete from auth.users where id = %s", (ann.id,))

    assert ann.call("export_my_data") == {
        "account": None,
        "next": None,
        **{name: [] for name in LISTS},
    }
