"""docs/api.md says of every function what its source, its grants and the database say."""

import json
import re

import psycopg
import pytest

from scripts import api_docs
from scripts.sources import SUPABASE

ROUTINES = {file.stem: file.read_text() for file in SUPABASE.glob("routines/**/*.sql")}
FUNCTIONS = api_docs.functions()

# One of each kind, in every way that a header may be written.
SOURCE = """\
-- Find things, the
-- newest first.
--
--   words      what to look for: 'any' or 'all',
--              in docs/document.md's words
--   row_limit  1 to 200
--   returns    {items: [{thing_id, kind: 'x'}], next: cursor or null}, as
--              list_versions() does
--
-- Raises
--   PT401 not_signed_in     the token names nobody
--   PT422 invalid_argument  row_limit is
--                           out of range
--
-- Not before now() and
-- auth.uid() in private.things(), by
--   thing_id   what it
--              is
--   'x'        its kind
--
-- Definer rights: why.
create function public.find_things(
  words     jsonb default '{"a": 1, "b": "(2"}',
  row_limit integer default 50  -- enough
) returns jsonb
language sql stable security definer
set search_path = ''
as $$ select 1 $$;
"""


def test_the_page_is_what_the_sources_say():
    assert api_docs.FILE.read_text() == api_docs.page(FUNCTIONS), "run `make docs`"


def test_the_page_has_each_function_that_somebody_may_call(stack):
    with psycopg.connect(stack.addresses["database_url"]) as connection:
        found = connection.execute(
            """
            select *
              from (select p.proname,
                           array(select r.rolname::text
                                   from pg_roles as r
                                  where r.rolname in ('anon', 'authenticated', 'service_role')
                                    and has_function_privilege(r.oid, p.oid, 'execute')
                                  order by r.rolname) as callers,
                           p.provolatile <> 'v',
                           coalesce(p.proargnames[:p.pronargs], '{}'),
                           p.proargtypes::oid[]::regtype[]::text[],
                           p.pronargdefaults
                      from pg_proc as p
                     where p.pronamespace = 'public'::regnamespace) as f
             where f.callers <> '{}'
             order by f.proname collate "C"
            """
        ).fetchall()
        full_names = {
            type_: connection.execute("select %s::regtype::text", (type_,)).fetchall()[0][0]
            for type_ in {argument.type for f in FUNCTIONS for argument in f.arguments}
        }
    assert found == [
        (
            function.name,
            list(function.callers),
            function.reads_only,
            [argument.name for argument in function.arguments],
            [full_names[argument.type] for argument in function.arguments],
            sum(argument.default is not None for argument in function.arguments),
        )
        for function in FUNCTIONS
    ]


def test_the_page_has_a_section_for_each():
    sections = re.findall(r"^### (\w+)$", api_docs.FILE.read_text(), re.MULTILINE)
    assert sorted(sections) == [function.name for function in FUNCTIONS]


def test_what_cannot_do_without_json_takes_no_get():
    text = api_docs.FILE.read_text()
    verbs = {
        name: verb for verb, name in re.findall(r"^(`.*`) `/rest/v1/rpc/(\w+)`", text, re.MULTILINE)
    }
    assert verbs["validate_document"] == "`POST`"
    assert verbs["list_my_compositions"] == "`GET` or `POST`"
    assert verbs["save_version"] == "`POST`"


def test_the_example_is_a_refusal_that_is_given():
    example = json.loads(api_docs.FILE.read_text().split("```json\n")[1].split("```")[0])
    save = next(function for function in FUNCTIONS if function.name == "save_version")
    promised = {(sqlstate, code) for sqlstate, code, _ in save.errors}
    assert (example["code"], json.loads(example["details"])["code"]) in promised
    assert f"hint    = '{example['hint']}'" in ROUTINES["refuse_stale"]


def test_every_link_within_the_page_leads_to_a_title():
    text = api_docs.FILE.read_text()
    titles = re.findall(r"^##+ (.*)$", text, re.MULTILINE)
    links = set(re.findall(r"\]\(#([^)]*)\)", text))
    assert links == {title.lower().replace(" ", "-") for title in titles}


def reachable(name: str) -> set[str]:
    """Codes of every raise in a function and in those that it may come to call."""
    seen, left = set[str](), [name]
    while left:
        called = left.pop()
        if called in ROUTINES and called not in seen:
            seen.add(called)
            code = re.sub("--.*", "", ROUTINES[called])
            left += re.findall(r"\b(?:private|public)\.(\w+)\(", code)
    raises = (
        re.findall(r"raise exception .*?'code', '(\w+)'", ROUTINES[n], re.DOTALL) for n in seen
    )
    return {code for codes in raises for code in codes}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_a_header_promises_what_its_function_can_raise(function):
    promised = {code for _, code, _ in function.errors}
    assert promised <= reachable(function.name)
    assert promised or not reachable(function.name), "the header lists no errors"
    # What is looked for among compositions may be in the trash, or may have to be.
    if "composition_not_found" in promised:
        assert promised & {"composition_trashed", "composition_not_trashed"}


def test_a_header_is_read_as_it_is_meant():
    found = api_docs.parse("find_things", SOURCE, ("authenticated",))
    assert found == api_docs.Function(
        name="find_things",
        summary="Find things, the newest first.",
        arguments=(
            api_docs.Argument(
                "words",
                "jsonb",
                '{"a": 1, "b": "(2"}',
                'what to look for: `"any"` or `"all"`, in [document](document.md)\'s words',
            ),
            api_docs.Argument("row_limit", "integer", "50", "1 to 200"),
        ),
        reads_only=True,
        returns='`{items: [{thing_id, kind: "x"}], next: cursor or null}`, as'
        " [`list_versions`](#list_versions) does",
        errors=(
            ("PT401", "not_signed_in", "the token names nobody"),
            ("PT422", "invalid_argument", "`row_limit` is out of range"),
        ),
        notes=(
            "Not before `now()` and auth.uid() in private.things(), by\n"
            "- `thing_id`: what it is\n"
            "- `'x'`: its kind",
        ),
        callers=("authenticated",),
    )


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        ("--   row_limit  1 to 200\n", ""),
        ("--   row_limit  1", "--   limit      1"),
        ("--   row_limit  1", "--   page       1\n--   row_limit  1"),
        ("--   returns    {", "--              {"),
        ("-- Raises\n", "-- Raises what find_thing() raises, and\n"),
        ("--   PT422 invalid_argument", "-- and what private.row_limit() raises"),
        ("--   PT422 invalid_argument", "--   invalid_argument"),
        ("language sql stable", "language sql"),
    ],
)
def test_a_header_that_differs_from_its_function_is_refused(there, instead):
    assert SOURCE.count(there) == 1
    with pytest.raises(ValueError, match="find_things: "):
        api_docs.parse("find_things", SOURCE.replace(there, instead))


def test_a_function_in_no_group_is_refused():
    with pytest.raises(ValueError, match="find_things"):
        api_docs.page([*FUNCTIONS, api_docs.parse("find_things", SOURCE)])


def test_each_function_is_in_one_group():
    names = [name for _, _, names in api_docs.GROUPS for name in names]
    assert sorted(names) == [function.name for function in FUNCTIONS]
