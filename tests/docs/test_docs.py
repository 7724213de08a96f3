"""What the documentation lists, held to what is there."""

import json
import re
from pathlib import Path

import pytest

from devstack.packages import PROJECT
from scripts import api_docs
from scripts.sources import SUPABASE

SOURCES = "\n".join(file.read_text() for file in sorted(SUPABASE.glob("routines/**/*.sql")))
TABLES = "\n".join(file.read_text() for file in sorted(SUPABASE.glob("tables/*.sql")))


def section(page: str, title: str) -> str:
    """A section of a page of docs/, up to the next title."""
    text = (PROJECT / "docs" / page).read_text()
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL)
    assert found is not None, f"{page} has no section {title}"
    return found[1]


def titles(page: Path) -> set[str]:
    """The titles on a page, as links name them."""
    found = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in found}


def rows(text: str) -> list[list[str]]:
    """Cells of the rows of a Markdown table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def raised() -> set[tuple[str, str]]:
    """(code, SQLSTATE) of every raise in the routines."""
    return {
        (code, sqlstate)
        for sqlstate, code in re.findall(
            r"errcode = '(PT\d{3})',\s+detail  = .*?\(\s*'code', '(\w+)'", SOURCES, flags=re.DOTALL
        )
    }


def test_every_code_that_is_raised_is_documented():
    documented = {(row[0].strip("`"), row[1]) for row in rows(section("errors.md", "Codes"))}
    assert documented == raised()
    assert SOURCES.count("errcode = ") == SOURCES.count("raise exception ")


def test_every_header_lists_codes_that_exist():
    promised = set(re.findall(r"^--   (PT\d{3}) (\w+)  ", SOURCES, flags=re.MULTILINE))
    assert {(code, sqlstate) for sqlstate, code in promised} == raised()


def test_every_problem_of_a_document_is_documented():
    documented = {row[0].strip("`") for row in rows(section("errors.md", "Problems of a document"))}
    assert documented == set(re.findall(r"private\.problem\(\s*'(\w+)'", SOURCES))


def test_every_rule_of_an_argument_is_documented():
    documented = [[row[0].strip("`"), row[1]] for row in rows(section("errors.md", "Constraints"))]
    commented = re.findall(r"comment on constraint (\w+) on [\w.]+ is\s+'(.*?)';", TABLES)
    assert documented == sorted([name, rule] for name, rule in commented)


def test_every_setting_is_documented_with_its_default():
    documented = {
        (row[0].strip("`"), row[1], row[2]) for row in rows(section("document.md", "Limits"))
    }
    assert documented == set(re.findall(r"\('(\w+)', (\d+), '(.*?)'\)", TABLES))


def test_every_filter_of_a_list_is_documented():
    routine = (SUPABASE / "routines" / "private" / "composition_filter.sql").read_text()
    (types,) = re.findall(r"types +constant jsonb := '(.*?)'", routine, flags=re.DOTALL)
    documented = {row[0].strip("`") for row in rows(section("lists.md", "Filters"))}
    assert documented == json.loads(types).keys()


def test_every_job_is_on_the_page_of_jobs():
    documented = re.findall(
        r"^\| \[`(\w+)`\]", (PROJECT / "docs" / "jobs.md").read_text(), re.MULTILINE
    )
    jobs = [
        function.name for function in api_docs.functions() if "service_role" in function.callers
    ]
    assert sorted(documented) == jobs


def test_the_readme_leads_to_every_page():
    readme = (PROJECT / "README.md").read_text()
    pages = [file.name for file in PROJECT.glob("docs/*.md")]
    assert [page for page in pages if f"](docs/{page})" not in readme] == []


@pytest.mark.parametrize(
    "file", [PROJECT / "README.md", *PROJECT.glob("docs/**/*.md")], ids=lambda file: file.name
)
def test_every_link_leads_somewhere(file):
    for target, title in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", file.read_text()):
        page = file.parent / target if target else file
        assert page.exists(), target
        assert not title or title in titles(page), f"{target}#{title}"


def test_decisions_have_a_number_each():
    files = sorted((PROJECT / "docs" / "decisions").iterdir())
    numbers = [f"{number:04}" for number in range(1, len(files) + 1)]
    assert [file.name[:4] for file in files] == numbers
    assert [file.read_text()[2:6] for file in files] == numbers


def test_make_help_lists_what_the_readme_names():
    targets = set(re.findall(r"^([a-z-]+):.*## ", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)", (PROJECT / "README.md").read_text()))
    assert named
    assert named <= targets
