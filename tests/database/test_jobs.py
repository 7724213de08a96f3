"""What docs/jobs.md schedules, run as pg_cron runs it: as the role postgres, without a token."""

import re

import pytest

from devstack.packages import PROJECT

PAGE = (PROJECT / "docs" / "jobs.md").read_text()
SCHEDULED = re.findall(r"cron\.schedule\('.*?', '.*?', '(.*?)'\)", PAGE)


def test_the_page_schedules_something():
    assert len(SCHEDULED) == PAGE.count("cron.schedule(") > 0


@pytest.mark.parametrize("command", SCHEDULED)
def test_what_is_scheduled_runs(admin, command):
    with admin.transaction(force_rollback=True):
        admin.execute("set local role postgres")
        (answer,) = admin.execute(command).fetchone()
        assert "more" in answer
