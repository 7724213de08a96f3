import json

import pytest
from psycopg.types.json import Jsonb

from tests.people import refusal, refused
from tests.samples import SMALLEST, small


@pytest.fixture
def resolve():
    """What is shown in 'home', and the headers of the answer; None: nothing is pinned."""

    def answer(person, function="resolve_context"):
        with person.transaction():
            query = {
                "resolve_context": "select public.resolve_context('home')",
                "load_home": "select public.load_home()",
            }[function]
            (shown,) = person.connection.execute(query).fetchone()
            (headers,) = person.connection.execute(
                "select coalesce(nullif(current_setting('response.headers', true), ''), '[]')"
            ).fetchone()
        return shown, {
            name: value for header in json.loads(headers) for name, value in header.items()
        }

    return answer


def pin(person, composition_id, **arguments):
    return person.call(
        "pin_composition", context="home", composition_id=composition_id, **arguments
    )


def chosen(person, context="home"):
    return person.call("resolve_context", context=context)["composition_id"]


def test_it_is_a_load_with_a_reason(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)
    pin(ann, piece.id)

    shown = ann.call("resolve_context", context="home")

    loaded = ann.call("load_composition", composition_id=piece.id)
    assert shown.pop("reason") == {"scope": "me", "context": "home", "text": "pinned by you"}
    assert shown.pop("etag") != loaded.pop("etag")
    assert shown == loaded


def test_a_known_etag_leaves_the_document_out(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)
    pin(ann, piece.id)
    shown = ann.call("resolve_context", context="home")

    again = ann.call("resolve_context", context="home", known_etags=["x", shown["etag"]])

    assert again == {key: shown[key] for key in shown if key != "document"} | {"unchanged": True}
    ann.call("save_version", composition_id=piece.id, base_version=1, document=small())
    again = ann.call("resolve_context", context="home", known_etags=[shown["etag"]])
    assert again["document"] == small()


def test_own_layers_are_on_it(people, composition):
    (ann,) = people("ann")
    piece = composition(ann, small(n=1))
    pin(ann, piece.id)
    before = ann.call("resolve_context", context="home")
    patch = Jsonb([{"op": "replace", "path": "/body/n", "value": 2}])
    ann.call("set_layer", composition_id=piece.id, base_version=1, patch=patch)

    shown = ann.call("resolve_context", context="home")

    assert shown["document"] == small(n=2)
    assert [layer["state"] for layer in shown["layers"]] == ["applied"]
    assert shown["etag"] != before["etag"]


def test_own_pins_go_before_defaults_and_those_by_the_age_of_memberships(
    people, organization, composition, admin
):
    ann, ben = people("ann", "ben")
    places = [organization(ann, {ben: "member"}) for _ in range(3)]
    for place, age in zip(places, (1, 3, 2), strict=True):
        admin.execute(
            "update public.organization_members set created_at = now() - %s * interval '1 day'"
            " where organization_id = %s and user_id = %s",
            (age, place, ben.id),
        )
    defaults = [composition(ann, SMALLEST, organization_id=place).id for place in places]
    for default in defaults:
        pin(ann, default, scope="organization")
    mine = composition(ben, SMALLEST).id
    pin(ben, mine)
    newest, oldest, middle = defaults

    assert chosen(ben) == mine
    ben.call("unpin_composition", context="home")
    for expected, place in ((oldest, places[1]), (middle, places[2]), (newest, places[0])):
        reason = ben.call("resolve_context", context="home")["reason"]
        assert (chosen(ben), reason["organization_id"]) == (expected, place)
        ben.call("leave_organization", organization_id=place)
    with refused("PT404", code="nothing_pinned"):
        chosen(ben)


def test_of_memberships_of_one_age_the_id_of_the_organisation_decides(
    people, organization, composition, admin
):
    ann, ben = people("ann", "ben")
    defaults = {}
    for place in (organization(ann, {ben: "member"}) for _ in range(3)):
        defaults[place] = composition(ann, SMALLEST, organization_id=place).id
        pin(ann, defaults[place], scope="organization")
    admin.execute(
        "update public.organization_members set created_at = now() where user_id = %s", (ben.id,)
    )

    assert chosen(ben) == defaults[min(defaults)]


def test_what_may_not_be_viewed_now_is_passed_over_and_counts_again_later(
    people, organization, composition, resolve
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    default = composition(ann, SMALLEST, organization_id=northwind).id
    theirs = composition(ann, SMALLEST).id
    pin(ann, default, scope="organization")
    share = {"composition_id": theirs, "user_id": ben.id}
    ann.call("share_composition", **share, role="viewer", expires_at="2100-01-01")
    pin(ben, theirs)
    shown, headers = resolve(ben)
    assert (shown["composition_id"], headers) == (theirs, {"Access-Until": "4102444800000"})

    ann.call("unshare_composition", **share)
    for function in ("resolve_context", "load_home"):
        shown, headers = resolve(ben, function)
        shown = shown.get("home", shown)
        assert (shown["composition_id"], headers) == (default, {"Candidates-Skipped": "1"})

    ann.call("delete_composition", composition_id=default)
    with refused("PT404", code="nothing_pinned", skipped=2):
        chosen(ben)
    home, headers = resolve(ben, "load_home")
    assert (home["home"], headers) == (None, {"Candidates-Skipped": "2"})

    ann.call("undelete_composition", composition_id=default)
    ann.call("share_composition", **share, role="viewer")
    shown, headers = resolve(ben)
    assert (shown["composition_id"], headers) == (theirs, {})


def test_owners_do_not_resolve_into_the_trash(people, composition):
    (ann,) = people("ann")
    piece = composition(ann, SMALLEST)
    pin(ann, piece.id)
    ann.call("delete_composition", composition_id=piece.id)

    with refused("PT404", code="nothing_pinned", skipped=1):
        chosen(ann)


def test_a_default_that_a_member_may_not_view_is_not_told_from_one_on_something_else(
    people, organization, composition
):
    """That there is one they know; neither what it is on, nor whether that is there."""
    ann, ben = people("ann", "ben")
    northwind, acme = organization(ann, {ben: "member"}), organization(ann)
    answers = []
    for lose in ("transfer_composition", "delete_composition"):
        piece = composition(ann, SMALLEST, organization_id=northwind, title=lose).id
        pin(ann, piece, scope="organization")
        where = {"organization_id": acme} if lose == "transfer_composition" else {}
        ann.call(lose, composition_id=piece, **where)
        home = ben.call("load_home")
        answers.append((refusal(ben, "resolve_context", context="home"), home))
        assert ben.call("list_pins") == []
        assert piece not in str(home)

    assert answers[0] == answers[1]


def test_who_leaves_is_shown_the_default_no_longer(around):
    pin(around.people["owner"], around.composition_id, scope="organization")
    member = around.people["member"]
    assert chosen(member) == around.composition_id
    for who in ("viewer", "editor", "stranger"):
        with refused("PT404", code="nothing_pinned"):
            chosen(around.people[who])

    member.call("leave_organization", organization_id=around.organization_id)

    with refused("PT404", code="nothing_pinned"):
        chosen(member)


def test_the_name_of_the_organisation_is_in_the_reason_and_in_the_etag(around, admin):
    pin(around.people["owner"], around.composition_id, scope="organization")
    member = around.people["member"]
    before = member.call("resolve_context", context="home")
    assert before["reason"] == {
        "scope": "organization",
        "organization_id": around.organization_id,
        "context": "home",
        "text": "default of Northwind",
    }

    admin.execute(
        "update public.organizations set name = 'Acme' where id = %s", (around.organization_id,)
    )

    after = member.call("resolve_context", context="home", known_etags=[before["etag"]])
    assert after["reason"]["text"] == "default of Acme"
    assert after["etag"] != before["etag"]


def test_anon_resolves_nothing(anon):
    for function in ("resolve_context", "load_home", "list_pins"):
        with refused("42501"):
            anon.call(function, **({"context": "home"} if function == "resolve_context" else {}))


def test_no_context_has_nothing_pinned(people):
    (ann,) = people("ann")
    with refused("PT404", code="nothing_pinned"):
        ann.call("resolve_context", context=None)
