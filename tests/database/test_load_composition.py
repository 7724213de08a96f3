from datetime import timedelta

import pytest

from tests.people import NOBODY, refused
from tests.samples import SMALLEST, small

KEYS = {
    "composition_id",
    "title",
    "description",
    "tags",
    "owner_id",
    "organization_id",
    "role",
    "version",
    "content_hash",
    "etag",
    "updated_at",
    "forked_from_id",
    "forked_from_version",
    "document",
}


def test_an_owner_loads_the_head(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)

    loaded = ann.call("load_composition", composition_id=piece.id)

    assert set(loaded) == KEYS
    assert (loaded["composition_id"], loaded["owner_id"]) == (piece.id, ann.id)
    assert (loaded["role"], loaded["version"]) == ("owner", 1)
    assert loaded["document"] == piece.document


def test_strangers_and_random_ids_get_the_same_answer(people, composition, anon):
    ann, ben = people("ann", "ben")
    piece = composition(ann)

    for composition_id in (piece.id, NOBODY, None):
        with refused("PT404", code="composition_not_found"):
            ben.call("load_composition", composition_id=composition_id)
    with refused("42501"):
        anon.call("load_composition", composition_id=piece.id)


def test_every_way_of_seeing_gives_its_role(people, composition, organization):
    ann, viewer, editor, admin, member, both = people(
        "ann", "viewer", "editor", "admin", "member", "both"
    )
    northwind = organization(ann, {admin: "admin", member: "member", both: "member"})
    piece = composition(ann, organization_id=northwind)
    ann.call("share_composition", composition_id=piece.id, user_id=viewer.id, role="viewer")
    ann.call("share_composition", composition_id=piece.id, user_id=editor.id, role="editor")
    ann.call("share_composition", composition_id=piece.id, user_id=both.id, role="editor")

    roles = {
        name: person.call("load_composition", composition_id=piece.id)["role"]
        for name, person in [
            ("viewer", viewer),
            ("editor", editor),
            ("admin", admin),
            ("member", member),
            ("both", both),
        ]
    }

    assert roles == {
        "viewer": "viewer",
        "editor": "editor",
        "admin": "owner",
        "member": "viewer",
        "both": "editor",
    }


def test_the_etag_changes_with_whatever_the_answer_shows(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")

    def etag(person):
        return person.call("load_composition", composition_id=piece.id)["etag"]

    seen = [etag(ann)]
    assert etag(ann) == seen[0]
    seen.append(etag(ben))
    ann.call("save_version", composition_id=piece.id, base_version=1, document=small())
    seen.append(etag(ann))
    ann.rows("update user_compositions set title = 'New' where id = %s returning id", piece.id)
    seen.append(etag(ann))
    ann.rows("update user_compositions set tags = '{x}' where id = %s returning id", piece.id)
    seen.append(etag(ann))

    assert len(set(seen)) == len(seen)


def test_the_etag_does_not_depend_on_how_a_client_likes_its_times(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)
    before = ann.call("load_composition", composition_id=piece.id)

    ann.connection.execute("set timezone = 'America/Los_Angeles'")

    assert ann.call("load_composition", composition_id=piece.id) == before


def test_who_knows_the_etag_gets_no_document(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")
    whole = ann.call("load_composition", composition_id=piece.id)
    bens = ben.call("load_composition", composition_id=piece.id)

    known = ann.call(
        "load_composition", composition_id=piece.id, known_etags=[bens["etag"], whole["etag"]]
    )

    assert known == {key: whole[key] for key in KEYS - {"document"}} | {"unchanged": True}
    for etags in ([], [bens["etag"]], ["x", None], None):
        assert ann.call("load_composition", composition_id=piece.id, known_etags=etags) == whole
    with refused("PT404", code="composition_not_found"):
        ben.call("load_composition", composition_id=NOBODY, known_etags=[bens["etag"]])


def test_people_with_the_same_etag_have_the_same_answer(people, composition, organization):
    ann, ben, cleo = people("ann", "ben", "cleo")
    northwind = organization(ann, {ben: "member"})
    piece = composition(ann, organization_id=northwind)
    share = {"composition_id": piece.id, "user_id": cleo.id, "role": "viewer"}
    ann.call("share_composition", **share, expires_at="2100-01-01T00:00:00Z")

    answers = [person.call("load_composition", composition_id=piece.id) for person in (ben, cleo)]

    assert answers[0] == answers[1]


MINUTE = 60_000


@pytest.fixture
def soon(admin):
    """A time to come, from which tests count minutes."""
    (time,) = admin.execute("select date_trunc('second', now()) + interval '1 hour'").fetchone()
    return time


@pytest.fixture
def until(soon):
    """The header Access-Until of a load, in minutes from soon."""

    def load(person, composition_id):
        with person.transaction():
            person.connection.execute("select public.load_composition(%s)", (composition_id,))
            (headers,) = person.connection.execute(
                "select nullif(current_setting('response.headers', true), '')::jsonb"
            ).fetchone()
        if headers is None:
            return None
        ((name, milliseconds),) = (item for header in headers for item in header.items())
        assert name == "Access-Until"
        return (int(milliseconds) - soon.timestamp() * 1000) / MINUTE

    return load


# What somebody has of a composition (a role, and for how many minutes; None: for good), and when
# that becomes less.
ENDS: dict[str, tuple[list[tuple[str, str, float | None]], float | None]] = {
    "a share for good": ([("user", "viewer", None)], None),
    "a share that ends": ([("user", "viewer", 5)], 5),
    "an editor's": ([("user", "editor", 5)], 5),
    "one that is over, and one for good": (
        [("user", "editor", -120), ("org", "viewer", None)],
        None,
    ),
    "the lower one for good": ([("user", "editor", 5), ("org", "viewer", None)], 5),
    "the higher one for good": ([("user", "viewer", 5), ("org", "editor", None)], None),
    "the same for longer": ([("user", "viewer", 5), ("org", "viewer", 7)], 7),
    "the same for good": ([("user", "viewer", 5), ("org", "viewer", None)], None),
    "the lower one for longer": ([("user", "editor", 5), ("org", "viewer", 7)], 5),
    "the higher one for longer": ([("user", "viewer", 5), ("org", "editor", 7)], 7),
    "through an organisation": ([("org", "viewer", 5)], 5),
    "a membership": ([("member", "", None), ("user", "viewer", 5)], None),
    "a membership and more": ([("member", "", None), ("user", "editor", 5)], 5),
    "an admin's": ([("admin", "", None), ("user", "editor", 5)], None),
    "the owner's": ([("owner", "", None), ("org", "editor", 5)], None),
    "less than a millisecond": ([("user", "viewer", 0.0000099)], 0),
}


@pytest.mark.parametrize("case", ENDS)
def test_a_load_says_when_the_role_ends_by_itself(
    people, composition, organization, admin, soon, until, case
):
    has, expected = ENDS[case]
    ann, ben, cleo = people("ann", "ben", "cleo")
    kinds = {kind for kind, _, _ in has}
    rank = "admin" if "admin" in kinds else "member"
    home = organization(ann, {ben: rank} if kinds & {"member", "admin"} else {})
    guests = organization(cleo, {ben: "member"})
    cleo.call("add_organization_member", organization_id=guests, user_id=ann.id, role="member")
    piece = composition(
        ben if "owner" in kinds else ann,
        SMALLEST,
        **({"organization_id": home} if "owner" not in kinds else {}),
    )
    for kind, role, minutes in has:
        if kind in ("user", "org"):
            admin.execute(
                "insert into public.shared_compositions"
                " (composition_id, user_id, organization_id, role, expires_at)"
                " values (%s, %s, %s, %s, %s)",
                (
                    piece.id,
                    ben.id if kind == "user" else None,
                    guests if kind == "org" else None,
                    role,
                    None if minutes is None else soon + timedelta(minutes=minutes),
                ),
            )

    assert until(ben, piece.id) == expected
    assert "until" not in ben.call("load_composition", composition_id=piece.id)


def test_a_role_that_a_link_gave_ends_with_the_link(people, composition, soon, until):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    link = ann.call(
        "create_share_link",
        composition_id=piece.id,
        role="editor",
        expires_at=soon + timedelta(minutes=5),
    )
    ben.call("accept_share_link", token=link["token"])

    assert until(ben, piece.id) == 5


def test_other_headers_of_the_answer_stay(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    share = {"composition_id": piece.id, "user_id": ben.id, "role": "viewer"}
    ann.call("share_composition", **share, expires_at="2100-01-01T00:00:00Z")

    with ben.transaction():
        ben.connection.execute(
            "select set_config('response.headers', '[{\"X-Host\": \"a\"}]', true)"
        )
        ben.connection.execute("select public.load_composition(%s)", (piece.id,))
        row = ben.connection.execute("select current_setting('response.headers')::jsonb").fetchone()

    assert row == ([{"X-Host": "a"}, {"Access-Until": "4102444800000"}],)
