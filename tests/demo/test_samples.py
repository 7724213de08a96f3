"""The samples that ship: whoever has no documents at hand plays these."""

import itertools

import pytest

from demo.samples import FOLDER, open_samples, read_sample

FILES = sorted(FOLDER.glob("*.json"))


def test_there_are_enough_of_them():
    source = open_samples(0)

    assert source.document_count == len(list(source.histories)) >= 24


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_edit_applies_and_makes_another_composition_document(file):
    history = read_sample(file)

    documents = [revision.document for revision in history.revisions]
    assert 5 <= len(documents) - 1 <= 20
    assert {document["format"] for document in documents} == {"composition/1"}
    assert all(before != after for before, after in itertools.pairwise(documents))
    assert all(revision.message for revision in history.revisions[1:])
    assert history.title and history.description and history.tags
