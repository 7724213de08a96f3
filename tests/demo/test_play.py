"""The play on databases that have something wrong with them: it notices, and says what."""

from __future__ import annotations

import pytest
from supabase import AuthError

from demo.histories import History, Revision, as_composition
from demo.stage import Person

# The stack of these tests has none; test_cached.py is about them.
NO_FUNCTIONS = "cached loads: they need FUNCTIONS_URL"


def test_on_a_database_that_is_right_nothing_fails(perform):
    outcome = perform().outcome

    assert outcome.failures == []
    assert (outcome.compositions, outcome.versions) == (2, 4), "the fourth restores the first"
    assert (outcome.read_backs, outcome.mismatches) == (18, 0)
    assert outcome.left_out == [NO_FUNCTIONS]
    assert len(outcome.acts) == 18 and set(outcome.acts.values()) == {1, 3}
    assert list(outcome.sentences) == ["First (restored), 1 → 2"]
    assert [problem["nearest"] for problem in outcome.problems] == ["text", "components"]


@pytest.mark.parametrize("title", ["— ★ —", "Étude ﬁnale", "100% of_it", "İstanbul ß", "x" * 200])
def test_a_single_document_of_one_version_and_any_title_is_enough(perform, title):
    single = History(title, "", [], [Revision(as_composition({}), None)])

    outcome = perform(None, single).outcome

    assert outcome.failures == []
    assert len(outcome.acts) == 18
    assert outcome.sentences == {}, "to restore the only version changes nothing"


def test_what_only_looks_like_children_is_no_place_for_a_misspelt_child(perform):
    root = {"component": "Card", "children": {"of": "ours"}, "tabs": [{"title": "Ours"}]}
    tree = {"root": "root", "components": {"root": root}}
    document = {"format": "composition/1", "dialect": "a2ui/0.9.1", **tree}

    outcome = perform("documents", History("Host", "", [], [Revision(document, None)])).outcome

    assert outcome.failures == []
    assert [problem["path"] for problem in outcome.problems] == ["/component"]


@pytest.mark.parametrize(
    ("lacking", "reasons"),
    [
        ("service_role_key", ["counting loads: it needs SUPABASE_SERVICE_ROLE_KEY"]),
        ("database_url", ["deleting an account: the database is not ours"]),
    ],
)
def test_what_takes_more_than_there_is_is_left_out_with_the_reason(perform, lacking, reasons):
    outcome = perform(**{lacking: None}).outcome

    assert outcome.failures == []
    assert outcome.left_out == [*reasons, NO_FUNCTIONS]
    assert len(outcome.acts) == 17


def test_where_no_more_people_may_sign_up_the_newcomer_is_left_out(perform):
    def refuse(_name: str) -> Person:
        raise AuthError("too many at once", None)

    outcome = perform(sign_up=refuse).outcome

    assert outcome.failures == []
    assert outcome.left_out == ["a newcomer: too many at once", NO_FUNCTIONS]


# A change: a function, what is right in it, and what is wrong. {0}, {1}: the compositions' ids.
@pytest.mark.parametrize(
    ("change", "failure"),
    [
        pytest.param(
            (
                "public.save_version",
                "=> save_version.base_version",
                "=> save_version.base_version - 1",
            ),
            "First: version_conflict: ",
            id="a good save is refused",
        ),
        pytest.param(
            ("private.save_document", "head.current_version = save_document.base_version", "true"),
            "{0}: a stale save was not refused",
            id="a stale save is taken",
        ),
        pytest.param(
            (
                "private.write_summary",
                "'version', composition.current_version,",
                "'version', composition.current_version + 1,",
            ),
            "{1}: a save made version 2",
            id="a version is skipped",
        ),
        pytest.param(
            ("private.require_composition_role", "held is null", "false"),
            "{0}: a stranger's load was not refused",
            id="a stranger may load",
        ),
        pytest.param(
            (
                "private.require_composition_role",
                "'composition_read_only'",
                "'composition_not_found'",
            ),
            "{0}: a viewer's save: composition_not_found instead of composition_read_only",
            id="a refusal has another code",
        ),
        pytest.param(
            (
                "private.shared_with_me_ids",
                "s.role = any (shared_with_me_ids.roles)",
                "s.role = any (roles) and cardinality(roles) = 2",
            ),
            "{0}: its editor could not rename it",
            id="the policy keeps an editor out",
        ),
        pytest.param(
            ("public.get_version", "v.version = get_version.version", "v.version = 2"),
            "{0}: version 1 is not what was saved",
            id="a version comes with the document of another",
        ),
        pytest.param(
            ("private.load", "'{document}', d.document", "'{document}', '{}'"),
            "{1}: version 1 is not what was saved",
            id="a composition is loaded without its content",
        ),
        pytest.param(
            (
                "private.load",
                "head, access.role, private.also_in_etag",
                "head, 'viewer', private.also_in_etag",
            ),
            "{1}: loaded as (1, 'Second', 'viewer'), not (1, 'Second', 'owner')",
            id="a composition is loaded with another role",
        ),
        pytest.param(
            (
                "private.visible_page",
                "shared := private.shared_with_me_ids()",
                "shared := '{}'",
            ),
            "dan lists 1 compositions or versions wrongly",
            id="a list leaves out what is shared",
        ),
    ],
)
def test_what_is_wrong_is_noticed_and_named(perform, break_function, change, failure):
    break_function(*change)

    play = perform(acts="")

    expected = failure.format(*[composition.id for composition in play.compositions])
    failures = play.outcome.failures
    assert any(found.startswith(expected) for found in failures), failures
    differing = [found for found in failures if found.endswith("is not what was saved")]
    assert play.outcome.mismatches == len(differing)


def test_a_viewer_who_may_rename_is_noticed_and_named(perform, break_function):
    # Two keep viewers from it: the policy, and the trigger, which asks once more.
    by_role = "s.role = any (shared_with_me_ids.roles)"
    break_function("private.shared_with_me_ids", by_role, "true")
    break_function("private.touch_composition", "current_user = 'authenticated'", "false")

    play = perform(acts="")

    assert f"{play.compositions[0].id}: a viewer could rename it" in play.outcome.failures


# An act of a module of demo.acts, a change, and the failure that is due; as above.
@pytest.mark.parametrize(
    ("acts", "change", "failure"),
    [
        pytest.param(
            "documents",
            ("public.validate_document", "p.problems = '[]'", "false"),
            "{0}: its document is",
            id="a document that is right is invalid",
        ),
        pytest.param(
            "documents",
            ("public.validate_document", "p.problems = '[]'", "true"),
            "{0}: a misspelt document is valid",
            id="a misspelt document is valid",
        ),
        pytest.param(
            "documents",
            ("private.nearest", "where d.distance <= n.allowance", "where false"),
            "{0}: of a misspelt document it does not say",
            id="the name that was meant is not told",
        ),
        pytest.param(
            "versions",
            ("public.diff_versions", "json_diff(source, target)", "json_diff(target, source)"),
            "{0}: the diff from 1 to 2 does not lead there",
            id="a patch leads back",
        ),
        pytest.param(
            "versions",
            ("public.diff_versions", "private.diff_sentences(source, target)", "'[]'::jsonb"),
            "{0}: the diff from 1 to 2 has a patch or sentences, not both",
            id="a patch comes without a sentence",
        ),
        pytest.param(
            "versions",
            ("public.label_version", "set label = label_version.label", "set label = null"),
            "{0}: its newest version is",
            id="a label is not kept",
        ),
        pytest.param(
            "versions",
            ("public.label_version", "'editor'", "'viewer'"),
            "{0}: a viewer's label was not refused",
            id="a viewer may label",
        ),
        pytest.param(
            "life",
            (
                "public.fork_composition",
                "forked_from_version => chosen",
                "forked_from_version => 1",
            ),
            "{0}: its fork is of",
            id="a fork forgets where it came from",
        ),
        pytest.param(
            "life",
            (
                "public.fork_composition",
                "public.get_version(source.id, chosen)",
                "public.get_version(source.id, 2)",
            ),
            ": version 1 is not what was saved",
            id="a fork has another content",
        ),
        pytest.param(
            "life",
            ("public.fork_composition", "=> source.tags", "=> '{}'::text[]"),
            "{0}: its fork has the tags",
            id="a fork has no tags",
        ),
        pytest.param(
            "life",
            (
                "public.delete_composition",
                "set deleted_at = clock_timestamp()",
                "set title = c.title",
            ),
            "a load from the trash was not refused",
            id="what is deleted is still there",
        ),
        pytest.param(
            "life",
            ("private.filter_condition", "else 'c.deleted_at is null'", "else 'true'"),
            "a fork that is listed: True, not False",
            id="what is deleted is still listed",
        ),
        pytest.param(
            "life",
            ("public.undelete_composition", "set deleted_at = null", "set title = c.title"),
            "copied, threw away, purged: composition_trashed",
            id="what is taken out of the trash stays in it",
        ),
        pytest.param(
            "life",
            ("public.purge_composition", "where c.id = composition.id", "where false"),
            "a load of what was purged: composition_trashed instead of composition_not_found",
            id="what is purged stays in the trash",
        ),
        pytest.param(
            "life",
            ("public.transfer_composition", "set owner_id = receiver", "set owner_id = c.owner_id"),
            "{0}: handed over, its owner is",
            id="a transfer leaves it with its owner",
        ),
        pytest.param(
            "life",
            (
                "public.transfer_composition",
                "organization_id = transfer_composition.organization_id\n",
                "organization_id = common\n",
            ),
            "{0}: handed back, it is of",
            id="a transfer gives it to the organisation, too",
        ),
        pytest.param(
            "life",
            ("public.transfer_composition", "'owner')", "'viewer')"),
            "{0}: a viewer's transfer was not refused",
            id="a viewer may transfer",
        ),
        pytest.param(
            "sharing",
            ("public.open_share_link", "link.role", "'owner'"),
            "{0}: a link shows",
            id="a link shows another role",
        ),
        pytest.param(
            "sharing",
            ("public.accept_share_link", "=> link.role", "=> 'viewer'"),
            "joined by a link and saved: composition_read_only",
            id="an editor's link makes viewers",
        ),
        pytest.param(
            "sharing",
            (
                "public.revoke_share_link",
                "delete from public.shared_compositions as s",
                "update public.shared_compositions as s set role = s.role",
            ),
            "a revoked link was not refused",
            id="a link outlives its end",
        ),
        pytest.param(
            "sharing",
            (
                "public.revoke_share_link",
                "perform private.lock_composition(link.composition_id, 'owner')",
                "update public.shared_compositions as s set link_id = null"
                " where s.link_id = link.id",
            ),
            "{0}: a load after the link went was not refused",
            id="what people got by a link outlives it",
        ),
        pytest.param(
            "sharing",
            ("public.share_composition", "=> share_composition.expires_at", "=> null"),
            "{0}: a share ends at",
            id="the end of a share is not kept",
        ),
        pytest.param(
            "sharing",
            ("private.require_time_to_come", "expires_at <= now()", "false"),
            "{0}: a share that is past was not refused",
            id="a share may be past",
        ),
        pytest.param(
            "sharing",
            ("private.composition_access", "s.expires_at > now()", "true"),
            "{0}: a load after the share ended was not refused",
            id="a share outlives its end",
        ),
        pytest.param(
            "sharing",
            ("private.find_link", "s.expires_at > now()", "true"),
            "a link that has ended was not refused",
            id="a link outlives its time",
        ),
        pytest.param(
            "organizations",
            ("private.require_invitation", "and lower(u.email) = i.email", ""),
            "who was not invited was not refused",
            id="whoever has its token may use an invitation",
        ),
        pytest.param(
            "organizations",
            ("public.accept_invitation", "invitation.role)", "'admin')"),
            "the newcomer joined as",
            id="an invitation gives another role",
        ),
        pytest.param(
            "organizations",
            (
                "public.accept_invitation",
                "delete from public.organization_invitations as i where i.id = invitation.id;",
                "",
            ),
            "an invitation used up: already_member instead of invitation_not_found",
            id="an invitation may be used twice",
        ),
        pytest.param(
            "organizations",
            ("public.set_organization_role", "'owner')", "'member')"),
            "who makes themselves admin was not refused",
            id="a member may become an admin",
        ),
        pytest.param(
            "organizations",
            ("private.visible_page", "organizations := mine", "organizations := '{}'"),
            "the newcomer lists",
            id="a member does not list what is the organisation's",
        ),
        pytest.param(
            "organizations",
            ("private.end_membership", "m.user_id = member.user_id;", "false;"),
            "a load after leaving was not refused",
            id="who leaves stays",
        ),
        pytest.param(
            "organizations",
            (
                "private.note_membership",
                "array_remove(o.organization_ids, old.organization_id)",
                "o.organization_ids",
            ),
            "who has left lists",
            id="who has left lists what is the organisation's",
        ),
        pytest.param(
            "organizations",
            (
                "private.organization_heir",
                "array_position(ranks, m.role)",
                "array_position(ranks, m.role) desc",
            ),
            ": left behind, its owner is",
            id="what is left goes to the wrong colleague",
        ),
        pytest.param(
            "organizations",
            (
                "private.forget_account",
                "return old;",
                "update public.user_compositions as c set owner_id = s.user_id"
                " from public.shared_compositions as s"
                " where s.composition_id = c.id and c.owner_id = old.id; return old;",
            ),
            "what a deleted account had was not refused",
            id="what is personal outlives the account",
        ),
        pytest.param(
            "organizations",
            (
                "private.hand_over_compositions",
                "heir is not null",
                "heir is not null and auth.uid() is not null",
            ),
            "deleted an account: composition_not_found",
            id="work goes with an account",
        ),
        pytest.param(
            "organizations",
            ("private.lock_caller", "not found", "false"),
            "who has no account any more: ",
            id="a deleted account goes on",
        ),
        pytest.param(
            "finding",
            (
                "private.search_patterns",
                "private.fold_text(search_patterns.search)",
                "search_patterns.search",
            ),
            "ann searches for 'RESTORED' and finds",
            id="search minds case",
        ),
        pytest.param(
            "finding",
            (
                "private.filter_condition",
                "c.search_text like all",
                "c.title is not null or c.search_text like all",
            ),
            "ann searches for 'restored' and finds",
            id="search finds too much",
        ),
        pytest.param(
            "finding",
            ("private.filter_condition", "'c.deleted_at is not null'", "'true'"),
            "'s trash has",
            id="the trash has what is not in it",
        ),
        pytest.param(
            "finding",
            ("private.filter_condition", "else 'c.deleted_at is null'", "else 'true'"),
            "ann lists from the trash",
            id="a list has what is in the trash",
        ),
        pytest.param(
            "finding",
            ("private.visible_page", "(filter ->> 'shared')::boolean", "false"),
            "ann filters by shared and finds",
            id="what is shared cannot be told apart",
        ),
        pytest.param(
            "finding",
            ("private.visible_page", "array[organization_id]", "'{}'"),
            "ann filters by organization_id and finds",
            id="an organisation seems to have nothing",
        ),
        pytest.param(
            "finding",
            ("private.filter_condition", "c.tags @> array[$1 ->> ''tag'']", "true"),
            "ann filters by tag and finds",
            id="every tag is found",
        ),
        pytest.param(
            "jobs",
            ("public.record_usage", "t.loads + excluded.loads", "excluded.loads"),
            "popular are",
            id="loads do not add up",
        ),
        pytest.param(
            "jobs",
            ("public.record_usage", "'recorded', recorded", "'recorded', 0"),
            "of the loads were recorded",
            id="nothing seems to be recorded",
        ),
        pytest.param(
            "jobs",
            ("public.popular_compositions", "order by p.loads desc", "order by p.loads"),
            "popular are",
            id="the least loaded come first",
        ),
        pytest.param(
            "export",
            ("private.exported_compositions", "order by v.version", "order by v.version limit 1"),
            "ann exports",
            id="an export has one version of each",
        ),
        pytest.param(
            "export",
            ("public.export_my_data", "'email', u.email", "'email', null"),
            "ann exports the account",
            id="an export is of nobody",
        ),
    ],
)
def test_what_an_act_finds_wrong_is_named(perform, break_function, acts, change, failure):
    break_function(*change)

    play = perform(acts)

    expected = failure.format(*[composition.id for composition in play.compositions])
    assert any(expected in found for found in play.outcome.failures), play.outcome.failures


@pytest.mark.parametrize(
    ("opening", "closing", "failure"),
    [
        (
            "create policy everybody on public.composition_usage for select using (true)",
            "drop policy everybody on public.composition_usage",
            "eve counts loads: ",
        ),
        (
            "grant execute on function public.record_usage to authenticated",
            "revoke execute on function public.record_usage from authenticated",
            "who reports loads in person was not refused",
        ),
    ],
)
def test_counts_that_are_open_are_noticed(perform, database, opening, closing, failure):
    database.execute(opening)
    try:
        failures = perform("jobs").outcome.failures
    finally:
        database.execute(closing)

    assert any(found.startswith(failure) for found in failures), failures
