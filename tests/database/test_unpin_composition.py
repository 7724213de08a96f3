import pytest

from tests.people import NOBODY, refused
from tests.samples import SMALLEST


def test_what_was_pinned_before_counts_again(around):
    admin, member = around.people["admin"], around.people["member"]
    other = member.call("create_composition", title="Mine", document=SMALLEST)["composition_id"]
    pin = {"context": "home", "composition_id": around.composition_id, "position": 2}
    admin.call("pin_composition", **pin, scope="organization")
    member.call("pin_composition", context="home", composition_id=other)

    assert member.call("unpin_composition", context="home") == {
        "context": "home",
        "scope": "me",
        "organization_id": None,
        "composition_id": other,
        "position": 0,
    }
    shown = member.call("resolve_context", context="home")
    assert (shown["composition_id"], shown["reason"]["scope"]) == (
        around.composition_id,
        "organization",
    )

    ours = {"context": "home", "scope": "organization", "organization_id": around.organization_id}
    assert admin.call("unpin_composition", **ours) == ours | {
        "composition_id": around.composition_id,
        "position": 2,
    }
    with refused("PT404", code="nothing_pinned"):
        member.call("resolve_context", context="home")


@pytest.mark.parametrize(
    ("who", "sqlstate", "code"),
    [
        ("stranger", "PT404", "organization_not_found"),
        ("viewer", "PT404", "organization_not_found"),
        ("editor", "PT404", "organization_not_found"),
        ("member", "PT403", "organization_role_too_low"),
    ],
)
def test_only_admins_unpin_for_an_organisation(around, who, sqlstate, code):
    pin = {"context": "home", "composition_id": around.composition_id}
    around.people["owner"].call("pin_composition", **pin, scope="organization")

    with refused(sqlstate, code=code):
        around.people[who].call(
            "unpin_composition",
            context="home",
            scope="organization",
            organization_id=around.organization_id,
        )
    with refused("PT404", code="pin_not_found"):
        around.people[who].call("unpin_composition", context="home")
    assert len(around.people["owner"].call("list_pins")) == 1


def test_anon_unpins_nothing(anon):
    with refused("42501"):
        anon.call("unpin_composition", context="home")


def test_what_may_not_be_viewed_now_is_unpinned_without_its_id(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann, SMALLEST)
    share = {"composition_id": piece.id, "user_id": ben.id}
    ann.call("share_composition", **share, role="viewer")
    ben.call("pin_composition", context="home", composition_id=piece.id)
    ann.call("unshare_composition", **share)

    assert ben.call("unpin_composition", context="home")["composition_id"] is None

    ann.call("share_composition", **share, role="viewer")
    assert ben.call("list_pins") == []


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        ({"scope": "organization"}, {"argument": "organization_id"}),
        ({"scope": "all"}, {"argument": "scope"}),
        ({"organization_id": NOBODY}, {"argument": "organization_id"}),
        ({"origin": {"kind": "merge"}}, {"argument": "origin", "key": "kind"}),
    ],
    ids=str,
)
def test_other_arguments_are_refused(people, composition, arguments, facts):
    (ann,) = people("ann")
    ann.call("pin_composition", context="a", composition_id=composition(ann, SMALLEST).id)

    with refused("PT422", code="invalid_argument", **facts):
        ann.call("unpin_composition", context="a", **arguments)
    assert len(ann.call("list_pins")) == 1


def test_a_change_that_belongs_to_a_turn_is_noted(people, composition, admin):
    (ann,) = people("ann")
    one, other = composition(ann, SMALLEST), composition(ann, SMALLEST)
    origin = {"agent": "designer", "conversation": "c", "turn": "7"}
    for piece in (one, other):
        pin = {"context": "home", "composition_id": piece.id}
        ann.call("pin_composition", **pin, origin=origin)
    ann.call("unpin_composition", context="home", origin=origin)
    ann.call("pin_composition", context="home", composition_id=one.id)

    noted = admin.execute(
        "select t.before ->> 'composition_id', t.after ->> 'composition_id', t.context"
        "  from private.turn_changes as t where t.user_id = %s and t.kind = 'pin' order by t.id",
        (ann.id,),
    ).fetchall()
    assert noted == [(None, one.id, "home"), (one.id, other.id, "home"), (other.id, None, "home")]
