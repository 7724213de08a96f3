"""Copies that come and go, and work that changes hands."""

from demo.stage import Composition, Person, Stage


def fork_and_purge(stage: Stage, composition: Composition) -> None:
    """A viewer copies a composition, throws the copy away, takes it back, and ends it for good."""
    _, viewer, _ = stage.outsiders(composition.owner)
    fork = _fork(stage, composition, viewer)
    _check_trash(stage, viewer, fork, is_trashed=False)

    stage.call(viewer, "delete_composition", composition_id=fork.id)
    stage.expect(
        "composition_trashed",
        "a load from the trash",
        viewer,
        "load_composition",
        composition_id=fork.id,
    )
    _check_trash(stage, viewer, fork, is_trashed=True)

    stage.call(viewer, "undelete_composition", composition_id=fork.id)
    stage.load(fork, viewer, "owner")
    _check_trash(stage, viewer, fork, is_trashed=False)

    stage.call(viewer, "delete_composition", composition_id=fork.id)
    stage.call(viewer, "purge_composition", composition_id=fork.id)
    stage.expect(
        "composition_not_found",
        "a load of what was purged",
        viewer,
        "load_composition",
        composition_id=fork.id,
    )
    _check_trash(stage, viewer, fork, is_trashed=None)


def hand_over(stage: Stage, composition: Composition) -> None:
    """Its owner hands a composition to a colleague, who hands it back."""
    owner = composition.owner
    _, viewer, _ = stage.outsiders(owner)
    colleague = next(p for p in stage.people if p in stage.colleagues(owner) and p is not owner)
    place = {"composition_id": composition.id, "organization_id": composition.organization_id}
    stage.expect(
        "not_composition_owner", "a viewer's transfer", viewer, "transfer_composition", **place
    )

    given = stage.call(owner, "transfer_composition", user_id=colleague.id, **place)
    stage.check(f"{composition.id}: handed over, its owner is", given["owner_id"], colleague.id)
    stage.load(composition, colleague, "owner")
    # All of it is shared with the organisation or the organisation's, whose admins own that.
    is_admin = owner.role in ("owner", "admin")
    stage.load(
        composition, owner, "owner" if is_admin and not composition.is_personal else "viewer"
    )

    stage.call(colleague, "transfer_composition", user_id=owner.id, **place)
    back = stage.load(composition, owner, "owner")
    stage.check(
        f"{composition.id}: handed back, it is of",
        (back["owner_id"], back["organization_id"]),
        (owner.id, composition.organization_id),
    )


def _fork(stage: Stage, composition: Composition, person: Person) -> Composition:
    title = f"Copy of {composition.title}"[:200]
    made = stage.call(person, "fork_composition", composition_id=composition.id, title=title)
    fork = Composition(made["composition_id"], title, person, True, {person}, [person])
    stage.add_version(fork, composition.documents[-1], made)
    loaded = stage.load(fork, person, "owner")
    stage.check(
        f"{composition.id}: its fork is of",
        tuple(
            loaded[name] for name in ("forked_from_id", "forked_from_version", "organization_id")
        ),
        (composition.id, composition.version, None),
    )
    stage.check(f"{composition.id}: its fork has the tags", loaded["tags"], composition.tags)
    return fork


def _check_trash(
    stage: Stage, person: Person, fork: Composition, *, is_trashed: bool | None
) -> None:
    # Nothing else is in the trash meanwhile, and what is newest stands first in a list.
    trash = stage.listed(person, trashed=True)
    stage.check_same(f"{person.name}'s trash has", set(trash), {fork.id} if is_trashed else set())
    page = stage.call(person, "list_my_compositions", row_limit=1)
    found = fork.id in [item["composition_id"] for item in page["items"]]
    stage.check(f"{fork.id}: a fork that is listed:", found, is_trashed is False)
