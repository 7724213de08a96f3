"""A newcomer: invited, at work, gone, back, and then the account is deleted."""

import psycopg

from demo.histories import Json
from demo.stage import Composition, Person, Stage

_DOCUMENT: Json = {"format": "composition/1", "dialect": "json", "body": {"text": "To do"}}


def invite(stage: Stage) -> Person:
    """The founder invites an address; only who has it then becomes a member.

    Returns:
        The newcomer.

    Raises:
        supabase.AuthError: Nobody may sign up any more.
    """
    founder = stage.people[0]
    _, _, stranger = stage.outsiders(founder)
    invitation = stage.call(
        founder,
        "invite_to_organization",
        organization_id=founder.organization_id,
        email=stage.address("newcomer").upper(),
        role="member",
    )
    newcomer = stage.sign_up("newcomer")
    token = invitation["token"]
    stage.expect(
        "invitation_not_found", "who was not invited", stranger, "accept_invitation", token=token
    )
    member = stage.call(newcomer, "accept_invitation", token=token)
    stage.check(
        "the newcomer joined as",
        (member["organization_id"], member["user_id"], member["role"]),
        (founder.organization_id, newcomer.id, "member"),
    )
    stage.expect(
        "invitation_not_found", "an invitation used up", newcomer, "accept_invitation", token=token
    )
    newcomer.organization_id, newcomer.role = founder.organization_id, "member"
    return newcomer


def reach_for_roles(stage: Stage, newcomer: Person) -> None:
    """A member and an admin reach for higher roles, in vain."""
    _, admin, *_ = stage.people
    for person, role in ((newcomer, "admin"), (admin, "owner")):
        stage.expect(
            "organization_role_too_low",
            f"who makes themselves {role}",
            person,
            "set_organization_role",
            organization_id=person.organization_id,
            user_id=person.id,
            role=role,
        )


def work_and_leave(stage: Stage, newcomer: Person) -> None:
    """The newcomer works for the organisation and leaves: the work stays, with the founder."""
    founder = stage.people[0]
    visible = {
        c.id
        for c in stage.compositions
        if c.owner.organization_id == newcomer.organization_id
        and stage.colleagues(founder) <= c.readers
    }
    minutes = _create(stage, newcomer, "Minutes", is_personal=False)
    stage.check_same("the newcomer lists", set(stage.listed(newcomer)), visible | {minutes.id})

    stage.call(newcomer, "leave_organization", organization_id=newcomer.organization_id)
    _pass_on(stage, minutes, founder)
    stage.expect(
        "composition_not_found",
        "a load after leaving",
        newcomer,
        "load_composition",
        composition_id=minutes.id,
    )
    stage.check_same("who has left lists", set(stage.listed(newcomer)), set())


def delete_account(stage: Stage, newcomer: Person) -> None:
    """The newcomer comes back and the account is deleted: what was theirs goes, the rest stays."""
    founder = stage.people[0]
    stage.call(
        founder,
        "add_organization_member",
        organization_id=founder.organization_id,
        user_id=newcomer.id,
        role="member",
    )
    plan = _create(stage, newcomer, "Plan", is_personal=False)
    diary = _create(stage, newcomer, "Diary", is_personal=True)
    stage.call(
        newcomer,
        "share_composition",
        composition_id=diary.id,
        role="viewer",
        user_id=founder.id,
    )
    diary.readers.add(founder)
    stage.load(diary, founder, "viewer")

    assert stage.database_url
    with psycopg.connect(stage.database_url) as connection:
        connection.execute("delete from auth.users where id = %s", (newcomer.id,))
    stage.compositions.remove(diary)
    stage.expect(
        "composition_not_found",
        "what a deleted account had",
        founder,
        "load_composition",
        composition_id=diary.id,
    )
    _pass_on(stage, plan, founder)
    stage.expect(
        "account_not_found",
        "who has no account any more",
        newcomer,
        "create_composition",
        title="Diary",
        document=_DOCUMENT,
    )


def _create(stage: Stage, person: Person, title: str, *, is_personal: bool) -> Composition:
    readers = {person} if is_personal else {person, *stage.colleagues(person)}
    made = stage.call(
        person,
        "create_composition",
        title=title,
        document=_DOCUMENT,
        organization_id=None if is_personal else person.organization_id,
    )
    composition = Composition(made["composition_id"], title, person, is_personal, readers, [person])
    stage.add_version(composition, _DOCUMENT, made)
    stage.compositions.append(composition)
    return composition


def _pass_on(stage: Stage, composition: Composition, heir: Person) -> None:
    composition.owner = heir
    composition.readers = stage.colleagues(heir)
    loaded = stage.load(composition, heir, "owner")
    stage.check(f"{composition.id}: left behind, its owner is", loaded["owner_id"], heir.id)
