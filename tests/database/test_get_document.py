from uuid import uuid4

import pytest

from tests.people import refused
from tests.samples import SMALLEST, small

NOTHING = "0" * 64


def test_everybody_who_views_a_version_gets_its_document(around, subtests):
    owner, it = around.people["owner"], {"composition_id": around.composition_id}
    hashes = {
        owner.call("load_composition", **it)["content_hash"]: SMALLEST,
        owner.call("save_version", **it, base_version=1, document=small())["content_hash"]: small(),
    }

    for who in ("viewer", "editor", "member", "admin", "owner"):
        for content_hash, document in hashes.items():
            with subtests.test(who=who):
                assert around.people[who].call("get_document", content_hash=content_hash) == {
                    "content_hash": content_hash,
                    "document": document,
                }


def unique(owner, composition, **arguments):
    """A composition with content that nobody else has, and its hash."""
    piece = composition(owner, small(marker=str(uuid4())), **arguments)
    return piece, owner.call("load_composition", composition_id=piece.id)["content_hash"]


@pytest.mark.parametrize("how", ["unshared", "ended", "left", "trashed", "purged"])
def test_it_goes_with_the_right_to_view(people, composition, organization, admin, how):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"}) if how == "left" else None
    piece, content_hash = unique(ann, composition, organization_id=northwind)
    it = {"composition_id": piece.id}
    if how != "left":
        ann.call("share_composition", **it, user_id=ben.id, role="viewer")
    assert ben.call("get_document", content_hash=content_hash)["document"] == piece.document

    if how == "unshared":
        ann.call("unshare_composition", **it, user_id=ben.id)
    elif how == "ended":
        admin.execute(
            "update public.shared_compositions set expires_at = now() where composition_id = %s",
            (piece.id,),
        )
    elif how == "left":
        ben.call("leave_organization", organization_id=northwind)
    else:
        ann.call("delete_composition", **it)
        if how == "purged":
            ann.call("purge_composition", **it)

    for person in [ben] if how in ("unshared", "ended", "left") else [ann, ben]:
        with refused("PT404", code="document_not_found"):
            person.call("get_document", content_hash=content_hash)


@pytest.mark.parametrize(
    "content_hash", [NOTHING, NOTHING.upper(), "f" * 63, "F" * 64, "", None, "\\x00", "g" * 64]
)
def test_what_nothing_has_is_not_found(people, composition, content_hash):
    (ann,) = people("ann")
    composition(ann)
    with refused("PT404", code="document_not_found"):
        ann.call("get_document", content_hash=content_hash)


def test_what_others_have_costs_no_more_than_what_nobody_has(people, composition):
    ann, ben = people("ann", "ben")
    piece, content_hash = unique(ben, composition)
    for _ in range(30):
        composition(ben, piece.document)
    composition(ann)

    def reads():
        rows = ann.connection.execute(
            "select t.relname, t.seq_scan, t.idx_scan, t.seq_tup_read, t.idx_tup_fetch"
            "  from pg_stat_xact_user_tables as t where t.schemaname = 'public'"
        )
        return {name: counts for name, *counts in rows}

    def looks(wanted):
        with ann.transaction():
            before = reads()
            with refused("PT404", code="document_not_found"), ann.connection.transaction():
                ann.connection.execute("select public.get_document(%s)", (wanted,))
            after = reads()
        return {
            table: [count - old for count, old in zip(after[table], before[table], strict=True)]
            for table in after
        }

    found = looks(content_hash)
    assert sum(found["composition_versions"]) > 0, "it has looked"
    assert found == looks(NOTHING)
