"""The policy matrix of user_compositions."""

from uuid import uuid4

import pytest
from psycopg import sql

from tests.people import refused

READERS = {"viewer", "editor", "member", "admin", "owner"}
WRITERS = {"editor", "admin", "owner"}
EVERYONE = ["stranger", *sorted(READERS)]


@pytest.mark.parametrize("who", EVERYONE)
def test_each_sees_what_the_matrix_says(around, who):
    seen = around.people[who].rows("select id::text from user_compositions")
    assert seen == ([(around.composition_id,)] if who in READERS else [])


@pytest.mark.parametrize("who", EVERYONE)
def test_each_updates_what_the_matrix_says(around, who, subtests):
    for column, value in [("title", "new"), ("description", "new"), ("tags", ["new"])]:
        with subtests.test(column=column):
            statement = f"update user_compositions set {column} = %s returning id::text"

            changed = around.people[who].rows(statement, value)

            assert changed == ([(around.composition_id,)] if who in WRITERS else [])
            loaded = around.people["owner"].call(
                "load_composition", composition_id=around.composition_id
            )
            assert (loaded[column] == value) == (who in WRITERS)


def test_nobody_does_anything_else(around, all_denied):
    statements = [
        "insert into user_compositions (title) values ('Mine') returning 1",
        "delete from user_compositions returning 1",
    ] + [
        f"update user_compositions set {assignment} returning 1"
        for assignment in (
            "id = gen_random_uuid()",
            "owner_id = auth.uid()",
            "organization_id = null",
            "current_version = 7",
            "current_hash = null",
            "created_at = now()",
            "updated_at = now()",
            "deleted_at = now()",
            "forked_from_id = gen_random_uuid()",
        )
    ]
    all_denied(around.people, statements)


def test_anon_reads_and_updates_nothing(around, all_denied):
    all_denied(
        {"anon": around.people["anon"]},
        (
            "select 1 from user_compositions",
            "select count(*) from user_compositions",
            "update user_compositions set title = 'x' returning 1",
        ),
    )


def test_a_broken_rule_names_its_constraint(around):
    with refused("23514"):
        around.people["owner"].rows("update user_compositions set title = ' ' returning 1")


def test_updated_at_moves_with_every_change(around):
    owner = around.people["owner"]
    (before,) = owner.rows("select updated_at from user_compositions")
    owner.rows("update user_compositions set title = 'x' returning 1")
    (after,) = owner.rows("select updated_at from user_compositions")
    assert after > before


def test_in_the_trash_it_is_there_for_nobody(around):
    around.people["owner"].call("delete_composition", composition_id=around.composition_id)

    for who in EVERYONE:
        person = around.people[who]
        assert person.rows("select 1 from user_compositions") == []
        assert person.rows("select 1 from composition_versions") == []
        assert person.rows("select 1 from shared_compositions") == []
        assert person.rows("update user_compositions set title = 'x' returning 1") == []


def test_the_planner_does_not_guess_how_many_others_use_a_tag(people, composition, admin):
    ann, ben = people("ann", "ben")
    used, unused = str(uuid4()), str(uuid4())
    for _ in range(20):
        composition(ann, tags=[used])
    admin.execute("analyze public.user_compositions")

    guesses = []
    for tag in (used, unused):
        with ben.transaction():  # as PostgREST plans it for count=planned
            plan = ben.connection.execute(
                sql.SQL(
                    "explain (format json) select from user_compositions where tags @> array[{}]"
                ).format(tag)
            ).fetchone()
        guesses.append(plan[0][0]["Plan"]["Plan Rows"])

    assert guesses[0] == guesses[1]
