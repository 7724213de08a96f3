"""Lists with filters, held against what the play knows."""

import re

from demo.stage import Composition, Person, Stage


def search(stage: Stage, person: Person) -> None:
    """A word of a title finds what has it, and written in the other case it finds the same."""
    seen = _seen_by(stage, person)
    words = [word for c in seen[:1] for word in re.findall(r"[A-Za-z0-9]+", c.title)]
    for word in sorted(words, key=len)[-1:]:
        for spelt in (word, word.swapcase()):
            found = set(stage.listed(person, search=spelt))
            # Accents and letters beyond ASCII may fold into the word: those are not judged here.
            wanted = {
                c.id
                for c in seen
                if word.lower() in _text(c).lower() or (c.id in found and not _text(c).isascii())
            }
            stage.check_same(f"{person.name} searches for {spelt!r} and finds", found, wanted)


def filter_lists(stage: Stage, person: Person) -> None:
    """What is shared, what is the organisation's, what has a tag: all of it and nothing else."""

    def is_shared(composition: Composition) -> bool:
        is_ours = composition.organization_id == person.organization_id
        return composition.owner is not person and not is_ours

    seen = _seen_by(stage, person)
    shared = {c.id for c in seen if is_shared(c)}
    filters: list[tuple[str, object, set[str]]] = [
        ("shared", True, shared),
        ("shared", False, {c.id for c in seen} - shared),
        (
            "organization_id",
            person.organization_id,
            {c.id for c in seen if c.organization_id == person.organization_id},
        ),
        ("trashed", True, set()),
    ]
    tags = [tag for c in seen for tag in c.tags]
    filters += [("tag", tag, {c.id for c in seen if tag in c.tags}) for tag in tags[:1]]
    for key, value, wanted in filters:
        found = set(stage.listed(person, **{key: value}))
        stage.check_same(f"{person.name} filters by {key} and finds", found, wanted)


def hide_in_the_trash(stage: Stage, composition: Composition) -> None:
    """What its owner throws away is in the owner's trash, and with nobody else."""
    editor, _, _ = stage.outsiders(composition.owner)
    stage.call(composition.owner, "delete_composition", composition_id=composition.id)
    for person, trash in ((composition.owner, {composition.id}), (editor, set[str]())):
        found = set(stage.listed(person, trashed=True))
        stage.check_same(f"{person.name}'s trash has", found, trash)
        found = set(stage.listed(person, trashed=False)) & {composition.id}
        stage.check_same(f"{person.name} lists from the trash", found, set())
    stage.call(composition.owner, "undelete_composition", composition_id=composition.id)


def _seen_by(stage: Stage, person: Person) -> list[Composition]:
    return [composition for composition in stage.compositions if person in composition.readers]


def _text(composition: Composition) -> str:
    return "\n".join([composition.title, composition.description, *composition.tags])
