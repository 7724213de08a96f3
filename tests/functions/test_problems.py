"""Problems: the one shape, and the page that lists them."""

import re

import pytest

from devstack.packages import PROJECT
from functions.core.problems import DatabaseProblem, Problem
from tests.docs.test_docs import rows, section


def test_no_fact_takes_the_place_of_what_every_problem_has():
    problem = Problem(409, "taken", "it is taken", None, error="x", message="y", hint="z", status=1)
    assert problem.body() == {"error": "taken", "message": "it is taken", "hint": None, "status": 1}


@pytest.mark.parametrize(
    "body",
    [
        b'{"code": "PT404", "message": "m", "details": "no JSON", "hint": null}',
        b'{"code": "PT404", "message": "m", "details": "[1]", "hint": null}',
        b'{"code": "PT404", "message": "m", "details": "{\\"code\\": 7}", "hint": null}',
        b'{"code": "PT404", "message": "m", "details": null, "hint": null}',
    ],
)
def test_a_refusal_without_a_code_of_ours_keeps_its_status(body):
    problem = DatabaseProblem.from_answer(404, body)
    assert problem is not None
    assert (problem.status, problem.code, problem.facts) == (404, "database_refused", {})


def test_a_constraint_says_nothing_about_the_row_that_breaks_it():
    body = b'{"code": "23514", "message": "m s3cret", "details": "Failing row (s3cret)"}'
    problem = DatabaseProblem.from_answer(400, body)
    assert problem is not None
    assert (problem.status, problem.code) == (422, "invalid_argument")
    assert "s3cret" not in str(problem.body())


def test_every_code_that_the_functions_add_is_documented():
    documented = [row[0].strip("`") for row in rows(section("errors.md", "What the functions add"))]
    sources = "\n".join(file.read_text() for file in PROJECT.glob("functions/**/*.py"))
    given = set(re.findall(r'\(\s*(?:\d{3}|status),\s*"([a-z]\w+)"', sources))
    # A save that was kept as a conflict is refused with the code that the database has for others.
    assert documented == sorted(given - {"version_conflict"})
