"""Layers: how they are set, what they lie on, and what loads make of them."""

import pytest
from psycopg.types.json import Jsonb

from tests.database.conftest import one_kind
from tests.layers import add, fits, lay, shown
from tests.people import in_turn, refused
from tests.samples import small

pytestmark = one_kind


@pytest.fixture
def shared(people, composition):
    """A composition of ann's that ben may view."""
    ann, ben = people("ann", "ben")
    piece = composition(ann, small(long="a" * 200, a=1, b=1))
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")
    return ann, ben, piece.id


BETTER = add("/body/a", 3)


def save(person, composition_id, base_version, **body):
    person.call(
        "save_version",
        composition_id=composition_id,
        base_version=base_version,
        document=small(long="a" * 200, **body),
    )


def test_a_viewer_changes_what_they_see_and_nobody_else_does(shared):
    ann, ben, piece = shared
    before = ann.call("load_composition", composition_id=piece)

    layer = lay(ben, piece, add("/body/a", 2), origin={"agent": "designer"})

    assert (layer["state"], layer["paths"], layer["changes"]) == ("applied", [], ["/body/a"])
    assert layer["patch"] == [{"op": "replace", "path": "/body/a", "value": 2}]
    assert len(layer["sentences"]) == 1
    assert (layer["base_version"], layer["version"]) == (1, 1)
    assert ben.rows("select origin from composition_layers") == [
        ({"kind": "agent", "agent": "designer"},)
    ]
    loaded = ben.call("load_composition", composition_id=piece)
    assert loaded["layers"] == [{"scope": "me", "base_version": 1, "state": "applied", "paths": []}]
    assert loaded["document"]["body"]["a"] == 2
    assert loaded["content_hash"] == before["content_hash"]
    assert ann.call("load_composition", composition_id=piece) == before
    plain = ben.call("load_composition", composition_id=piece, layered=False)
    assert plain["document"] == before["document"] and "layers" not in plain
    assert plain["etag"] != loaded["etag"]


def test_an_etag_is_another_one_after_every_change_of_a_layer(shared):
    _, ben, piece = shared
    etags = [ben.call("load_composition", composition_id=piece)["etag"]]
    for value in (2, 3, 2):
        lay(ben, piece, add("/body/a", value))
        etags.append(ben.call("load_composition", composition_id=piece)["etag"])
        known = ben.call("load_composition", composition_id=piece, known_etags=etags[-1:])
        assert known["unchanged"] and "document" not in known
    ben.call("reset_layer", composition_id=piece)

    assert len(set(etags)) == 4
    assert ben.call("load_composition", composition_id=piece)["etag"] == etags[0]


def test_audits_know_the_etags_of_layers(shared, service_role):
    ann, ben, piece = shared
    lay(ben, piece, add("/body/a", 2))
    entries = [{"composition_id": piece, "user_id": person.id} for person in (ann, ben)]

    known = service_role.call("current_etags", entries=Jsonb(entries))

    assert [entry["etag"] for entry in known] == [
        person.call("load_composition", composition_id=piece)["etag"] for person in (ann, ben)
    ]
    (warm,) = service_role.call("load_for_warming", composition_ids=[piece])
    assert warm == ben.call("load_composition", composition_id=piece, layered=False)


def test_who_has_a_link_sees_no_layer(shared):
    ann, _, piece = shared
    lay(ann, piece, add("/body/a", 2))
    link = ann.call("create_share_link", composition_id=piece, role="viewer")

    assert ann.call("open_share_link", token=link["token"])["document"]["body"]["a"] == 1


def test_a_layer_stays_as_the_composition_changes(shared):
    ann, ben, piece = shared
    lay(ben, piece, add("/body/a", 2), add("/body/mine", 1))

    save(ann, piece, 1, a=1, b=2)
    assert fits(ben, piece) == [("me", "applied", [])]
    assert shown(ben, piece) == {"long": "a" * 200, "a": 2, "b": 2, "mine": 1}

    save(ann, piece, 2, a=3, b=2)
    layer = ben.call("get_layer", composition_id=piece)
    assert (layer["state"], layer["paths"]) == ("conflict", ["/body/a"])
    assert layer["conflicts"] == [
        {"path": "/body/a", "kind": "both_changed", "base": 1, "head": 3, "mine": 2}
    ]
    assert shown(ben, piece)["a"] == 3 and shown(ben, piece)["mine"] == 1

    save(ann, piece, 3, b=2)
    assert fits(ben, piece) == [("me", "stale", ["/body/a"])]
    assert "a" not in shown(ben, piece)


def tree(**children):
    """Boxes in a column, each with the texts that are named."""
    boxes = {name: {"component": "Column", "children": texts} for name, texts in children.items()}
    texts = {text for box in children.values() for text in box}
    return {
        "format": "composition/1",
        "dialect": "a2ui/0.9.1",
        "root": "root",
        "components": boxes
        | {text: {"component": "Text", "text": text} for text in texts}
        | {"root": {"component": "Column", "children": list(children)}},
    }


def test_a_layer_that_breaks_the_structure_of_a_later_head_is_left_out_whole(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann, tree(left=["a", "moved"], middle=["b"], right=["c"]))
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")
    lay(
        ben,
        piece.id,
        add("/components/left/children", ["a"]),
        add("/components/middle/children", ["b", "moved"]),
        add("/components/a/text", "mine"),
    )
    head = tree(left=["a"], middle=["b"], right=["c", "moved"])
    ann.call("save_version", composition_id=piece.id, base_version=1, document=head)

    loaded = ben.call("load_composition", composition_id=piece.id)

    assert loaded["document"] == head
    ((layer),) = loaded["layers"]
    assert (layer["state"], layer["paths"]) == ("conflict", [""])
    assert layer["conflicts"][0]["problems"][0]["code"] == "two_parents"
    with refused("PT409", code="layer_conflict"):
        ben.call("promote_layer", composition_id=piece.id, into="fork")
    changes = ["/components/left/children", "/components/middle/children"]
    ben.call("reset_layer", composition_id=piece.id, paths=changes)
    assert fits(ben, piece.id) == [("me", "applied", [])]


def test_a_layer_replaces_the_one_before_or_extends_it(shared):
    ann, ben, piece = shared
    lay(ben, piece, add("/body/a", 2))
    save(ann, piece, 1, a=1, b=1, c=1)

    lay(ben, piece, add("/body/b", 2), base_version=2, mode="extend")
    assert shown(ben, piece) == {"long": "a" * 200, "a": 2, "b": 2, "c": 1}

    lay(ben, piece, add("/body/c", 2), base_version=1)
    assert shown(ben, piece) == {"long": "a" * 200, "a": 1, "b": 1, "c": 1}
    assert fits(ben, piece) == [("me", "conflict", ["/body/c"])]

    layer = lay(ben, piece, add("/body/b", 3), base_version=2, mode="extend")
    assert (layer["state"], layer["changes"]) == ("applied", ["/body/b"]), "what did not apply went"


def test_a_merge_patch_does_as_well(shared):
    _, ben, piece = shared
    patch = Jsonb({"body": {"a": None, "b": 2}})

    ben.call("set_layer", composition_id=piece, base_version=1, patch=patch, format="merge-patch")

    assert shown(ben, piece) == {"long": "a" * 200, "b": 2}


def test_a_layer_that_changes_nothing_is_none(shared):
    _, ben, piece = shared
    lay(ben, piece, add("/body/a", 2))

    layer = lay(ben, piece, {"op": "test", "path": "/body/a", "value": 1})

    assert (layer["state"], layer["base_version"], layer["updated_at"]) == ("none", None, None)
    assert ben.rows("select 1 from composition_layers") == []
    assert "layers" not in ben.call("load_composition", composition_id=piece)


@pytest.mark.parametrize(
    ("sqlstate", "code", "operations", "how"),
    [
        ("PT422", "invalid_document", [add("/format", "none")], {}),
        ("PT409", "patch_path_not_found", [add("/no/where", 1)], {}),
        ("PT409", "patch_test_failed", [{**add("/body/a", 2), "op": "test"}], {}),
        ("PT422", "invalid_patch", [{"op": "grow"}], {}),
        ("PT404", "version_not_found", [BETTER], {"base_version": 9}),
        ("PT422", "invalid_argument", [BETTER], {"base_version": None}),
        ("PT422", "invalid_argument", [BETTER], {"scope": "all"}),
        ("PT422", "invalid_argument", [BETTER], {"scope": None}),
        ("PT422", "invalid_argument", [BETTER], {"mode": None}),
        ("PT422", "invalid_argument", [BETTER], {"format": "yaml"}),
        ("PT422", "invalid_argument", [BETTER], {"origin": {"who": "me"}}),
        (
            "PT422",
            "invalid_argument",
            [BETTER],
            {"organization_id": "00000000-0000-4000-8000-000000000000"},
        ),
        ("PT404", "organization_not_found", [BETTER], {"scope": "organization"}),
    ],
)
def test_what_is_refused_changes_nothing(shared, sqlstate, code, operations, how):
    _, ben, piece = shared
    lay(ben, piece, add("/body/a", 2))
    before = ben.call("get_layer", composition_id=piece)

    with refused(sqlstate, code=code):
        lay(ben, piece, *operations, **how)

    assert ben.call("get_layer", composition_id=piece) == before


ORGANISERS = {
    "stranger": ("PT404", "composition_not_found"),
    "viewer": ("PT404", "organization_not_found"),
    "editor": ("PT404", "organization_not_found"),
    "member": ("PT403", "organization_role_too_low"),
}


@pytest.mark.parametrize("function", ["set_layer", "reset_layer", "promote_layer"])
@pytest.mark.parametrize("who", ORGANISERS)
def test_the_layer_of_an_organisation_is_for_its_admins_to_change(around, who, function):
    person, owner = around.people[who], around.people["owner"]
    lay(around.people["admin"], around.composition_id, add("/body/ours", 1), scope="organization")
    sqlstate, code = ORGANISERS[who]
    into = {"into": "fork"} if function == "promote_layer" else {}

    with refused(sqlstate, code=code):
        if function == "set_layer":
            lay(person, around.composition_id, add("/body/ours", 2), scope="organization")
        else:
            person.call(
                function, composition_id=around.composition_id, scope="organization", **into
            )

    assert shown(owner, around.composition_id) == {"ours": 1}


def test_a_save_waits_for_a_layer_and_both_are_there(shared):
    ann, ben, piece = shared

    in_turn(
        ben,
        lambda: ben.connection.execute(
            "select public.set_layer(%s, 1, %s)", (piece, Jsonb([add("/body/a", 2)]))
        ),
        ann,
        lambda: save(ann, piece, 1, a=1, b=2),
    )

    assert shown(ben, piece) == {"long": "a" * 200, "a": 2, "b": 2}


def test_a_layer_waits_for_a_save_and_is_on_the_version_that_it_names(shared):
    ann, ben, piece = shared
    document = Jsonb(small(long="a" * 200, a=1, b=2))

    layer = in_turn(
        ann,
        lambda: ann.connection.execute("select public.save_version(%s, 1, %s)", (piece, document)),
        ben,
        lambda: lay(ben, piece, add("/body/a", 2)),
    )

    assert (layer["base_version"], layer["version"]) == (1, 2)
    assert shown(ben, piece) == {"long": "a" * 200, "a": 2, "b": 2}


@pytest.mark.parametrize("is_there", [False, True])
def test_two_devices_extend_one_layer_one_after_the_other(shared, twin, is_there):
    _, ben, piece = shared
    phone = twin(ben)
    if is_there:
        lay(ben, piece, add("/body/c", 2))
    extend = "select public.set_layer(%s, 1, %s, mode => 'extend')"

    in_turn(
        ben,
        lambda: ben.connection.execute(extend, (piece, Jsonb([add("/body/a", 2)]))),
        phone,
        lambda: lay(phone, piece, add("/body/b", 2), mode="extend"),
    )

    assert shown(ben, piece) == {"long": "a" * 200, "a": 2, "b": 2} | ({"c": 2} if is_there else {})


def test_a_layer_waits_for_a_reset(shared, twin):
    _, ben, piece = shared
    phone = twin(ben)
    lay(ben, piece, add("/body/a", 2))

    in_turn(
        ben,
        lambda: ben.connection.execute("select public.reset_layer(%s)", (piece,)),
        phone,
        lambda: lay(phone, piece, add("/body/b", 2), mode="extend"),
    )

    assert shown(ben, piece) == {"long": "a" * 200, "a": 1, "b": 2}


def test_others_do_not_wait_for_a_layer(shared):
    ann, ben, piece = shared

    with ben.transaction():
        ben.connection.execute(
            "select public.set_layer(%s, 1, %s)", (piece, Jsonb([add("/body/a", 2)]))
        )
        lay(ann, piece, add("/body/a", 3))

    assert (shown(ann, piece)["a"], shown(ben, piece)["a"]) == (3, 2)


def test_who_was_refused_access_meanwhile_sets_no_layer(shared):
    ann, ben, piece = shared

    with refused("PT404", code="composition_not_found"):
        in_turn(
            ann,
            lambda: ann.connection.execute(
                "select public.unshare_composition(%s, %s)", (piece, ben.id)
            ),
            ben,
            lambda: lay(ben, piece, add("/body/a", 2)),
        )


def test_who_is_no_admin_any_more_sets_no_layer_for_the_organisation(around):
    owner, admin = around.people["owner"], around.people["admin"]
    change = "select public.set_organization_role(%s, %s, 'member')"

    with refused("PT403", code="organization_role_too_low"):
        in_turn(
            owner,
            lambda: owner.connection.execute(change, (around.organization_id, admin.id)),
            admin,
            lambda: lay(admin, around.composition_id, add("/body/ours", 1), scope="organization"),
        )


def test_versions_are_purged_around_a_layer_that_is_being_set(shared, setting, admin, service_role):
    ann, ben, piece = shared
    save(ann, piece, 1, a=1, b=2)
    setting("min_versions_kept", 1)
    admin.execute(
        "update public.composition_versions set created_at = now() - interval '200 years'"
        " where composition_id = %s",
        (piece,),
    )

    with ben.transaction():
        ben.connection.execute(
            "select public.set_layer(%s, 1, %s)", (piece, Jsonb([add("/body/a", 2)]))
        )
        service_role.call("purge_versions")
        (kept,) = admin.execute(
            "select count(*) from public.composition_versions where composition_id = %s", (piece,)
        ).fetchone()
        assert kept == 2

    service_role.call("purge_versions")
    assert fits(ben, piece) == [("me", "applied", [])]
    assert shown(ben, piece) == {"long": "a" * 200, "a": 2, "b": 2}


def test_a_lowered_limit_refuses_new_layers_and_leaves_loads_alone(shared, setting):
    _, ben, piece = shared
    lay(ben, piece, add("/body/a", "b" * 5000))
    setting("max_document_bytes", 400)

    assert shown(ben, piece)["a"] == "b" * 5000
    with refused("PT422"):
        lay(ben, piece, add("/body/a", "c" * 5000))
