"""Whoever takes several locks takes them in one order, so that nobody waits in a circle."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.layers import add, lay
from tests.people import wait_until_blocked
from tests.samples import SMALLEST, small


@pytest.fixture
def auth(postgres):
    with psycopg.connect(postgres.url("supabase_auth_admin"), autocommit=True) as connection:
        yield connection


def make_several(composition, owner, **arguments):
    """Make compositions of which neither the oldest nor the newest has the smallest id.

    Returns:
        Their ids, ascending.
    """
    ids = [composition(owner, SMALLEST, **arguments).id for _ in range(3)]
    while min(ids) in (ids[0], ids[-1]):
        ids.append(composition(owner, SMALLEST, **arguments).id)
    return sorted(ids)


def expect_in_order(admin, connection, ids, act):
    """Expect an act to wait for the first of some compositions before it holds any other."""
    lock = "select from public.user_compositions where id = any (%s::uuid[]) for update nowait"
    with ThreadPoolExecutor(1) as pool:
        with admin.transaction():
            admin.execute(lock, (ids[:1],))
            acting = pool.submit(act)
            wait_until_blocked(admin, connection)
            admin.execute(lock, (ids,))
        acting.result(10)


def test_the_last_member_takes_all_along_in_the_order_of_ids(
    people, organization, composition, admin
):
    (ann,) = people("ann")
    northwind = organization(ann)
    ids = make_several(composition, ann, organization_id=northwind)

    expect_in_order(
        admin,
        ann.connection,
        ids,
        lambda: ann.call("leave_organization", organization_id=northwind),
    )


@pytest.mark.parametrize("how", ["leave", "delete"])
def test_an_organisation_that_goes_leaves_shares_in_the_order_of_ids(
    people, organization, composition, admin, auth, how
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    ids = make_several(composition, ben)
    for composition_id in ids:
        ben.call(
            "share_composition",
            composition_id=composition_id,
            organization_id=northwind,
            role="viewer",
        )
    ben.call("leave_organization", organization_id=northwind)

    if how == "leave":
        expect_in_order(
            admin,
            ann.connection,
            ids,
            lambda: ann.call("leave_organization", organization_id=northwind),
        )
    else:
        expect_in_order(
            admin,
            auth,
            ids,
            lambda: auth.execute("delete from auth.users where id = %s", (ann.id,)),
        )

    assert ben.call("list_shares", composition_id=ids[0]) == []


def test_an_account_that_goes_leaves_layers_in_the_order_of_ids(people, composition, admin, auth):
    ann, ben = people("ann", "ben")
    ids = make_several(composition, ann)
    for composition_id in ids:
        share = {"composition_id": composition_id, "user_id": ben.id}
        ann.call("share_composition", **share, role="viewer")
        lay(ben, composition_id, add("/body/mine", 1))
        ann.call("unshare_composition", **share)

    expect_in_order(
        admin,
        auth,
        ids,
        lambda: auth.execute("delete from auth.users where id = %s", (ben.id,)),
    )


@pytest.mark.parametrize("how", ["leave", "delete"])
def test_an_organisation_that_goes_leaves_layers_in_the_order_of_ids(
    people, organization, composition, admin, auth, how
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    ids = make_several(composition, ben)
    for composition_id in ids:
        share = {"composition_id": composition_id, "organization_id": northwind}
        ben.call("share_composition", **share, role="viewer")
        ours = {"scope": "organization", "organization_id": northwind}
        lay(ann, composition_id, add("/body/ours", 1), **ours)
        ben.call("unshare_composition", **share)
    ben.call("leave_organization", organization_id=northwind)

    if how == "leave":
        expect_in_order(
            admin,
            ann.connection,
            ids,
            lambda: ann.call("leave_organization", organization_id=northwind),
        )
    else:
        expect_in_order(
            admin,
            auth,
            ids,
            lambda: auth.execute("delete from auth.users where id = %s", (ann.id,)),
        )


def test_work_is_handed_over_in_the_order_of_ids(people, organization, composition, admin):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "member"})
    ids = make_several(composition, ben, organization_id=northwind)

    expect_in_order(
        admin,
        ben.connection,
        ids,
        lambda: ben.call("leave_organization", organization_id=northwind),
    )

    assert ann.call("load_composition", composition_id=ids[0])["owner_id"] == ann.id


def test_a_share_with_a_former_author_holds_nothing_while_their_account_goes(
    people, composition, auth, admin
):
    ann, ben = people("ann", "ben")
    piece = composition(ann)
    share = {"composition_id": piece.id, "user_id": ben.id, "role": "editor"}
    ann.call("share_composition", **share)
    ben.call("save_version", composition_id=piece.id, base_version=1, document=small(by="ben"))
    ann.call("unshare_composition", composition_id=piece.id, user_id=ben.id)

    with ThreadPoolExecutor(1) as pool:
        with auth.transaction():
            auth.execute("select from auth.users where id = %s for update", (ben.id,))
            sharing = pool.submit(ann.call, "share_composition", **share)
            wait_until_blocked(admin, ann.connection, by=auth)
            auth.execute("delete from auth.users where id = %s", (ben.id,))
        with pytest.raises(psycopg.Error) as caught:
            sharing.result(10)

    assert caught.value.sqlstate == "PT404"


def test_who_leaves_holds_nothing_while_the_account_of_the_only_other_member_goes(
    people, organization, composition, auth, admin
):
    ann, ben = people("ann", "ben")
    northwind = organization(ann, {ben: "owner"})
    piece = composition(ann, organization_id=northwind)

    with ThreadPoolExecutor(1) as pool:
        with auth.transaction():
            auth.execute("select from auth.users where id = %s for update", (ben.id,))
            leaving = pool.submit(ann.call, "leave_organization", organization_id=northwind)
            wait_until_blocked(admin, ann.connection, by=auth)
            auth.execute("delete from auth.users where id = %s", (ben.id,))
        assert leaving.result(10)["user_id"] == ann.id

    for table, key in (("organizations", northwind), ("user_compositions", piece.id)):
        assert admin.execute(f"select from public.{table} where id = %s", (key,)).fetchall() == []
