from tests.people import refused
from tests.samples import small


def test_a_restore_is_a_new_version_with_the_old_content(people, composition):
    (ann,) = people("ann")
    piece = composition(ann, title="Before")
    ann.call("save_version", composition_id=piece.id, base_version=1, document=small(n=2))
    ann.rows("update user_compositions set title = 'After' where id = %s returning id", piece.id)

    restored = ann.call("restore_version", composition_id=piece.id, version=1, message="Oops")

    loaded = ann.call("load_composition", composition_id=piece.id)
    assert (restored["version"], loaded["version"]) == (3, 3)
    assert loaded["document"] == piece.document
    assert loaded["title"] == "After", "content only"
    third = ann.call("get_version", composition_id=piece.id, version=3)
    assert (third["kind"], third["origin"]) == ("restore", {"kind": "restore", "version": 1})
    assert (third["message"], third["parent_version"]) == ("Oops", 2)


def test_viewers_and_strangers_restore_nothing(people, composition):
    ann, ben, cy = people("ann", "ben", "cy")
    piece = composition(ann)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")

    for version in (1, 9):
        with refused("PT403", code="composition_read_only"):
            ben.call("restore_version", composition_id=piece.id, version=version)
        with refused("PT404", code="composition_not_found"):
            cy.call("restore_version", composition_id=piece.id, version=version)

    assert ann.call("load_composition", composition_id=piece.id)["version"] == 1


def test_a_version_that_is_not_there_is_not_restored(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)
    with refused("PT404", code="version_not_found"):
        ann.call("restore_version", composition_id=piece.id, version=2)
