"""docs/operations.md names what is there."""

from __future__ import annotations

import re

import pytest

from devstack.packages import PROJECT
from functions.core.metrics import UNITS
from scripts.sources import SUPABASE
from tests.docs.test_docs import rows, section
from tests.package.test_deployment import SETTINGS, functions, made

PAGE = "operations.md"
TEXT = (PROJECT / "docs" / PAGE).read_text()
SERVICE = (PROJECT / "serverless.yml").read_text()
PARAMETERS = {
    *re.findall(r"^    (\w+): ", SERVICE.split("\ncustom:")[0], re.MULTILINE),
    *re.findall(r"\$\{param:(\w+)\}", SERVICE),
}
# Of serverless.yml, of others.
OTHER_NAMES = {"SETTINGS_REVISION", "AWS_REGION", "FLUSHDB", "END"}


def names(text: str) -> list[str]:
    """What the rows of the first table of a section are about."""
    table = text.split("\n| ", 1)[1].partition("\n\n")[0]
    return [row[0].strip("`") for row in rows("| " + table)]


def test_every_function_is_on_the_page():
    assert names(TEXT) == list(functions())


def test_every_alarm_is_on_the_page_with_what_to_do():
    alarms = section(PAGE, "Watch").split("### Alarms")[1]
    assert sorted(names(alarms)) == sorted(made()["AWS::CloudWatch::Alarm"])
    assert all(len(row) == 3 and row[2] for row in rows(alarms))


def test_every_metric_is_on_the_page():
    assert sorted(names(section(PAGE, "Watch"))) == sorted(UNITS)


def test_every_secret_that_is_asked_for_can_be_rotated():
    rotated = set(names(section(PAGE, "Rotate")))
    assert rotated - {"signing keys of tokens"} == {
        "WEBHOOK_SECRETS",
        "SUPABASE_JWT_SECRET",
        "SUPABASE_SERVICE_ROLE_KEY",
        "UPSTASH_REDIS_REST_TOKEN",
    }


def test_every_setting_that_is_named_exists():
    named = set(re.findall(r"\b[A-Z]{3,}(?:_[A-Z]+)+\b", TEXT))
    assert named <= SETTINGS.keys() | OTHER_NAMES


def test_every_parameter_that_is_named_exists():
    block = re.findall(r"^    (\w+): ", section(PAGE, "Deploy").split("```yaml")[1], re.MULTILINE)
    passed = re.findall(r"--param (\w+)=", TEXT) + re.findall(r"`(\w+): \w+`", TEXT)
    assert len(block) == 4
    assert {*block, *passed} <= PARAMETERS


def test_every_function_of_the_database_that_is_called_exists():
    called = re.findall(r"\bprivate\.(\w+)", TEXT)
    there = {file.stem for file in SUPABASE.glob("*/private/*.sql")}
    there |= {file.stem for file in SUPABASE.glob("tables/*.sql")}
    assert "configure_webhook" in called
    assert set(called) <= there


@pytest.mark.parametrize("table", [0, 1])
def test_a_sum_is_the_sum_of_its_rows(table):
    costs = re.findall(r"\| (?:\*\*)?(\d+\.\d\d)(?:\*\*)? \|$", TEXT, re.MULTILINE)
    *parts, whole = map(float, (costs[:6], costs[6:])[table])
    assert sum(parts) == pytest.approx(whole, abs=0.001)
