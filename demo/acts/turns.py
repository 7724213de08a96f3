"""What an agent does in one turn of a conversation, and how a person takes all of it back."""

import secrets

from demo.histories import Json
from demo.places import changed, nested, places
from demo.stage import Composition, Person, Stage

_MOST = 3  # compositions of somebody's that an agent changes in a turn
_CONTEXT = "topic:agent"


class _Agent:
    """An agent at work for somebody, in one turn of a conversation."""

    def __init__(self, stage: Stage, person: Person) -> None:
        self._stage = stage
        self.person = person
        self.turn = secrets.token_hex(8)
        self.origin = {"kind": "agent", "agent": "demo", "conversation": "play", "turn": self.turn}

    def change(self, composition: Composition, text: str) -> Json:
        """Write a text into a document; returned is the document before."""
        before = _document(self._stage, composition)
        place, _ = places(before)
        made = self._stage.call(
            self.person,
            "patch_composition",
            composition_id=composition.id,
            base_version=composition.version,
            patch=nested({place: text}),
            format="merge-patch",
            origin=self.origin,
        )
        self._stage.add_version(composition, changed(before, {place: text}), made)
        return before

    def undo(self) -> Json:
        """Take the turn back."""
        undone: Json = self._stage.call(self.person, "undo_turn", turn=self.turn)
        return undone


def undo(stage: Stage) -> None:
    """An agent changes compositions, makes one, and pins it; one call takes all of it back."""
    mine = _of_first_owner(stage)
    owner = mine[0].owner
    agent = _Agent(stage, owner)
    before = [agent.change(composition, "Rewritten by an agent") for composition in mine]
    fork = stage.call(
        owner, "fork_composition", composition_id=mine[0].id, title="Draft", origin=agent.origin
    )["composition_id"]
    pin = {"context": _CONTEXT, "composition_id": fork}
    stage.call(owner, "pin_composition", **pin, origin=agent.origin)
    [place, _] = places(before[0])
    layer = stage.call(
        owner,
        "set_layer",
        composition_id=mine[0].id,
        base_version=mine[0].version,
        patch=[{"op": "add", "path": place, "value": "For your eyes only"}],
        origin=agent.origin,
    )
    stage.check(f"{mine[0].id}: an agent's layer is", layer["state"], "applied")
    newest = stage.call(owner, "list_versions", composition_id=mine[0].id, row_limit=1)["items"]
    stage.check(f"{mine[0].id}: its newest version comes from", newest[0]["origin"], agent.origin)

    undone = agent.undo()
    stage.check("a turn that is undone trashed", undone["trashed"], [fork])
    made = {written["composition_id"]: written for written in undone["compositions"]}
    stage.check_same("a turn that is undone changed", set(made), {c.id for c in mine})
    for composition, document in zip(mine, before, strict=True):
        stage.add_version(composition, document, made[composition.id])
        loaded = stage.load(composition, owner, "owner")
        stage.check(f"{composition.id}: after an undo its layers are", loaded.get("layers"), None)
    stage.expect(
        "nothing_pinned", "what an undo unpinned", owner, "resolve_context", context=_CONTEXT
    )
    stage.check_same("an undo left in the trash", set(stage.listed(owner, trashed=True)), {fork})
    stage.expect("turn_undone", "an undo of an undo", owner, "undo_turn", turn=agent.turn)
    stage.call(owner, "purge_composition", composition_id=fork)
    _forget(mine)


def overtake(stage: Stage) -> None:
    """Somebody saves on top of what an agent did: then all of it stays, and told is what stands."""
    mine = _of_first_owner(stage)
    owner = mine[0].owner
    editor, _, stranger = stage.outsiders(owner)
    agent = _Agent(stage, owner)
    for composition in mine:
        agent.change(composition, "Rewritten once more")
    later = mine[0].documents[-1]
    place, _ = places(later)
    saved = stage.call(
        editor,
        "save_version",
        composition_id=mine[0].id,
        base_version=mine[0].version,
        document=changed(later, {place: "Good as it is"}),
    )
    stage.add_version(mine[0], changed(later, {place: "Good as it is"}), saved)

    refused = stage.expect(
        "turn_overtaken", "an undo below a later save", owner, "undo_turn", turn=agent.turn
    )
    found = [(item["composition_id"], item["title"]) for item in refused.get("later", [])]
    stage.check("on an overtaken turn stands", found, [(mine[0].id, mine[0].title)])
    for composition in mine:
        stage.load(composition, owner, "owner")
    stage.expect(
        "turn_not_found", "who undoes others' turns", stranger, "undo_turn", turn=agent.turn
    )
    _forget(mine)


def _of_first_owner(stage: Stage) -> list[Composition]:
    owner = stage.compositions[0].owner
    return [composition for composition in stage.compositions if composition.owner is owner][:_MOST]


def _document(stage: Stage, composition: Composition) -> Json:
    loaded = stage.load(composition, composition.owner, "owner")
    document: Json = loaded["document"]
    return document


def _forget(compositions: list[Composition]) -> None:
    for composition in compositions:
        composition.documents.clear()
