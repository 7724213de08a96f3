"""A2UI's own examples: folded into documents all are valid, and broken by rule none is.

They are no part of the project; they are looked for beside the corpus (demo/corpus.py).
"""

import json

import psycopg
import pytest
from psycopg.types.json import Jsonb

from demo.a2ui import fold
from demo.corpus import find_corpus
from devstack import migrations
from devstack.postgres import Postgres
from tests.broken import Breaker, compared

CORPUS = find_corpus()
EXAMPLES = sorted(CORPUS.parent.glob("a2ui/*/*.json")) if CORPUS else []
SEEDS = 5

pytestmark = pytest.mark.skipif(
    not EXAMPLES, reason="A2UI's examples do not ship with the project; samples/ are tested"
)


@pytest.fixture(scope="module")
def validate(tmp_path_factory):
    """What is wrong with a document, as the validator says it."""
    with Postgres(tmp_path_factory.mktemp("a2ui")) as server:
        migrations.push(server.url())
        with psycopg.connect(server.url(), autocommit=True) as database:

            def ask(document):
                row = database.execute(
                    "select public.validate_document(%s)", (Jsonb(document),)
                ).fetchone()
                assert row is not None
                return row[0]["problems"]

            yield ask


def folded(file):
    return fold(json.loads(file.read_text())["messages"])


def test_there_are_as_many_as_were_published():
    assert len(EXAMPLES) == 36 + 7


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_is_valid(validate, file):
    document = folded(file)
    assert len(document["components"]) >= 1
    assert validate(document) == []


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_rule_that_is_broken_is_told(validate, file):
    document = folded(file)
    for seed in range(SEEDS):
        for rule, broken, problems in Breaker(document, seed).variants():
            assert (rule, seed, compared(validate(broken))) == (rule, seed, problems)
