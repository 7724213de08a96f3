"""The policy matrix of composition_versions, which follows the one of user_compositions."""

import pytest

from tests.people import refused
from tests.samples import small

READERS = {"viewer", "editor", "member", "admin", "owner"}
EVERYONE = ["stranger", *sorted(READERS)]


@pytest.mark.parametrize("who", EVERYONE)
def test_each_sees_what_the_matrix_says(around, who):
    around.people["owner"].call(
        "save_version", composition_id=around.composition_id, base_version=1, document=small()
    )

    versions = around.people[who].rows("select version from composition_versions order by version")

    assert versions == ([(1,), (2,)] if who in READERS else [])


def test_nobody_writes(around, all_denied):
    statements = (
        "insert into composition_versions (version) values (9) returning 1",
        "update composition_versions set message = 'x' returning 1",
        "delete from composition_versions returning 1",
    )
    all_denied(around.people, statements)


def test_anon_reads_nothing(around):
    with refused("42501"):
        around.people["anon"].rows("select 1 from composition_versions")
