from tests.people import NOBODY, refused
from tests.samples import small

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
