"""A first page that an organisation gives its people, and what one of them makes of it.

The page is a sample, whose edits are what its admin does to it. What the member must see is told
here: the page, with what the member changed put into it, wherever both have not changed the same.
"""

from dataclasses import dataclass, field
from typing import Any

from demo.histories import History, Json
from demo.places import changed, nested
from demo.samples import FOLDER, read_sample
from demo.stage import Composition, Person, Stage

_SAMPLE = FOLDER / "welcome-page.json"
CONTEXT = "home"

_DURATION: Json = {
    "type": "filter",
    "field": "duration_seconds",
    "op": "lt",
    "value": 600,
    "label": "Under 10 minutes",
    "target": ["videos"],
}
_HOW_MANY = "/parameters/how-many/value"
_FEW = 5
_HEADING = "/components/welcome/text"


@dataclass(eq=False)
class Page:
    """A page that is the default of an organisation, and what a member has changed of it.

    Args:
        admin: Who keeps it.
        member: Who sees it, without the right to change it.
        changes: By place, the value that the member gave it.
    """

    composition: Composition
    admin: Person
    member: Person
    history: History
    changes: Json = field(default_factory=dict)

    @property
    def document(self) -> Json:
        """The page as its admin left it."""
        return self.composition.documents[-1]


def choose_default(stage: Stage) -> Page:
    """An admin makes a page the default of the organisation: its members see it, nobody else."""
    _, admin, member, stranger, *_ = stage.people
    history = read_sample(_SAMPLE)
    composition = _create(stage, admin, history)
    page = Page(composition, admin, member, history)
    pin = {"context": CONTEXT, "composition_id": composition.id, "scope": "organization"}
    stage.expect(
        "organization_role_too_low", "a member's default", member, "pin_composition", **pin
    )
    stage.expect(
        "composition_not_found", "a stranger's default", stranger, "pin_composition", **pin
    )
    stage.expect("nothing_pinned", "who has no default", member, "resolve_context", **_HERE)
    pinned = stage.call(admin, "pin_composition", **pin)
    stage.check(
        f"{composition.id}: the default is for", pinned["organization_id"], admin.organization_id
    )
    _look(stage, page)
    stage.expect("nothing_pinned", "a stranger's context", stranger, "resolve_context", **_HERE)
    return page


def make_it_ones_own(stage: Stage, page: Page) -> None:
    """The member wants videos under ten minutes, and another welcome: both are a layer on it."""
    knob = {"composition_id": page.composition.id, "name": "duration", "scope": "me"}
    field = _DURATION["field"]
    refused = stage.expect(
        "invalid_document",
        "a filter of no field",
        page.member,
        "set_parameter",
        **knob,
        parameter=_DURATION | {"field": field[:-1]},
    )
    meant = {"path": "/parameters/duration/field", "nearest": field}
    problems = [p for p in refused.get("problems", []) if meant.items() <= p.items()]
    if not problems:
        stage.fail(f"{page.composition.id}: of a misspelt field it does not say {meant}")
    stage.outcome.problems += problems

    layer = stage.call(page.member, "set_parameter", **knob, parameter=_DURATION)
    page.changes["/parameters/duration"] = _DURATION
    _check_layer(stage, page, layer)
    stage.check(
        f"{page.composition.id}: a layer of a filter says",
        layer["sentences"],
        ["Duration filter: none → under 10 minutes"],
    )

    _extend(stage, page, _HEADING, "Hello again")
    _set_how_many(stage, page, _FEW)
    _look(stage, page, "applied")
    seen = stage.load(page.composition, page.admin, "owner")
    stage.check(f"{page.composition.id}: its admin has the layers", seen.get("layers"), None)


def follow(stage: Stage, page: Page) -> None:
    """The admin goes on with the page: the layer stays on top of it."""
    for _ in range(2):
        _go_on(stage, page)
        _look(stage, page, "applied")


def settle(stage: Stage, page: Page) -> None:
    """The admin changes what the member has changed: told are both, and the member chooses."""
    name = f"{page.composition.title}: the default moved where {page.member.name} had changed it"
    for anew in (True, False):
        before, mine = page.document, page.changes.pop(_HOW_MANY, _FEW)
        _go_on(stage, page)
        values = [_how_many(document) for document in (before, page.document)]
        conflict = {"path": _HOW_MANY, "kind": "both_changed"}
        conflict |= dict(zip(("base", "head", "mine"), (*values, mine), strict=True))
        layer = _look(stage, page, "conflict", [conflict])
        if layer:
            stage.tell(name, conflict)
        if anew:
            _set_how_many(stage, page, mine)
        else:
            reset = stage.call(
                page.member, "reset_layer", composition_id=page.composition.id, paths=[_HOW_MANY]
            )
            _check_layer(stage, page, reset)
        _look(stage, page, "applied")
    stage.expect(
        "layer_path_not_found",
        "a reset of what is no change",
        page.member,
        "reset_layer",
        composition_id=page.composition.id,
        paths=[_HOW_MANY],
    )


def dress(stage: Stage, page: Page) -> None:
    """The founder changes the page for the whole organisation: what a member changed is on top."""
    composition, founder = page.composition, stage.people[0]
    layer = {"composition_id": composition.id, "scope": "organization"}
    values = {"/components/videos-heading/text": f"{founder.organization} learns"}
    patch = {"patch": nested(values), "format": "merge-patch"}
    stage.expect(
        "organization_role_too_low",
        "a member's layer for all",
        page.member,
        "set_layer",
        **layer,
        **patch,
        base_version=composition.version,
    )
    stage.call(founder, "set_layer", **layer, **patch, base_version=composition.version)
    for person, own in ((founder, {}), (page.member, page.changes)):
        seen = stage.call(person, "load_composition", composition_id=composition.id)
        wanted = changed(page.document, values | own)
        stage.compare(composition, composition.version, seen["document"], wanted)
        stage.check(
            f"{composition.id}: {person.name} sees the layers",
            [(layer["scope"], layer["state"]) for layer in seen.get("layers", [])],
            [("organization", "applied"), *([("me", "applied")] if own else [])],
        )
    stage.call(founder, "reset_layer", **layer)
    _look(stage, page, "applied")


def promote(stage: Stage, page: Page) -> Composition | None:
    """The member makes a composition of it and pins that; then the page itself is back as it is."""
    member, composition = page.member, page.composition
    title = f"{composition.title} of {member.name}"
    document = changed(page.document, page.changes)
    made = stage.call(
        member, "promote_layer", composition_id=composition.id, into="fork", title=title
    )
    fork = Composition(made["composition_id"], title, member, True, {member}, [member])
    stage.add_version(fork, document, made)
    stage.compositions.append(fork)
    stage.load(fork, member, "owner")
    page.changes.clear()
    _look(stage, page)

    stage.call(member, "pin_composition", **_HERE, composition_id=fork.id)
    mine = stage.call(member, "resolve_context", **_HERE)
    stage.check(
        f"{fork.id}: pinned, what is shown and why:",
        (mine["composition_id"], mine["reason"]["text"]),
        (fork.id, "pinned by you"),
    )
    stage.call(member, "unpin_composition", **_HERE)
    _look(stage, page)
    return fork


def keep_up(stage: Stage, page: Page, fork: Composition) -> None:
    """What is done to the page comes into the fork once its owner takes it, or stays out of it."""
    member, before = page.member, page.document
    up = {"composition_id": fork.id}
    _go_on(stage, page)
    wanted = _with_what_moved(fork.documents[-1], before, page.document)
    shown = stage.call(member, "update_from_upstream", **up)
    stage.check(f"{fork.id}: with its upstream it would be", shown.get("merged"), wanted)
    stage.check(f"{fork.id}: its upstream is in conflict:", shown["conflicts"], [])
    stage.tell(f"{fork.title}: what its upstream has changed", *shown["sentences"])
    stage.load(fork, member, "owner")
    made = stage.call(member, "update_from_upstream", **up, apply=True)
    stage.add_version(fork, wanted, made)
    stage.load(fork, member, "owner")

    # Both have another welcome now: the fork keeps its own.
    _go_on(stage, page)
    refused = stage.expect(
        "merge_conflict",
        "a fork that changed the same",
        member,
        "update_from_upstream",
        **up,
        apply=True,
    )
    paths = [conflict["path"] for conflict in refused.get("conflicts", [])]
    stage.check(f"{fork.id}: it is in conflict with its upstream at", paths, [_HEADING])
    kept = stage.call(member, "update_from_upstream", **up, apply=True, on_conflict="keep")
    stage.add_version(fork, wanted, kept)
    stage.load(fork, member, "owner")
    again = stage.call(member, "update_from_upstream", **up, apply=True)
    stage.check(
        f"{fork.id}: kept up once more, it is up to date, at version",
        (again["up_to_date"], again["version"]),
        (True, fork.version),
    )
    stage.expect(
        "upstream_not_found",
        "an update of what is no fork",
        page.admin,
        "update_from_upstream",
        composition_id=page.composition.id,
    )


_HERE = {"context": CONTEXT}


def _create(stage: Stage, admin: Person, history: History) -> Composition:
    made = stage.call(
        admin,
        "create_composition",
        title=history.title,
        document=history.revisions[0].document,
        organization_id=admin.organization_id,
        description=history.description,
        tags=history.tags,
    )
    composition = Composition(
        made["composition_id"],
        history.title,
        admin,
        False,
        stage.colleagues(admin),
        [admin],
        history.description,
        history.tags,
    )
    stage.add_version(composition, history.revisions[0].document, made)
    stage.compositions.append(composition)
    return composition


def _go_on(stage: Stage, page: Page) -> None:
    """Save the next edit of the sample."""
    composition = page.composition
    revision = page.history.revisions[composition.version]
    saved = stage.call(
        page.admin,
        "save_version",
        composition_id=composition.id,
        base_version=composition.version,
        document=revision.document,
        message=revision.message,
    )
    stage.add_version(composition, revision.document, saved)


def _look(
    stage: Stage, page: Page, state: str | None = None, conflicts: list[Json] | None = None
) -> Json | None:
    """See the page as the member, who must see it with what they changed.

    Args:
        stage: Where the play takes place.
        page: What is looked at.
        state: Of the member's layer; None: there is none.
        conflicts: What is told of it, if it is in conflict.

    Returns:
        The layer as it is told, if it is as it must be.
    """
    composition = page.composition
    seen: Json = stage.call(page.member, "resolve_context", **_HERE)
    what = f"{composition.id}: {page.member.name} sees"
    stage.check(
        f"{what} it as",
        (seen["composition_id"], seen["version"], seen["reason"]["text"]),
        (composition.id, composition.version, f"default of {page.member.organization}"),
    )
    stage.compare(
        composition, composition.version, seen["document"], changed(page.document, page.changes)
    )
    told = [
        (layer["scope"], layer["state"], layer["paths"], layer.get("conflicts"))
        for layer in seen.get("layers", [])
    ]
    paths = [conflict["path"] for conflict in conflicts or []]
    wanted = [("me", state, paths, conflicts)] if state else []
    stage.check(f"{what} layers", told, wanted)
    return seen["layers"][0] if told == wanted and state else None


def _check_layer(stage: Stage, page: Page, layer: Json) -> None:
    stage.check(
        f"{page.composition.id}: a layer that was just set is",
        (layer["scope"], layer["state"], layer["version"]),
        ("me", "applied", page.composition.version),
    )


def _extend(stage: Stage, page: Page, place: str, value: Any) -> None:
    layer = stage.call(
        page.member,
        "set_layer",
        composition_id=page.composition.id,
        base_version=page.composition.version,
        patch=[{"op": "replace", "path": place, "value": value}],
        mode="extend",
    )
    page.changes[place] = value
    _check_layer(stage, page, layer)
    stage.tell(f"{page.composition.title}, as {page.member.name} has it", *layer["sentences"])


def _set_how_many(stage: Stage, page: Page, value: int) -> None:
    layer = stage.call(
        page.member,
        "set_parameter",
        composition_id=page.composition.id,
        name="how-many",
        parameter={"value": value},
        scope="me",
    )
    page.changes[_HOW_MANY] = value
    _check_layer(stage, page, layer)


def _how_many(document: Json) -> Any:
    return document["parameters"]["how-many"]["value"]


def _with_what_moved(mine: Json, before: Json, after: Json) -> Json:
    """A document with what was added and changed between two others, component by component."""
    result = dict(mine)
    for part, now in after.items():
        if (was := before[part]) != now:
            moved = {key: value for key, value in now.items() if was.get(key) != value}
            result[part] = mine[part] | moved
    return result
