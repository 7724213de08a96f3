"""The content store is nobody's to look into, and nothing tells what is in it."""

from tests.samples import small


def test_nobody_reads_or_writes(around, all_denied):
    statements = (
        "select document from compositions",
        "select count(*) from compositions",
        "select ctid from compositions",
        "insert into compositions (document) values ('{}') returning 1",
        "update compositions set document = '{}' returning 1",
        "delete from compositions returning 1",
    )
    all_denied(around.people, statements)


def test_the_planner_guesses_nothing_about_titles_and_contents(people, composition, admin):
    ann, ben = people("ann", "ben")
    for _ in range(30):
        composition(ann, small(secret=ann.id), title="Layoffs", message="Sooner")
    admin.execute("analyze public.user_compositions, public.composition_versions")

    def guess(table, column, value):
        (row,) = ben.rows(f"explain (format json) select 1 from {table} where {column} = %s", value)
        return row[0][0]["Plan"]["Plan Rows"]

    content = ann.call("list_my_compositions")["items"][0]["content_hash"]
    for table, column, known, unknown in [
        ("user_compositions", "title", "Layoffs", "Nothing"),
        ("user_compositions", "description", "", "Nothing"),
        ("user_compositions", "current_hash", bytes.fromhex(content), bytes(32)),
        ("composition_versions", "content_hash", bytes.fromhex(content), bytes(32)),
        ("composition_versions", "message", "Sooner", "Nothing"),
    ]:
        assert guess(table, column, known) == guess(table, column, unknown), (table, column)
