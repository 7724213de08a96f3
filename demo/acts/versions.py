"""Versions looked at side by side, and found by a name."""

import jsonpatch

from demo.histories import Json, spread
from demo.stage import Composition, Stage

_PAIRS = 4
_EXAMPLES = 2
_GOOD_LENGTH = 100  # characters, of all sentences of an example


def compare(stage: Stage, composition: Composition) -> None:
    """Compare versions with the next one: the patch leads there, and sentences tell of it."""
    _, viewer, _ = stage.outsiders(composition.owner)
    documents = composition.documents
    examples: dict[str, list[str]] = {}
    for older in spread(range(1, composition.version), _PAIRS):
        step = {"from_version": older, "to_version": older + 1}
        what = f"{composition.id}: the diff from {older} to {older + 1}"
        diff = stage.call(viewer, "diff_versions", composition_id=composition.id, **step)
        before, after = documents[older - 1 : older + 1]
        if _patched(before, diff["patch"]) != after:
            stage.fail(f"{what} does not lead there")
        if bool(diff["sentences"]) != bool(diff["patch"]):
            stage.fail(f"{what} has a patch or sentences, not both")
        if before != after:
            examples[f"{composition.title}, {older} → {older + 1}"] = diff["sentences"]
    outcome = stage.outcome
    best = sorted(examples, key=lambda step: _distance(examples[step]))[:1]
    told = outcome.sentences | {step: examples[step] for step in best}
    steps = sorted(told, key=lambda step: _distance(told[step]))[:_EXAMPLES]
    outcome.sentences = {step: told[step] for step in steps}


def label(stage: Stage, composition: Composition) -> None:
    """Give the head a name: an editor may, a viewer may not, and the list has it."""
    editor, viewer, _ = stage.outsiders(composition.owner)
    named = {"composition_id": composition.id, "version": composition.version}
    stage.call(editor, "label_version", **named, label="Reviewed")
    stage.expect(
        "composition_read_only", "a viewer's label", viewer, "label_version", **named, label="Mine"
    )
    page = stage.call(viewer, "list_versions", composition_id=composition.id, row_limit=1)
    stage.check(
        f"{composition.id}: its newest version is",
        [(item["version"], item["label"]) for item in page["items"]],
        [(composition.version, "Reviewed")],
    )


def _distance(sentences: list[str]) -> int:
    """How far an example is from what is good to read: neither a word nor a page."""
    return abs(sum(map(len, sentences)) - _GOOD_LENGTH)


def _patched(document: Json, patch: list[Json]) -> object:
    try:
        return jsonpatch.apply_patch(document, patch)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        return error
