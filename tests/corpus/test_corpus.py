"""Documents that others wrote, with their real histories: all are accepted, all come back equal,
a patch leads from each version to the next, two edits of one version are merged by the rules, and a
layer on the first version applies to each later one or says what of it does not.

The corpus is not part of the project (demo/corpus.py says where it is looked for and how it is
written). `make test` plays a sample of it, `make test-corpus` everything.
"""

import itertools
import json
from collections import Counter
from decimal import Decimal

import jsonpatch
import psycopg
import pytest

from demo.corpus import find_corpus, open_corpus
from devstack import migrations
from devstack.postgres import Postgres
from tests.layers import play_history
from tests.merging import merge, text
from tests.people import Person
from tests.samples import exact

CORPUS = find_corpus()
PEOPLE = 3
SAMPLE = 300
WITH_LAYERS = 20


# Every version and the next: patched, and merged with what changed nothing or the same.
LAWS = """
select count(*), count(*) filter (where
         private.apply_json_patch(o.document, private.json_diff(o.document, n.document))::text
           = n.document::text
         and alone.merged::text = n.document::text and alone.conflicts = '[]'
         and first.merged::text = n.document::text and first.conflicts = '[]'
         and alike.merged::text = n.document::text and alike.conflicts = '[]'
       )
  from public.composition_versions as v
  join public.composition_versions as w
    on w.composition_id = v.composition_id and w.version = v.version + 1
  join public.compositions as o on o.content_hash = v.content_hash
  join public.compositions as n on n.content_hash = w.content_hash
 cross join lateral private.merge_json(o.document, o.document, n.document) as alone
 cross join lateral private.merge_json(o.document, n.document, o.document) as first
 cross join lateral private.merge_json(o.document, n.document, n.document) as alike
"""

# Every version with the two next, as if both had been made of it.
MERGES = """
select o.document::text, n.document::text, l.document::text, m.merged::text, m.conflicts::text
  from public.composition_versions as v
  join public.composition_versions as w
    on w.composition_id = v.composition_id and w.version = v.version + 1
  join public.composition_versions as x
    on x.composition_id = v.composition_id and x.version = v.version + 2
  join public.compositions as o on o.content_hash = v.content_hash
  join public.compositions as n on n.content_hash = w.content_hash
  join public.compositions as l on l.content_hash = x.content_hash
 cross join lateral private.merge_json(o.document, n.document, l.document) as m
"""


@pytest.fixture
def server(tmp_path):
    with Postgres(tmp_path) as running:
        migrations.push(running.url())
        yield running


@pytest.fixture
def admin(server):
    with psycopg.connect(server.url("supabase_admin"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def people(server, admin):
    """A few people, since one may own 10,000 compositions at most, on a server of their own."""
    made = admin.execute(
        """
        insert into auth.users (id)
        select gen_random_uuid() from generate_series(1, %s) returning id
        """,
        (PEOPLE,),
    )
    everyone = [Person(server.url("authenticator"), user_id) for (user_id,) in made]
    yield everyone
    for person in everyone:
        person.connection.close()


def merges_by_the_rules(admin):
    """Compare all merges of three versions with those of the model.

    Returns:
        How many there are, and of them without a conflict.
    """
    counts: Counter[bool] = Counter()
    with admin.transaction(), admin.cursor(name="merges") as cursor:
        for row in cursor.execute(MERGES):
            base, head, mine, merged, conflicts = (
                json.loads(value, parse_float=Decimal) for value in row
            )
            expected = merge(base, head, mine)
            assert text(merged) == text(expected.merged), row[:3]
            assert text(conflicts) == text(expected.conflicts[:100]), row[:3]
            counts[not conflicts] += 1
    return counts.total(), counts[True]


@pytest.mark.skipif(
    CORPUS is None, reason="the corpus does not ship with the project; samples/ are tested"
)
def test_every_version_of_every_document_comes_back_equal(request, people, admin):
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

    assert admin.execute(LAWS).fetchone() == (diffs, diffs)
    merges, clean = merges_by_the_rules(admin)
    print(
        f"{documents} documents, {versions} versions, {diffs} diffs,"
        f" {len(hashes)} distinct contents, {merges} merges, {clean} of them without a conflict"
    )
    assert 0 < clean < merges
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
