"""The samples of this repository: interfaces with the edits that were made to them."""

import json
from collections.abc import Iterator
from pathlib import Path

import jsonpatch

from demo.histories import History, Revision, Source, spread
from devstack.packages import PROJECT

FOLDER = PROJECT / "samples"


def open_samples(wanted: int) -> Source:
    """The samples, in the order of their names.

    Args:
        wanted: How many; 0: all.
    """
    files = spread(sorted(FOLDER.glob("*.json")), wanted)
    return Source("the samples", len(files), map(read_sample, files))


def read_sample(file: Path) -> History:
    """A sample: its document, then one revision an edit.

    Args:
        file: JSON with title, description, tags, document, and edits, each a message and a patch
            (RFC 6902) of the document before.
    """
    sample = json.loads(file.read_text(encoding="utf-8"))

    def revisions() -> Iterator[Revision]:
        document = sample["document"]
        yield Revision(document, None)
        for edit in sample["edits"]:
            document = jsonpatch.apply_patch(document, edit["patch"])
            yield Revision(document, edit["message"])

    return History(sample["title"], sample["description"], sample["tags"], list(revisions()))
