"""A corpus is chosen from evenly, and read without ever being held."""

import json
from collections import Counter

import pytest
import zstandard

from demo.corpus import find_corpus, open_corpus
from demo.histories import SourceError

# By kind: how many documents there are, all of two versions, in turns from two sources.
COUNTS = {"chart": 40, "card": 3, "board": 10}
CORPUS = find_corpus()


def line(kind: str, number: int, version: int, document: object) -> str:
    entry = {
        "source": f"{kind}s/{number % 2}",
        "license": "MIT",
        "kind": kind,
        "path": f"{number}.json",
        "version": version,
        "commit": f"{version:040x}",
        "committed_at": f"2024-05-0{version}T00:00:00Z",
        "document": document,
    }
    return json.dumps(entry, ensure_ascii=False) + "\n"


LINES = "".join(
    line(kind, number, version, {"version": version, "separator": "\u2028"})
    for kind, count in COUNTS.items()
    for number in range(count)
    for version in (1, 2)
)


@pytest.fixture(params=["corpus.jsonl", "corpus.jsonl.zst"])
def corpus(request, tmp_path):
    file = tmp_path / request.param
    text = LINES.encode()
    file.write_bytes(zstandard.compress(text) if file.suffix == ".zst" else text)
    return file


def kinds(source):
    return Counter(history.tags[0] for history in source.histories)


def test_all_documents_come_with_all_their_versions(corpus):
    source = open_corpus(corpus, 0)
    histories = list(source.histories)

    assert source.document_count == len(histories) == sum(COUNTS.values())
    first = histories[0]
    assert first.title == "0.json" and first.description == "chart of charts/0 (MIT)"
    assert [revision.message for revision in first.revisions] == [
        "2024-05-01: 000000000000",
        "2024-05-02: 000000000000",
    ]
    assert first.revisions[1].document == {
        "format": "composition/1",
        "dialect": "json",
        "body": {"version": 2, "separator": "\u2028"},
    }


def test_a_choice_has_as_many_of_each_kind_as_there_are_and_both_sources(corpus):
    source = open_corpus(corpus, 15)
    histories = list(source.histories)

    assert source.document_count == len(histories) == 15
    assert Counter(history.tags[0] for history in histories) == {"chart": 6, "card": 3, "board": 6}
    assert {len(history.revisions) for history in histories} == {2}
    assert {h.description[:15] for h in histories if h.tags == ["chart"]} == {"chart of charts"}
    assert [history.title for history in open_corpus(corpus, 15).histories] == [
        history.title for history in histories
    ]


def test_more_than_there_are_is_all_of_them(corpus):
    assert kinds(open_corpus(corpus, 1000)) == COUNTS


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("text.jsonl", b"no json\n"),
        ("list.jsonl", b"[1]\n"),
        ("number.jsonl", b"1\n"),
        ("keys.jsonl", b'{"kind": "chart"}\n'),
        ("plain.zst", LINES.encode()),
        ("torn.zst", zstandard.compress(LINES.encode())[:-20]),
    ],
)
def test_what_is_no_corpus_is_refused_with_its_name(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(SourceError, match=name):
        list(open_corpus(tmp_path / name, 0).histories)


def test_a_file_that_is_not_there_is_refused_with_its_name(tmp_path):
    with pytest.raises(SourceError, match=r"absent\.jsonl"):
        open_corpus(tmp_path / "absent.jsonl", 0)


@pytest.mark.skipif(CORPUS is None, reason="the corpus does not ship with the project")
def test_the_whole_corpus_offers_every_kind_by_default():
    assert CORPUS
    source = open_corpus(CORPUS, 70)

    assert set(kinds(source).values()) == {10}
