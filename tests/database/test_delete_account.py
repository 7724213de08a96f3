"""What is left of a person whose account is deleted, as the auth server deletes it."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.layers import add, lay
from tests.people import in_turn, refused, wait_until_blocked
from tests.samples import SMALLEST, contents, small

# Tables that name no person, even while the account is there.
IMPERSONAL = {
    "private.passed_over_content",
    "private.secrets",
    "private.settings",
    "public.composition_usage",
    "public.compositions",
    "public.organizations",
}


class AuthServer:
    """Deletes accounts, and holds what it holds meanwhile, as somebody who acts in a test."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True)
        self.transaction = self.connection.transaction

    def delete(self, person):
        deleted = self.connection.execute("delete from auth.users where id = %s", (person.id,))
        assert deleted.rowcount == 1


@pytest.fixture
def auth(postgres):
    server = AuthServer(postgres.url("supabase_auth_admin"))
    yield server
    server.connection.close()


@pytest.fixture
def other_auth(postgres):
    server = AuthServer(postgres.url("supabase_auth_admin"))
    yield server
    server.connection.close()


def tables(admin):
    return [
        name
        for (name,) in admin.execute(
            """
            select format('%I.%I', n.nspname, c.relname)
              from pg_class as c
              join pg_namespace as n on n.oid = c.relnamespace
             where n.nspname in ('public', 'private') and c.relkind in ('r', 'p')
            """
        ).fetchall()
    ]


def traces(admin, person):
    """The tables with a row that names a person in whatever column, of whatever type."""
    return {
        table
        for table in tables(admin)
        if admin.execute(
            f"select exists (select from {table} as t where t::text like %s)",
            (f"%{person.id}%",),
        ).fetchone()
        == (True,)
    }


def caches_forget(admin):
    """Until then they are told whom to forget."""
    admin.execute("delete from private.cache_outbox")


def save(person, composition_id, base_version=1, **body):
    return person.call(
        "save_version",
        composition_id=composition_id,
        base_version=base_version,
        document=small(**body),
    )


def share(person, composition_id, grantee, role="editor"):
    person.call("share_composition", composition_id=composition_id, user_id=grantee.id, role=role)


def invite(person, organization_id, email):
    person.call(
        "invite_to_organization", organization_id=organization_id, email=email, role="member"
    )


def count(admin, table, **column):
    ((name, value),) = column.items()
    query = f"select count(*) from public.{table} where {name} = %s"
    return admin.execute(query, (value,)).fetchone()[0]


def test_nothing_names_the_person_any_more(people, organization, composition, admin, auth, address):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "member"})
    organization(ann)
    invite(ann, northwind, "dan@example.com")
    invite(cy, organization(cy), address(ann))  # which has their id in it
    ours, mine = composition(ann, organization_id=northwind), composition(ann)
    theirs = composition(ben, organization_id=northwind)
    foreign = composition(cy)
    share(cy, foreign.id, ann)
    share(ann, mine.id, cy)
    share(ann, ours.id, cy)
    share(ann, theirs.id, cy)
    lay(ann, theirs.id, add("/data/mine", 1))
    save(ann, theirs.id)
    save(ann, foreign.id)
    save(cy, mine.id)
    fork = cy.call("fork_composition", composition_id=mine.id)["composition_id"]
    ann.call("transfer_composition", composition_id=composition(ann).id, user_id=ben.id)
    ann.call("delete_composition", composition_id=composition(ann).id)
    ann.call("pin_composition", context="home", composition_id=foreign.id)
    fork_it = {"composition_id": foreign.id, "organization_id": northwind}
    ann.call("call_once", mutation_id="1", function="fork_composition", arguments=Jsonb(fork_it))
    composition(ann, origin={"turn": "1"})
    ann.call("undo_turn", turn="1", origin={"turn": "2"})
    assert traces(admin, ann) == set(tables(admin)) - IMPERSONAL, "every table has a trace to lose"

    auth.delete(ann)
    caches_forget(admin)

    assert traces(admin, ann) == set()
    assert ben.call("list_invitations", organization_id=northwind) == [], "nobody vouches for it"
    assert cy.call("load_composition", composition_id=fork)["forked_from_id"] == mine.id


def test_what_was_personal_goes_with_content_that_nobody_else_has(people, composition, admin, auth):
    ann, ben = people("ann", "ben")
    only, both = str(uuid4()), str(uuid4())
    piece, trashed = composition(ann, small(marker=only)), composition(ann, small(marker=only, n=2))
    ann.call("delete_composition", composition_id=trashed.id)
    save(ann, piece.id, marker=both)
    kept = composition(ben, small(marker=both))

    auth.delete(ann)

    assert count(admin, "user_compositions", owner_id=ann.id) == 0
    for composition_id in (piece.id, trashed.id):
        assert count(admin, "composition_versions", composition_id=composition_id) == 0
    assert contents(admin, only) == 0
    assert ben.call("load_composition", composition_id=kept.id)["document"] == small(marker=both)


def test_versions_in_compositions_of_others_stay_without_an_author(people, composition, auth):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    share(ann, piece.id, ben)
    save(ben, piece.id, by="ben")

    auth.delete(ben)

    second = ann.call("get_version", composition_id=piece.id, version=2)
    assert (second["author_id"], second["document"]) == (None, small(by="ben"))
    assert ann.call("list_shares", composition_id=piece.id) == []


def test_a_share_that_the_person_gave_in_an_organisation_stays(
    people, organization, composition, auth
):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "owner"})
    piece = composition(ann, organization_id=northwind)
    share(ben, piece.id, cy)

    auth.delete(ben)

    (left,) = ann.call("list_shares", composition_id=piece.id)
    assert (left["user_id"], left["created_by"]) == (cy.id, None)


def test_the_work_of_an_organisation_stays_with_an_heir_in_the_trash_too(
    people, organization, composition, setting, auth
):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "member", cy: "admin"})
    piece = composition(ann, organization_id=northwind)
    trashed = composition(ann, organization_id=northwind)
    ann.call("delete_composition", composition_id=trashed.id)
    setting("max_compositions_per_person", 1)

    auth.delete(ann)

    assert cy.rows("select role from organization_members where user_id = %s", cy.id) == [
        ("owner",)
    ]
    cy.call("undelete_composition", composition_id=trashed.id)
    for composition_id in (piece.id, trashed.id):
        assert cy.call("load_composition", composition_id=composition_id)["owner_id"] == cy.id


def test_an_owner_who_stays_inherits_and_nobody_rises(people, organization, composition, auth):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "admin", cy: "owner"})
    piece = composition(ann, organization_id=northwind)

    auth.delete(ann)

    assert dict(
        cy.rows(
            "select user_id::text, role from organization_members where organization_id = %s",
            northwind,
        )
    ) == {ben.id: "admin", cy.id: "owner"}
    assert cy.call("load_composition", composition_id=piece.id)["owner_id"] == cy.id


def test_two_accounts_that_are_deleted_at_once_do_not_wait_in_a_circle(
    people, organization, composition, admin, auth, other_auth
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    pieces = [composition(person, SMALLEST, organization_id=northwind) for person in (ann, ben)]

    # Ben's deletion waits for the organisation. Had Ann's begun by then, each would wait to pass
    # work on to the other one.
    with ThreadPoolExecutor(2) as pool:
        with admin.transaction():
            admin.execute(
                "select from public.organizations where id = %s for no key update", (northwind,)
            )
            deletions = [pool.submit(auth.delete, ben)]
            wait_until_blocked(admin, auth.connection)
            deletions.append(pool.submit(other_auth.delete, ann))
            wait_until_blocked(admin, other_auth.connection, by=auth.connection)
        for deletion in deletions:
            deletion.result(10)

    assert count(admin, "organizations", id=northwind) == 0
    for piece in pieces:
        assert count(admin, "user_compositions", id=piece.id) == 0


def test_several_accounts_deleted_in_one_statement_leave_the_work_to_who_stays(
    people, organization, composition, auth
):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "owner", cy: "member"})
    piece = composition(ann, organization_id=northwind)

    auth.connection.execute(
        "delete from auth.users where id = any (%s::uuid[])", ([ann.id, ben.id],)
    )

    assert cy.call("load_composition", composition_id=piece.id)["owner_id"] == cy.id


def test_a_save_by_the_heir_and_a_deletion_do_not_wait_in_a_circle(
    people, organization, composition, auth, admin
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "admin"})
    first, second = [composition(ann, SMALLEST, organization_id=northwind) for _ in range(2)]

    # Held up at the second, had the deletion the first one by then, but not yet Ben's membership,
    # Ben would have that and wait for the first one.
    with ThreadPoolExecutor(2) as pool:
        with admin.transaction():
            admin.execute(
                "select from public.user_compositions where id = %s for update", (second.id,)
            )
            deletion = pool.submit(auth.delete, ann)
            wait_until_blocked(admin, auth.connection)
            saved = pool.submit(save, ben, first.id)
            wait_until_blocked(admin, ben.connection, by=auth.connection)
        deletion.result(10)
        assert saved.result(10)["version"] == 2


def test_a_deletion_waits_for_a_save_into_a_composition_of_theirs(people, composition, admin, auth):
    ann, ben = people("ann", "ben")
    marker = str(uuid4())
    piece = composition(ann)
    share(ann, piece.id, ben)

    in_turn(ben, lambda: save(ben, piece.id, marker=marker), auth, lambda: auth.delete(ann))

    assert count(admin, "composition_versions", composition_id=piece.id) == 0
    assert contents(admin, marker) == 0


def test_a_save_that_waited_for_the_deletion_is_refused_and_leaves_nothing(
    people, composition, admin, auth
):
    ann, ben = people("ann", "ben")
    marker = str(uuid4())
    piece = composition(ann)
    share(ann, piece.id, ben)

    with refused("PT404", code="composition_not_found"):
        in_turn(auth, lambda: auth.delete(ann), ben, lambda: save(ben, piece.id, marker=marker))

    assert contents(admin, marker) == 0


def test_a_fork_that_came_first_keeps_the_content(people, composition, auth):
    ann, ben = people("ann", "ben")
    document = small(marker=str(uuid4()))
    piece = composition(ann, document)
    share(ann, piece.id, ben, "viewer")
    made = []

    in_turn(
        ben,
        lambda: made.append(ben.call("fork_composition", composition_id=piece.id)),
        auth,
        lambda: auth.delete(ann),
    )

    loaded = ben.call("load_composition", composition_id=made[0]["composition_id"])
    assert loaded["document"] == document


def test_a_fork_that_waited_for_the_deletion_is_refused(people, composition, auth):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    share(ann, piece.id, ben, "viewer")

    with refused("PT404", code="composition_not_found"):
        in_turn(
            auth,
            lambda: auth.delete(ann),
            ben,
            lambda: ben.call("fork_composition", composition_id=piece.id),
        )


def test_what_was_given_away_before_its_owner_was_deleted_stays(
    people, organization, composition, auth
):
    ann, ben = people("ann", "ben")
    organization(ann, {ben: "member"})
    piece = composition(ann)

    in_turn(
        ann,
        lambda: ann.call("transfer_composition", composition_id=piece.id, user_id=ben.id),
        auth,
        lambda: auth.delete(ann),
    )

    assert ben.call("load_composition", composition_id=piece.id)["owner_id"] == ben.id


def test_who_is_being_deleted_gives_nothing_away(people, organization, composition, auth):
    ann, ben = people("ann", "ben")
    organization(ann, {ben: "member"})
    piece = composition(ann)

    with refused("PT401", code="account_not_found"):
        in_turn(
            auth,
            lambda: auth.delete(ann),
            ann,
            lambda: ann.call("transfer_composition", composition_id=piece.id, user_id=ben.id),
        )

    assert ben.call("list_my_compositions")["items"] == []


@pytest.mark.parametrize(
    ("to_organization", "code"), [(True, "member_not_found"), (False, "user_not_found")]
)
def test_nothing_is_given_to_who_is_being_deleted(
    people, organization, composition, auth, to_organization, code
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    piece = composition(ann)

    with refused("PT404", code=code):
        in_turn(
            auth,
            lambda: auth.delete(ben),
            ann,
            lambda: ann.call(
                "transfer_composition",
                composition_id=piece.id,
                user_id=ben.id,
                organization_id=northwind if to_organization else None,
            ),
        )

    assert ann.call("load_composition", composition_id=piece.id)["owner_id"] == ann.id


@pytest.mark.parametrize("to_organization", [True, False])
def test_what_was_given_to_who_is_deleted_next_goes_or_stays_with_the_organisation(
    people, organization, composition, admin, auth, to_organization
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    piece = composition(ann)

    in_turn(
        ann,
        lambda: ann.call(
            "transfer_composition",
            composition_id=piece.id,
            user_id=ben.id,
            organization_id=northwind if to_organization else None,
        ),
        auth,
        lambda: auth.delete(ben),
    )

    if to_organization:
        assert ann.call("load_composition", composition_id=piece.id)["owner_id"] == ann.id
    else:
        assert count(admin, "user_compositions", id=piece.id) == 0


@pytest.mark.parametrize("trace", ["version", "share received", "share given"])
def test_a_deletion_takes_a_composition_before_its_rows_as_a_purge_does(
    people, organization, composition, admin, auth, trace
):
    ann, ben, cy = people("ann", "ben", "cy")
    northwind = organization(ann, {ben: "admin"})
    piece = composition(ann, organization_id=northwind if trace == "share given" else None)
    if trace == "share given":
        share(ben, piece.id, cy)
    else:
        share(ann, piece.id, ben)
    if trace == "version":
        save(ben, piece.id)
        ann.call("unshare_composition", composition_id=piece.id, user_id=ben.id)

    with ThreadPoolExecutor(1) as pool:
        with admin.transaction():
            admin.execute(
                "select from public.user_compositions where id = %s for update", (piece.id,)
            )
            deletion = pool.submit(auth.delete, ben)
            wait_until_blocked(admin, auth.connection)
            for table in ("composition_versions", "shared_compositions"):
                query = f"select from public.{table} where composition_id = %s for update nowait"
                admin.execute(query, (piece.id,))
        deletion.result(10)

    caches_forget(admin)
    assert traces(admin, ben) == set()


def test_a_transfer_and_a_deletion_of_its_receiver_do_not_wait_in_a_circle(
    people, organization, composition, admin, auth
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    piece = composition(ann)

    # The deletion has Ben's account, and not yet his membership.
    with ThreadPoolExecutor(2) as pool:
        with admin.transaction():
            admin.execute(
                "select from public.organizations where id = %s for no key update", (northwind,)
            )
            deletion = pool.submit(auth.delete, ben)
            wait_until_blocked(admin, auth.connection)
            transferred = pool.submit(
                ann.call, "transfer_composition", composition_id=piece.id, user_id=ben.id
            )
            wait_until_blocked(admin, ann.connection, by=auth.connection)
        deletion.result(10)
        with refused("PT404", code="user_not_found"):
            transferred.result(10)

    assert ann.call("load_composition", composition_id=piece.id)["owner_id"] == ann.id
