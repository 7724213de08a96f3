import contextlib
from uuid import uuid4

import pytest

from tests.people import in_turn, refused
from tests.samples import contents, small


class ChangedTheirMind(Exception):
    """Rolls a transaction back."""


@pytest.fixture
def job(service_role):
    """A job that finds nothing left to do by other tests."""
    while service_role.call("purge_trash")["more"]:
        pass
    return service_role


@pytest.fixture
def trashed(composition, admin):
    """Make compositions that were put into the trash some days ago."""

    def make(owner, *days, marker=None, **arguments):
        made = []
        for count in days:
            piece = composition(owner, small(marker=marker or str(uuid4())), **arguments)
            owner.call("delete_composition", composition_id=piece.id)
            admin.execute(
                """
                update public.user_compositions
                   set deleted_at = now() - %s * '1 day'::interval
                 where id = %s
                """,
                (count, piece.id),
            )
            made.append(piece.id)
        return made

    return make


def left(admin, ids):
    """Which of some compositions are still there."""
    rows = admin.execute(
        "select id::text from public.user_compositions where id = any (%s::uuid[])", (ids,)
    ).fetchall()
    return {composition_id for (composition_id,) in rows}


def test_what_is_in_the_trash_for_long_enough_goes_with_all_that_was_its_own(
    people, trashed, organization, composition, job, admin
):
    (ann,) = people("ann")
    marker = str(uuid4())
    mine, ours = trashed(ann, 31, marker=marker)[0], organization(ann)
    theirs = trashed(ann, 40, organization_id=ours)[0]
    young, kept = trashed(ann, 29)[0], composition(ann).id

    assert job.call("purge_trash") == {"purged": 2, "content_collected": 0, "more": False}

    assert left(admin, [mine, theirs, young, kept]) == {young, kept}
    assert contents(admin, marker) == 0
    assert job.call("purge_trash")["purged"] == 0


def test_the_oldest_go_first_and_there_is_more(people, trashed, job, admin):
    (ann,) = people("ann")
    middle, oldest, newest = trashed(ann, 50, 60, 40)

    assert job.call("purge_trash", row_limit=2) == {
        "purged": 2,
        "content_collected": 0,
        "more": True,
    }

    assert left(admin, [middle, oldest, newest]) == {newest}
    assert job.call("purge_trash", row_limit=2) == {
        "purged": 1,
        "content_collected": 0,
        "more": False,
    }


def test_long_histories_go_a_few_at_a_time(people, trashed, job, admin):
    (ann,) = people("ann")
    ids = trashed(ann, 70, 60, 50, 40)
    for composition_id, versions in zip(ids, (9000, 3000, 2000, 1), strict=True):
        admin.execute(
            "update public.composition_versions set version = %s where composition_id = %s",
            (versions, composition_id),
        )

    answers = [job.call("purge_trash") for _ in range(3)]

    assert [(answer["purged"], answer["more"]) for answer in answers] == [
        (1, True),
        (2, True),
        (1, False),
    ]
    assert left(admin, ids) == set()


def test_how_long_is_a_setting(people, trashed, job, setting, admin):
    (ann,) = people("ann")
    ids = trashed(ann, 6000, 3)

    setting("trash_days", 2**63 - 1)
    assert job.call("purge_trash")["purged"] == 0
    setting("trash_days", 5000)
    assert job.call("purge_trash")["purged"] == 1

    assert left(admin, ids) == {ids[1]}


@pytest.mark.parametrize("row_limit", [0, -1, 201, None])
def test_a_limit_out_of_range_is_refused(job, row_limit):
    with refused("PT422", code="invalid_argument", argument="row_limit"):
        job.call("purge_trash", row_limit=row_limit)


def test_only_a_job_may(people, anon):
    (ann,) = people("ann")
    for person in (ann, anon):
        with refused("42501"):
            person.call("purge_trash")


def test_who_is_taking_it_out_of_the_trash_keeps_it(people, trashed, job):
    (ann,) = people("ann")
    (composition_id,) = trashed(ann, 31)
    job.connection.execute("set lock_timeout = '1s'")

    with ann.transaction():
        ann.call("undelete_composition", composition_id=composition_id)
        assert job.call("purge_trash")["purged"] == 0

    assert job.call("purge_trash")["purged"] == 0
    assert ann.call("load_composition", composition_id=composition_id)["version"] == 1


def test_who_comes_too_late_to_take_it_out_is_told(people, trashed, job):
    (ann,) = people("ann")
    (composition_id,) = trashed(ann, 31)

    with refused("PT404", code="composition_not_found"):
        in_turn(
            job,
            lambda: job.call("purge_trash"),
            ann,
            lambda: ann.call("undelete_composition", composition_id=composition_id),
        )


def test_two_runs_at_once_share_the_work(people, trashed, job, new_job, admin):
    (ann,) = people("ann")
    ids = trashed(ann, 40, 50, 60)
    admin.execute("insert into private.passed_over_content (content_hash) values ('nothing')")
    other = new_job()
    other.connection.execute("set lock_timeout = '1s'")

    with job.transaction():
        assert job.call("purge_trash", row_limit=2)["purged"] == 2
        assert other.call("purge_trash", row_limit=2)["purged"] == 1

    assert left(admin, ids) == set()


def test_content_of_a_saver_who_gave_up_is_collected_later(
    people, trashed, composition, job, admin
):
    ann, ben = people("ann", "ben")
    marker = str(uuid4())
    trashed(ann, 31, marker=marker)
    other = composition(ben)

    with contextlib.suppress(ChangedTheirMind), ben.transaction():
        ben.call(
            "save_version", composition_id=other.id, base_version=1, document=small(marker=marker)
        )
        assert job.call("purge_trash") == {"purged": 1, "content_collected": 0, "more": False}
        assert job.call("purge_trash")["content_collected"] == 0, "it is still held"
        raise ChangedTheirMind

    assert contents(admin, marker) == 1
    assert job.call("purge_trash") == {"purged": 0, "content_collected": 1, "more": False}
    assert contents(admin, marker) == 0


def test_content_of_a_saver_who_went_through_with_it_stays(
    people, trashed, composition, job, admin
):
    ann, ben = people("ann", "ben")
    marker = str(uuid4())
    trashed(ann, 31, marker=marker)
    other = composition(ben)

    with ben.transaction():
        ben.call(
            "save_version", composition_id=other.id, base_version=1, document=small(marker=marker)
        )
        job.call("purge_trash")

    assert job.call("purge_trash")["content_collected"] == 0
    assert contents(admin, marker) == 1
    assert admin.execute("select count(*) from private.passed_over_content").fetchone() == (0,)


def test_content_that_two_purged_at_once_is_collected_later(people, trashed, job, admin):
    ann, ben = people("ann", "ben")
    marker = str(uuid4())
    (first,), (second,) = trashed(ann, 1, marker=marker), trashed(ben, 1, marker=marker)

    with ann.transaction():
        ann.call("purge_composition", composition_id=first)
        ben.call("purge_composition", composition_id=second)

    assert contents(admin, marker) == 1
    assert job.call("purge_trash")["content_collected"] == 1
    assert contents(admin, marker) == 0
