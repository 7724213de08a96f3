import pytest

from tests.people import NOBODY, in_turn, refusal, refused
from tests.samples import SMALLEST


def pin(person, composition_id, context="home", **arguments):
    return person.call(
        "pin_composition", context=context, composition_id=composition_id, **arguments
    )


def test_a_viewer_pins_for_themselves(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")

    assert pin(ben, piece.id, "route:/videos", position=2) == {
        "context": "route:/videos",
        "scope": "me",
        "organization_id": None,
        "composition_id": piece.id,
        "position": 2,
    }
    shown = ben.call("resolve_context", context="route:/videos")
    assert (shown["composition_id"], shown["role"]) == (piece.id, "viewer")
    with refused("PT404", code="nothing_pinned"):
        ann.call("resolve_context", context="route:/videos")


def test_a_pin_replaces_the_one_that_is_there_and_keeps_its_position(people, composition, admin):
    (ann,) = people("ann")
    one, other = composition(ann, SMALLEST), composition(ann, SMALLEST)
    assert pin(ann, one.id)["position"] == 0
    pin(ann, one.id, position=-3)

    replaced = pin(ann, other.id)

    assert (replaced["composition_id"], replaced["position"]) == (other.id, -3)
    pins = admin.execute(
        "select composition_id::text from public.composition_pins where user_id = %s", (ann.id,)
    ).fetchall()
    assert pins == [(other.id,)]


@pytest.mark.parametrize(
    ("who", "error"),
    [
        ("stranger", ("PT404", "composition_not_found")),
        ("viewer", ("PT404", "organization_not_found")),
        ("editor", ("PT404", "organization_not_found")),
        ("member", ("PT403", "organization_role_too_low")),
    ],
)
def test_only_admins_pin_for_an_organisation(around, who, error):
    sqlstate, code = error
    for named in ({"organization_id": around.organization_id}, {}):
        with refused(sqlstate, code=code):
            pin(around.people[who], around.composition_id, scope="organization", **named)
    assert around.people["owner"].call("list_pins") == []


@pytest.mark.parametrize("who", ["admin", "owner"])
def test_admins_pin_for_all_members(around, who):
    made = pin(around.people[who], around.composition_id, scope="organization")

    assert made["organization_id"] == around.organization_id
    shown = around.people["member"].call("resolve_context", context="home")
    assert shown["composition_id"] == around.composition_id
    assert shown["reason"]["text"] == "default of Northwind"


def test_anon_pins_nothing(around):
    with refused("42501"):
        pin(around.people["anon"], around.composition_id)


def test_an_organisation_pins_only_what_all_of_it_may_view(people, organization, composition):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    mine = composition(ann, SMALLEST)
    wanted = {"scope": "organization", "organization_id": northwind}

    with refused("PT409", code="not_visible_to_organization", organization_id=northwind):
        pin(ann, mine.id, **wanted)
    share = {"composition_id": mine.id, "organization_id": northwind, "role": "viewer"}
    ann.call("share_composition", **share, expires_at="2100-01-01")
    pin(ann, mine.id, **wanted)

    assert ben.call("resolve_context", context="home")["composition_id"] == mine.id


def test_a_share_with_an_organisation_that_is_over_does_not_count(
    people, organization, composition, admin
):
    (ann,) = people("ann")
    northwind, mine = organization(ann), composition(ann, SMALLEST)
    share = {"composition_id": mine.id, "organization_id": northwind, "role": "viewer"}
    ann.call("share_composition", **share, expires_at="2100-01-01")
    admin.execute(
        "update public.shared_compositions set expires_at = now() where composition_id = %s",
        (mine.id,),
    )

    with refused("PT409", code="not_visible_to_organization"):
        pin(ann, mine.id, scope="organization", organization_id=northwind)


def test_a_personal_composition_has_no_organisation_of_its_own(people, composition):
    (ann,) = people("ann")
    with refused("PT422", code="invalid_argument", argument="organization_id"):
        pin(ann, composition(ann, SMALLEST).id, scope="organization")


def test_what_a_stranger_names_does_not_exist(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann, SMALLEST)
    arguments = {"context": "home", "scope": "me"}

    theirs, nobodys = (
        refusal(ben, "pin_composition", composition_id=id, **arguments) for id in (piece.id, NOBODY)
    )

    assert [part and part.replace(piece.id, NOBODY) for part in theirs] == list(nobodys)


def test_what_is_in_the_trash_is_pinned_by_nobody(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann, SMALLEST)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")
    ann.call("delete_composition", composition_id=piece.id)

    with refused("PT410", code="composition_trashed"):
        pin(ann, piece.id)
    with refused("PT404", code="composition_not_found"):
        pin(ben, piece.id)


CONTEXTS = [
    "home",
    "a",
    "card-2_b",
    "route:/videos",
    "route:/videos?tag=a&b#c",
    "agent:https://example.com/a:b",
    "room:Überblick ☕ 日本",
    "quote:'\"\\;--",
    "blank: ",
    "rtl:\u202eabc",
    "a:" + "b" * 198,
    "a:" + "日" * 198,
]


def test_a_context_may_be_any_text_about_a_word(people, composition):
    (ann,) = people("ann")
    piece = composition(ann, SMALLEST)

    for context in CONTEXTS:
        assert pin(ann, piece.id, context)["context"] == context
        assert ann.call("resolve_context", context=context)["reason"]["context"] == context
        assert ann.call("unpin_composition", context=context)["context"] == context


NO_CONTEXTS = [
    "",
    "Home",
    "2a",
    "home:",
    "hö",
    "home page",
    " home",
    "home\n",
    "home\nx",
    ":home",
    "-",
    "a:b\n",
    "a:\tb",
    "a:\x1b[2J",
    "a:\x7f",
    "a:\x85",
    "a:\u2028b",
    "a:" + "b" * 199,
    "a" * 100_000,
]


def test_what_is_no_context_is_refused(people, composition, subtests):
    (ann,) = people("ann")
    piece = composition(ann, SMALLEST)

    for context in NO_CONTEXTS:
        with subtests.test(context=context[:20]):
            with refused(
                "PT422", code="invalid_argument", constraint="composition_pins_context_valid"
            ):
                pin(ann, piece.id, context)
            with refused("PT404", code="nothing_pinned"):
                ann.call("resolve_context", context=context)
            with refused("PT404", code="pin_not_found"):
                ann.call("unpin_composition", context=context)


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        ({"context": None}, {"argument": "context"}),
        ({"scope": "all"}, {"argument": "scope", "allowed": ["me", "organization"]}),
        ({"scope": None}, {"argument": "scope"}),
        ({"organization_id": NOBODY}, {"argument": "organization_id"}),
        ({"origin": {"agent": ""}}, {"argument": "origin", "key": "agent"}),
    ],
    ids=str,
)
def test_other_arguments_are_refused(people, composition, arguments, facts):
    (ann,) = people("ann")
    call = {"context": "home", "composition_id": composition(ann, SMALLEST).id} | arguments

    with refused("PT422", code="invalid_argument", **facts):
        ann.call("pin_composition", **call)
    assert ann.call("list_pins") == []


def test_a_person_and_an_organisation_have_room_for_so_many_pins(
    people, organization, composition, setting
):
    (ann,) = people("ann")
    northwind = organization(ann)
    piece = composition(ann, SMALLEST, organization_id=northwind)
    setting("max_pins", 2)

    for scope in ("me", "organization"):
        for context in ("a", "b"):
            pin(ann, piece.id, context, scope=scope)
        with refused("PT403", code="quota_exceeded", quota=2):
            pin(ann, piece.id, "c", scope=scope)
        pin(ann, piece.id, "b", scope=scope)
        unpin = {} if scope == "me" else {"organization_id": northwind}
        ann.call("unpin_composition", context="a", scope=scope, **unpin)
        pin(ann, piece.id, "c", scope=scope)


def test_of_two_pins_at_once_the_second_finds_the_first(people, composition, twin, setting):
    (ann,) = people("ann")
    phone = twin(ann)
    one, other = composition(ann, SMALLEST), composition(ann, SMALLEST)
    setting("max_pins", 1)

    in_turn(
        *(ann, lambda: pin_within(ann, one.id, "home")),
        *(phone, lambda: pin(phone, other.id, "home")),
    )
    assert [row["composition_id"] for row in ann.call("list_pins")] == [other.id]

    with refused("PT403", code="quota_exceeded"):
        ann.call("unpin_composition", context="home")
        in_turn(
            *(ann, lambda: pin_within(ann, one.id, "a")),
            *(phone, lambda: pin(phone, other.id, "b")),
        )


def pin_within(person, composition_id, context):
    """Pin in the transaction that is open."""
    person.connection.execute("select public.pin_composition(%s, %s)", (context, composition_id))


def test_nothing_is_pinned_once_a_share_has_been_taken_back(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann, SMALLEST)
    share = {"composition_id": piece.id, "user_id": ben.id}
    ann.call("share_composition", **share, role="viewer")

    with refused("PT404", code="composition_not_found"):
        in_turn(
            ann,
            lambda: ann.connection.execute(
                "select public.unshare_composition(%s, %s)", (piece.id, ben.id)
            ),
            ben,
            lambda: pin(ben, piece.id),
        )

    ann.call("share_composition", **share, role="viewer")
    assert ben.call("list_pins") == []


def test_nothing_is_pinned_once_an_admin_is_none(people, organization, composition):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "admin"})
    piece = composition(ann, SMALLEST, organization_id=northwind)

    with refused("PT403", code="organization_role_too_low"):
        in_turn(
            ann,
            lambda: ann.connection.execute(
                "select public.set_organization_role(%s, %s, 'member')", (northwind, ben.id)
            ),
            ben,
            lambda: pin(ben, piece.id, scope="organization"),
        )

    assert ann.call("list_pins") == []


def test_a_share_ends_after_who_pins_by_it(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann, SMALLEST)
    share = {"composition_id": piece.id, "user_id": ben.id}
    ann.call("share_composition", **share, role="viewer")

    in_turn(
        *(ben, lambda: pin_within(ben, piece.id, "home")),
        *(ann, lambda: ann.call("unshare_composition", **share)),
    )

    assert ben.call("list_pins") == []
    with refused("PT404", code="nothing_pinned"):
        ben.call("resolve_context", context="home")
