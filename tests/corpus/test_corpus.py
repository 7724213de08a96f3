"""Documents that others wrote, with their real histories: all are accepted, all come back equal,
a patch leads from each version to the next, and a layer on the first version applies to each later
one or says what of it does not.

The corpus is not part of the project (demo/corpus.py says where it is looked for and how it is
written). `make test` plays a sample of it, `make test-corpus` everything.
"""

import itertools
from collections import Counter

import jsonpatch
import psycopg
import pytest

from demo.corpus import find_corpus, open_corpus
from devstack import migrations
from devstack.postgres import Postgres
from tests.layers import play_history
from tests.people import Person
from tests.samples import exact

CORPUS = find_corpus()
PEOPLE = 3
SAMPLE = 300
WITH_LAYERS = 20


@pytest.fixture
def people(tmp_path):
    """A few people, since one may own 10,000 compositions at most, on a server of their own."""
    with Postgres(tmp_path) as server:
        migrations.push(server.url())
        with psycopg.connect(server.url("supabase_admin"), autocommit=True) as admin:
            ids = [
                row[0]
                for row in admin.execute(
                    """
                    insert into auth.users (id)
                    select gen_random_uuid() from generate_series(1, %s) returning id
                    """,
                    (PEOPLE,),
                )
            ]
        everyone = [Person(server.url("authenticator"), user_id) for user_id in ids]
        yield everyone
        for person in everyone:
            person.connection.close()


@pytest.mark.skipif(
    CORPUS is None, reason="the corpus does not ship with the project; samples/ are tested"
)
def test_every_version_of_every_document_comes_back_equal(request, people):
    assert CORPUS
    whole = request.config.getoption("--whole-corpus")
    source = open_corpus(CORPUS, 0 if whole else SAMPLE)
    documents = versions = diffs = 0
    hashes = set()

    for history in source.histories:
        person = people[documents % PEOPLE]
        documents += 1
        composition_id = None
        for version, revision in enumerate(history.revisions, start=1):
            if composition_id is None:
                made = person.call(
                    "create_composition", title=history.title, document=revision.document
                )
                composition_id = made["composition_id"]
            else:
                made = person.call(
                    "save_version",
                    composition_id=composition_id,
                    base_version=version - 1,
                    document=revision.document,
                )
            assert made["version"] == version
            hashes.add(made["content_hash"])
        for version, revision in enumerate(history.revisions, start=1):
            read = person.call("get_version", composition_id=composition_id, version=version)
            assert read["document"] == revision.document, (history.title, version)
        for version, (before, after) in enumerate(itertools.pairwise(history.revisions), start=1):
            diff = person.call(
                "diff_versions",
                composition_id=composition_id,
                from_version=version,
                to_version=version + 1,
            )
            made = jsonpatch.apply_patch(before.document, diff["patch"])
            assert exact(made) == exact(after.document), (history.title, version)
            differ = exact(before.document) != exact(after.document)
            assert bool(diff["patch"]) == bool(diff["sentences"]) == differ
            diffs += 1
        versions += len(history.revisions)
        loaded = person.call("load_composition", composition_id=composition_id)
        assert loaded["document"] == history.revisions[-1].document

    print(
        f"{documents} documents, {versions} versions, {diffs} diffs,"
        f" {len(hashes)} distinct contents"
    )
    assert not source.skipped
    assert (documents, versions) == ((5691, 14093) if whole else (SAMPLE, versions))
    assert diffs == versions - documents


@pytest.mark.skipif(
    CORPUS is None, reason="the corpus does not ship with the project; samples/ are tested"
)
def test_a_layer_applies_or_says_what_does_not_at_every_later_version(request, people):
    assert CORPUS
    whole = request.config.getoption("--whole-corpus")
    states: Counter[str] = Counter()

    for seed, history in enumerate(open_corpus(CORPUS, 0 if whole else WITH_LAYERS).histories):
        if len(history.revisions) > 1:
            states += play_history(people[seed % PEOPLE], history, seed)

    print(dict(states))
    assert states.keys() == {"applied", "stale", "conflict"}
