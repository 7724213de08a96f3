"""Which versions the job deletes, and that nobody who works meanwhile is hurt."""

import pytest

from tests.people import Json, in_turn, refused
from tests.samples import small


@pytest.fixture
def retention(setting):
    """Set a retention, as an operator does, until the test ends."""

    def update(kept, days):
        setting("min_versions_kept", kept)
        setting("version_retention_days", days)

    return update


@pytest.fixture
def history(composition, admin):
    """Make a composition with so many versions, the head `youngest` days old, each a day apart."""

    made = []

    def make(owner, versions, youngest=30):
        piece = composition(owner, small(n=1))
        made.append(piece.id)
        for number in range(2, versions + 1):
            owner.call(
                "save_version",
                composition_id=piece.id,
                base_version=number - 1,
                document=small(n=number),
            )
        admin.execute(
            """
            update public.composition_versions as v
               set created_at = now() - make_interval(days => %s + %s - v.version)
             where v.composition_id = %s
            """,
            (youngest, versions, piece.id),
        )
        return piece.id

    yield make
    # The job sees all that there is: nothing may be left for the next test.
    admin.execute("delete from public.user_compositions where id = any (%s::uuid[])", (made,))


def versions(person, composition_id):
    items = person.call("list_versions", composition_id=composition_id)["items"]
    return sorted(item["version"] for item in items)


def test_the_promise_is_that_every_version_is_kept_for_good(people, history, service_role, admin):
    (ann,) = people("ann")
    piece = history(ann, 3, youngest=36000)
    assert service_role.call("purge_versions") == {"purged": 0, "more": False}
    assert versions(ann, piece) == [1, 2, 3]
    settings = "select name, value from private.settings where name like '%version%' order by 1"
    assert admin.execute(settings).fetchall() == [
        ("min_versions_kept", 100),
        ("version_retention_days", 36500),
    ]


def test_old_versions_go_and_the_newest_stay_however_old_they_are(
    people, history, service_role, retention
):
    (ann,) = people("ann")
    old, short = history(ann, 6), history(ann, 2)
    retention(kept=2, days=7)

    assert service_role.call("purge_versions") == {"purged": 4, "more": False}

    assert versions(ann, old) == [5, 6]
    assert versions(ann, short) == [1, 2]
    assert service_role.call("purge_versions") == {"purged": 0, "more": False}


def test_what_is_younger_than_the_retention_stays(people, history, service_role, retention):
    (ann,) = people("ann")
    piece = history(ann, 6, youngest=1)  # 6, 5, 4, 3, 2, 1 days old
    retention(kept=1, days=4)

    assert service_role.call("purge_versions")["purged"] == 3  # the fourth day is just over

    assert versions(ann, piece) == [4, 5, 6]


def test_a_label_keeps_a_version_for_good(people, history, service_role, retention):
    (ann,) = people("ann")
    piece = history(ann, 5)
    for version in (1, 3):
        ann.call("label_version", composition_id=piece, version=version, label=f"Release {version}")
    retention(kept=1, days=1)

    service_role.call("purge_versions")
    assert versions(ann, piece) == [1, 3, 5]

    ann.call("label_version", composition_id=piece, version=1, label=None)
    assert service_role.call("purge_versions") == {"purged": 1, "more": False}
    assert versions(ann, piece) == [3, 5]


def test_what_is_kept_is_counted_where_versions_are_missing(
    people, history, service_role, retention
):
    (ann,) = people("ann")
    piece = history(ann, 6)
    ann.call("label_version", composition_id=piece, version=2, label="Kept")
    retention(kept=2, days=1)
    service_role.call("purge_versions")
    assert versions(ann, piece) == [2, 5, 6]
    ann.call("label_version", composition_id=piece, version=2, label=None)

    retention(kept=3, days=1)
    assert service_role.call("purge_versions")["purged"] == 0
    assert versions(ann, piece) == [2, 5, 6]


def test_the_oldest_of_all_go_first_and_more_says_that_there_are_others(
    people, history, service_role, retention
):
    ann, ben = people("ann", "ben")
    younger, older = history(ann, 4, youngest=10), history(ben, 4, youngest=20)
    retention(kept=1, days=1)

    assert service_role.call("purge_versions", row_limit=3) == {"purged": 3, "more": True}
    assert (versions(ann, younger), versions(ben, older)) == ([1, 2, 3, 4], [4])
    assert service_role.call("purge_versions", row_limit=3) == {"purged": 3, "more": False}
    assert (versions(ann, younger), versions(ben, older)) == ([4], [4])


def test_what_is_gone_is_not_found_and_what_came_after_still_works(
    people, history, service_role, retention
):
    (ann,) = people("ann")
    piece = history(ann, 3)
    retention(kept=1, days=1)
    service_role.call("purge_versions")

    calls: dict[str, Json] = {
        "get_version": {"version": 2},
        "diff_versions": {"from_version": 2, "to_version": 3},
        "restore_version": {"version": 2},
        "label_version": {"version": 2, "label": "x"},
    }
    for function, arguments in calls.items():
        with refused("PT404", code="version_not_found"):
            ann.call(function, composition_id=piece, **arguments)

    head = ann.call("get_version", composition_id=piece, version=3)
    assert (head["parent_version"], head["document"]) == (2, small(n=3))
    saved = ann.call("save_version", composition_id=piece, base_version=3, document=small(n=4))
    assert saved["version"] == 4


@pytest.mark.parametrize("kept", [2**31, 2**63 - 1])
@pytest.mark.parametrize("days", [2**31, 2**63 - 1])
def test_settings_of_any_size_keep_everything(people, history, service_role, retention, kept, days):
    (ann,) = people("ann")
    piece = history(ann, 3)
    for setting in ((kept, 1), (1, days), (kept, days)):
        retention(*setting)
        assert service_role.call("purge_versions") == {"purged": 0, "more": False}
    assert versions(ann, piece) == [1, 2, 3]


@pytest.mark.parametrize("row_limit", [0, -1, 10001, 2147483647, None])
def test_a_row_limit_out_of_range_is_refused(people, history, service_role, retention, row_limit):
    (ann,) = people("ann")
    piece = history(ann, 2)
    retention(kept=1, days=1)
    with refused("PT422", code="invalid_argument", argument="row_limit"):
        service_role.call("purge_versions", row_limit=row_limit)
    assert versions(ann, piece) == [1, 2]


def test_no_person_may_purge(around, history, retention):
    owner = around.people["owner"]
    piece = history(owner, 2)
    retention(kept=1, days=1)
    for person in around.people.values():
        with refused("42501"):
            person.call("purge_versions")
    assert versions(owner, piece) == [1, 2]


def test_it_does_not_wait_for_a_saver_and_leaves_that_history_for_later(
    people, history, service_role, retention
):
    ann, ben = people("ann", "ben")
    busy, idle = history(ann, 3), history(ben, 3)
    retention(kept=1, days=1)

    with ann.transaction():
        ann.connection.execute("select public.label_version(%s, 1, 'Mine')", (busy,))
        assert service_role.call("purge_versions") == {"purged": 2, "more": False}
        assert versions(ben, idle) == [3]

    assert service_role.call("purge_versions") == {"purged": 1, "more": False}
    assert versions(ann, busy) == [1, 3]


def test_more_is_not_said_when_all_that_is_left_is_in_use(people, history, service_role, retention):
    (ann,) = people("ann")
    busy = history(ann, 5)
    retention(kept=1, days=1)
    with ann.transaction():
        ann.connection.execute("select public.label_version(%s, 5, 'Mine')", (busy,))
        assert service_role.call("purge_versions", row_limit=1) == {"purged": 0, "more": False}


def test_a_saver_waits_for_the_job_and_then_saves(people, history, service_role, retention):
    (ann,) = people("ann")
    piece = history(ann, 3)
    retention(kept=1, days=1)

    saved = in_turn(
        service_role,
        lambda: service_role.connection.execute("select public.purge_versions()"),
        ann,
        lambda: ann.call("save_version", composition_id=piece, base_version=3, document=small(n=4)),
    )

    assert saved["version"] == 4
    assert versions(ann, piece) == [3, 4]


def test_two_runs_at_once_do_not_wait_for_each_other(
    people, history, service_role, new_job, retention
):
    ann, ben = people("ann", "ben")
    older, younger = history(ann, 3, youngest=20), history(ben, 3, youngest=10)
    retention(kept=1, days=1)
    other = new_job()

    with service_role.transaction():
        service_role.connection.execute("select public.purge_versions(2)")
        assert other.call("purge_versions") == {"purged": 2, "more": False}

    assert (versions(ann, older), versions(ben, younger)) == ([3], [3])
