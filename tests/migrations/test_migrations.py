"""The sources say what is, the migrations how it came to be, and both agree."""

import difflib
import hashlib
import re
from pathlib import Path

import psycopg
import pytest

from devstack import migrations
from devstack.postgres import Postgres
from scripts.both_ways import build_both_ways
from scripts.catalog import describe
from scripts.draft_migration import draft
from scripts.sources import SUPABASE, migration_files, source_files


@pytest.fixture(scope="module")
def both():
    return build_both_ways()


def test_sources_and_migrations_make_the_same_database(both):
    migrated, sourced = both
    difference = [
        line
        for key in sorted(migrated.keys() | sourced.keys())
        for line in difflib.unified_diff(
            migrated.get(key, "").splitlines(),
            sourced.get(key, "").splitlines(),
            f"migrations: {' '.join(key)}",
            f"sources: {' '.join(key)}",
            lineterm="",
        )
    ]
    assert difference == []


def test_the_catalog_has_an_entry_of_every_kind(both):
    kinds = {kind for kind, _ in both[0]}
    assert kinds == {
        "schema",
        "table",
        "column",
        "constraint",
        "index",
        "function",
        "trigger",
        "policy",
        "grants",
        "default grants",
        "setting",
    }


@pytest.mark.parametrize("major", [15, 17])
@pytest.mark.parametrize("grants", ["closed", "open"])
def test_every_kind_of_project_ends_the_same(both, tmp_path, major, grants):
    with Postgres(tmp_path, major=major, grants=grants) as server:
        migrations.push(server.url())
        migrations.push(server.url())  # nothing left to do
        with psycopg.connect(server.url()) as connection:
            found = describe(connection)

    def comparable(catalog):
        # MAINTAIN is a right of Postgres 17; its owner holds it, nobody else.
        return {
            key: re.sub(r"(, )?postgres MAINTAIN", "", definition)
            for key, definition in catalog.items()
            if key[0] != "default grants"
        }

    assert comparable(found) == comparable(both[0])


@pytest.mark.parametrize("file", migration_files(), ids=lambda file: file.name)
def test_a_migration_waits_for_no_lock_and_runs_for_no_longer_than_it_says(file):
    text = file.read_text()
    assert re.search(r"^set local lock_timeout = '5s';$", text, flags=re.MULTILINE)
    assert re.search(r"^set local statement_timeout = '\d+s';$", text, flags=re.MULTILINE)


def test_every_migration_is_sealed_as_it_was():
    lines = (SUPABASE / "migrations.sha256").read_text().splitlines()
    sealed = {file: digest for digest, file in (line.split("  ") for line in lines)}
    assert sealed == {
        str(file.relative_to(SUPABASE)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in migration_files()
    }


@pytest.mark.parametrize("file", source_files(), ids=lambda file: str(file.relative_to(SUPABASE)))
def test_a_source_is_named_after_what_it_makes(file: Path):
    made = re.findall(
        r"^create (?:function|table) (?:\w+)\.(\w+)", file.read_text(), flags=re.MULTILINE
    )
    if file.parent.name in ("tables", "routines", "private"):
        assert made == [file.stem]
    else:
        assert made == []


def test_a_draft_holds_what_changed_and_nothing_else(both):
    migrated, sourced = both
    assert draft(migrated, sourced) == []

    before = dict(migrated)
    before["function", "public.load_composition(uuid,text[],boolean)"] += " as it was"
    before["function", "public.get_version(uuid,integer)"] = "get_version(x uuid) RETURNS …"
    before["policy", "public.user_compositions.user_compositions_select_reader"] = "as it was"
    before["column", "public.compositions.document"] = "as it was"
    del before["function", "private.setting(text)"], before["grants", "private.setting(text)"]
    for key in list(before):
        if key[1].startswith("public.shared_compositions"):
            del before[key]
    assert before.keys() < migrated.keys()
    steps = "\n".join(draft(before, sourced))

    assert "create or replace function public.load_composition(" in steps
    assert "drop function public.get_version(uuid,integer);" in steps
    assert "create function public.get_version(" in steps
    assert "drop policy user_compositions_select_reader on public.user_compositions;" in steps
    assert "create policy user_compositions_select_reader on public.user_compositions" in steps
    assert "create function private.setting(" in steps
    assert "create table public.shared_compositions (" in steps
    assert "grant select on public.shared_compositions to authenticated;" in steps
    assert steps.count("create policy") == 2
    assert steps.count("create table") == 1
    assert re.findall("By hand, (.*):", steps) == ["column public.compositions.document"]
