"""What a frontend does with supabase-js: clients/play.mjs, on the same stack."""

import json
import subprocess
from pathlib import Path

import pytest

from devstack import packages
from tests.samples import sample


@pytest.fixture(scope="module")
def played(stack):
    arguments = {
        "url": stack.addresses["supabase_url"],
        "anonKey": stack.addresses["anon_key"],
        "document": sample(),
    }
    done = subprocess.run(
        [packages.node(), Path(__file__).with_name("play.mjs"), json.dumps(arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(done.stdout)


def test_a_document_comes_back_as_it_went(played):
    assert played["made"]["version"] == 1
    assert played["shared"]["document"] == played["edited"]
    assert (played["restored"]["version"], played["restored"]["document"]) == (3, sample())


def test_refusals_carry_code_and_facts(played):
    assert played["hidden"] == {"code": "PT404", "details": {"code": "composition_not_found"}}
    assert played["stale"] == {
        "code": "PT409",
        "details": {"code": "version_conflict", "head_version": 2},
    }
    assert played["readOnly"] == {
        "code": "PT403",
        "details": {"code": "composition_read_only", "role": "viewer"},
    }


def test_what_is_shared_is_listed_and_renamed(played):
    assert [item["role"] for item in played["listed"]["items"]] == ["viewer"]
    assert played["renamed"] == [{"title": "Renamed"}]
    assert played["restored"]["title"] == "Renamed"


def test_a_pin_is_resolved_and_moved_by_whose_it_is(played):
    assert (played["pinned"]["position"], played["moved"]) == (0, [[], [{"position": 3}]])
    assert played["resolved"]["composition_id"] == played["made"]["composition_id"]
    assert played["resolved"]["reason"]["text"] == "pinned by you"
