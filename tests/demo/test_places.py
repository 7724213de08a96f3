"""Places in documents that people write to, and what a document is then."""

import jsonpatch
import pytest

from demo.places import changed, nested, patched, places, value_at
from demo.samples import FOLDER, read_sample
from tests.samples import sample, small

TREE = {
    "format": "composition/1",
    "dialect": "a2ui/0.9.1",
    "root": "root",
    "components": {
        "root": {"component": "Card", "child": "text"},
        "text": {"component": "Text", "text": {"path": "/not a text"}, "description": "A text"},
    },
}


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        (sample(), ["/components/page-title/text", "/components/find-box/label"]),
        (TREE, ["/components/text/description", "/components/root/demo-0"]),
        (small(), ["/body/demo-0", "/body/demo-1"]),
        (small(**{"a/b": {"~": "text"}, "list": ["text"]}), ["/body/a~1b/~0", "/body/demo-0"]),
    ],
)
def test_texts_are_chosen_where_they_are_and_new_keys_where_not(document, wanted):
    assert places(document) == wanted


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.json")), ids=lambda file: file.stem)
def test_what_is_written_there_is_what_both_kinds_of_patch_make(file):
    document = read_sample(file).revisions[-1].document
    place, other = places(document)
    values = {place: "One", other: "Two"}

    found = changed(document, values)

    assert (value_at(found, place), value_at(found, other)) == ("One", "Two")
    patch = [{"op": "add", "path": path, "value": value} for path, value in values.items()]
    assert found == patched(document, patch) != document
    assert found == merged(document, nested(values))


def test_a_patch_that_cannot_be_applied_is_answered_with_the_reason():
    reason = patched(small(), [{"op": "remove", "path": "/body/nothing"}])

    assert isinstance(reason, jsonpatch.JsonPatchConflict)


def test_nothing_stands_where_there_is_no_such_place():
    assert value_at(small(), "/body/a/b") is None
    assert value_at(small(a=1), "/body/a/b") is None


def merged(target, patch):
    """The function of RFC 7396, section 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
