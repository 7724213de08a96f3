from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.people import in_turn, refused, wait_until_blocked
from tests.samples import NUMBER_BOMB, small

NOT_ONCE = {"call_once", "delete_my_account"}


def once(person, function, arguments, mutation_id="mine"):
    return person.call(
        "call_once", mutation_id=mutation_id, function=function, arguments=Jsonb(arguments)
    )


def save(piece, **changes):
    return {"composition_id": piece.id, "base_version": 1, "document": small()} | changes


def versions(person, piece):
    return len(person.call("list_versions", composition_id=piece.id)["items"])


def test_it_knows_every_function_that_writes_for_people(admin):
    (names,) = admin.execute("select private.functions_to_call_once()").fetchone()
    (writing,) = admin.execute(
        "select array_agg(p.proname::text order by p.proname) from pg_proc as p"
        " where p.pronamespace = 'public'::regnamespace and p.provolatile = 'v'"
        "   and has_function_privilege('authenticated', p.oid, 'execute')"
    ).fetchone()
    assert names == [name for name in writing if name not in NOT_ONCE]


def test_what_was_done_is_answered_again_and_not_done_again(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)

    first = once(ann, "save_version", save(piece))
    again = once(ann, "save_version", dict(reversed(save(piece).items())))

    assert first == again
    assert first["version"] == versions(ann, piece) == 2


@pytest.mark.parametrize(
    ("function", "changes"),
    [
        ("save_version", {"base_version": 2}),
        ("save_version", {"message": None}),
        ("save_version", {"document": small(n=2)}),
        ("restore_version", {}),
    ],
)
def test_something_else_under_the_same_id_is_refused(people, composition, function, changes):
    (ann,) = people("ann")
    piece = composition(ann)
    once(ann, "save_version", save(piece))
    arguments = save(piece) | changes
    if function == "restore_version":
        arguments = {"composition_id": piece.id, "version": 1}

    with refused("PT422", code="idempotency_key_reused"):
        once(ann, function, arguments)

    assert versions(ann, piece) == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"x": [["a"], "b"]}, {"x": [["a", "b"]]}),
        ({"a": {"b": 1}, "c": 2}, {"a": {"b": 1, "c": 2}}),
        ({"x": 1}, {"x": 1.0}),
    ],
)
def test_no_two_documents_are_taken_for_one(people, composition, first, second):
    (ann,) = people("ann")
    piece = composition(ann)
    once(ann, "save_version", save(piece, document=small(**first)))

    with refused("PT422", code="idempotency_key_reused"):
        once(ann, "save_version", save(piece, document=small(**second)))


def test_ids_of_others_are_others(people):
    ann, ben = people("ann", "ben")
    made = [once(person, "create_organization", {"name": "Northwind"}) for person in (ann, ben)]
    assert made[0]["organization_id"] != made[1]["organization_id"]


def test_what_was_refused_may_be_tried_again(people, composition):
    (ann,) = people("ann")
    piece = composition(ann)

    with refused("PT409", code="version_conflict"):
        once(ann, "save_version", save(piece, base_version=2))
    with refused("PT422", code="invalid_document"):
        once(ann, "save_version", save(piece, document={}))

    assert once(ann, "save_version", save(piece))["version"] == 2


def test_of_two_at_once_the_second_waits_and_gets_the_answer_of_the_first(
    people, composition, twin
):
    (ann,) = people("ann")
    phone, piece, answers = twin(ann), composition(ann), []

    answers.append(
        in_turn(
            ann,
            lambda: answers.append(once(ann, "save_version", save(piece))),
            phone,
            lambda: once(phone, "save_version", save(piece)),
        )
    )

    assert answers[0] == answers[1]
    assert versions(ann, piece) == 2


def test_of_two_at_once_the_second_does_it_where_the_first_fails(people, composition, twin):
    (ann,) = people("ann")
    phone, piece = twin(ann), composition(ann)

    with ThreadPoolExecutor(1) as pool:
        with ann.transaction():
            once(ann, "save_version", save(piece))
            waiting = pool.submit(once, phone, "save_version", save(piece))
            wait_until_blocked(ann.connection, phone.connection)
            raise psycopg.Rollback
        assert waiting.result(10)["version"] == 2


@pytest.mark.parametrize("function", ["create_share_link", "invite_to_organization"])
def test_a_token_is_shown_once(people, composition, organization, admin, function):
    (ann,) = people("ann")
    arguments, keys = {
        "create_share_link": (
            {"composition_id": composition(ann).id, "role": "viewer"},
            ("composition_id", "link_id"),
        ),
        "invite_to_organization": (
            {"organization_id": organization(ann), "email": "x@example.com", "role": "member"},
            ("organization_id", "invitation_id"),
        ),
    }[function]

    made = once(ann, function, arguments)
    assert len(made["token"]) == 43

    facts = {key: made[key] for key in keys}
    with refused("PT409", code="secret_not_repeated", **facts) as detail:
        once(ann, function, arguments)
    assert detail.keys() == {"code", *keys}
    kept = admin.execute("select m::text from private.client_mutations as m").fetchall()
    assert not [row for (row,) in kept if made["token"] in row]


@pytest.mark.parametrize(
    "mutation_id", ["", None, "x" * 201, "a\nb", "a\tb", "ü", "\x7f", "a\n"], ids=repr
)
def test_what_is_no_id_is_refused(people, mutation_id):
    (ann,) = people("ann")
    with refused("PT422", code="invalid_argument", argument="mutation_id"):
        once(ann, "create_organization", {"name": "Northwind"}, mutation_id)


def test_any_printable_id_will_do(people):
    (ann,) = people("ann")
    for mutation_id in ("x", "~" * 200, "a b/c:'\";--"):
        once(ann, "create_organization", {"name": "Northwind"}, mutation_id)
    assert ann.rows("select count(*) from organizations") == [(3,)]


@pytest.mark.parametrize(
    "function",
    ["load_composition", "call_once", "delete_my_account", "purge_trash", "record_usage", "x", None]
    + ["create_organization(text)", "CREATE_ORGANIZATION", "pg_sleep", ""],
)
def test_only_functions_that_write_for_people_are_called(people, function):
    (ann,) = people("ann")
    with refused("PT422", code="invalid_argument", argument="function") as detail:
        once(ann, function, {"name": "Northwind"})
    assert "create_organization" in detail["allowed"]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"colour": 1}, None),
        ({"base_version": ...}, "base_version"),
        ({"base_version": "1"}, "base_version"),
        ({"base_version": 1.5}, None),
        ({"base_version": 2**40}, None),
        ({"composition_id": "x"}, None),
        ({"composition_id": 5}, "composition_id"),
        ({"message": {}}, "message"),
        ({"message": 5}, "message"),
    ],
    ids=str,
)
def test_arguments_are_those_of_the_function(people, composition, changes, key):
    (ann,) = people("ann")
    piece = composition(ann)
    arguments = {k: v for k, v in save(piece, **changes).items() if v is not ...}

    with refused("PT422", code="invalid_argument", argument="arguments") as detail:
        once(ann, "save_version", arguments)

    assert detail.get("key") == key
    assert detail["allowed"] == [
        "composition_id",
        "base_version",
        "document",
        "message",
        "on_conflict",
        "origin",
    ]
    assert versions(ann, piece) == 1


def test_an_argument_may_be_true_or_false_and_no_other_word_for_it(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    ann.call("share_composition", composition_id=piece.id, user_id=ben.id, role="viewer")
    fork = ben.call("fork_composition", composition_id=piece.id)["composition_id"]
    for apply in ("true", 1):
        with refused("PT422", code="invalid_argument", argument="arguments", key="apply"):
            once(ben, "update_from_upstream", {"composition_id": fork, "apply": apply})
    for _ in range(2):
        taken = once(ben, "update_from_upstream", {"composition_id": fork, "apply": True})
        assert taken["up_to_date"] is True


@pytest.mark.parametrize("arguments", [None, [], "x", 1])
def test_arguments_are_an_object(people, arguments):
    (ann,) = people("ann")
    with refused("PT422", code="invalid_argument", argument="arguments"):
        once(ann, "create_organization", arguments)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("title", NUMBER_BOMB),
        ("tags", NUMBER_BOMB),
        ("tags", f"[{NUMBER_BOMB}]"),
        ("document", NUMBER_BOMB),
        ("colour", NUMBER_BOMB),
    ],
    ids=["text", "list", "list in a list", "document", "unknown"],
)
def test_hostile_numbers_are_not_spelled_out(people, name, value):
    (ann,) = people("ann")
    given = {"title": '"x"', "document": "{}"} | {name: value}
    text = "{" + ", ".join(f'"{key}": {value}' for key, value in given.items()) + "}"

    with refused("PT422"), ann.transaction():
        ann.connection.execute(
            "select public.call_once('x', 'create_composition', %s::jsonb)", (text,)
        )


def test_a_request_that_is_too_large_is_not_looked_through(admin):
    lengths = [
        admin.execute(
            "select octet_length(private.request_hash('save_version', jsonb_build_object("
            "  'document', array_fill(0, array[%s]))))",
            (zeros,),
        ).fetchone()[0]
        for zeros in (1000, 800_000)
    ]
    assert lengths == [32, 8]


def test_arguments_have_the_types_of_the_function(people, composition, organization):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    made = once(
        ann,
        "create_composition",
        {
            "title": "New",
            "document": small(),
            "organization_id": northwind,
            "tags": ["a", 'b"{}'],
            "message": None,
        },
    )
    it = {"composition_id": made["composition_id"]}
    end = "2100-01-01T00:00:00+00:00"
    shared = once(
        ann, "share_composition", it | {"role": "editor", "user_id": ben.id, "expires_at": end}, "2"
    )

    assert ann.call("load_composition", **it)["tags"] == ["a", 'b"{}']
    assert (shared["user_id"], shared["expires_at"]) == (ben.id, end)


def test_it_gives_no_right_that_the_caller_has_not(around):
    owner, it = around.people["owner"], {"composition_id": around.composition_id}
    before = owner.call("load_composition", **it)

    for who, sqlstate in (("stranger", "PT404"), ("viewer", "PT403"), ("anon", "42501")):
        with refused(sqlstate):
            once(around.people[who], "update_metadata", it | {"title": "New"})

    assert owner.call("load_composition", **it) == before


def test_who_lost_a_right_is_still_told_what_they_were_told(people, composition):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    share = {"composition_id": piece.id, "user_id": ben.id}
    ann.call("share_composition", **share, role="editor")
    told = once(ben, "save_version", save(piece))
    ann.call("unshare_composition", **share)

    assert once(ben, "save_version", save(piece)) == told
    with refused("PT404", code="composition_not_found"):
        once(ben, "save_version", save(piece, base_version=2), "another")


def test_what_was_done_long_ago_is_forgotten(people, admin):
    (ann,) = people("ann")
    made = [once(ann, "create_organization", {"name": "Northwind"}, str(n)) for n in range(2)]
    admin.execute(
        "update private.client_mutations set created_at = now() - interval '8 days'"
        " where user_id = %s and mutation_id = '0'",
        (ann.id,),
    )
    assert once(ann, "create_organization", {"name": "Northwind"}, "1") == made[1]

    once(ann, "create_organization", {"name": "Northwind"}, "2")

    left = admin.execute(
        "select mutation_id from private.client_mutations where user_id = %s order by 1", (ann.id,)
    ).fetchall()
    assert left == [("1",), ("2",)]


def test_nobody_reads_what_was_done(around, all_denied):
    all_denied(around.people, ["select from private.client_mutations"])
