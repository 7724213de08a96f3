"""Acts of several people on one document, on databases with something wrong in them: they notice.

What is wrong comes as in test_play.py: a function, what is right in it, and what is wrong.
"""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("acts", "change", "failure"),
    [
        pytest.param(
            "merging",
            (
                "private.save_document",
                "head, merge.merged, 'merge'",
                "head, save_document.document, 'merge'",
            ),
            "{0}: version 5 is not what was saved",
            id="a merge loses what the first one did",
        ),
        pytest.param(
            "merging",
            ("private.save_document", """|| '{"merged": true}'""", ""),
            "{0}: a save elsewhere is merged: None, not True",
            id="a merge is not told",
        ),
        pytest.param(
            "merging",
            ("private.save_document", "head, merge.merged, 'merge'", "head, merge.merged, 'save'"),
            "{0}: its newest version is",
            id="a merge looks like a save",
        ),
        pytest.param(
            "merging",
            ("public.preview_merge", "'conflicts', merge.conflicts", "'conflicts', '[]'::jsonb"),
            "{0}: a merge would be in conflict: [], not",
            id="a preview shows no conflict",
        ),
        pytest.param(
            "merging",
            ("private.save_document", "if merge.conflicts <> '[]'", "if false"),
            "{0}: a save in the same place: (True,",
            id="a conflict is merged",
        ),
        pytest.param(
            "merging",
            (
                "private.keep_conflict",
                "composition, keep_conflict.document,",
                """composition, '{"format": "composition/1", "dialect": "json", "body": {}}',""",
            ),
            "{0}: version 7 is not what was saved",
            id="another document is kept beside the head",
        ),
        pytest.param(
            "merging",
            ("private.insert_version", "insert_version.kind <> 'conflict'", "true"),
            "{0}: loaded as (7, 'First (restored)', 'viewer'), not (6, ",
            id="what is kept becomes the head",
        ),
        pytest.param(
            "merging",
            ("private.require_tested", "value <> operation -> 'value'", "false"),
            "{0}: a patch of something else was not refused",
            id="a patch does not test",
        ),
        pytest.param(
            "merging",
            ("private.merge_patched", "where p.value is distinct from 'null'", ""),
            "{0}: version 10 is not what was saved",
            id="a merge patch removes nothing",
        ),
        pytest.param(
            "merging",
            ("public.patch_composition", "=> patch_composition.on_conflict", "=> 'merge'"),
            "{0}: a stale patch was not refused",
            id="a stale patch is taken",
        ),
        pytest.param(
            "personal",
            ("public.pin_composition", "lock_organization(receiver, 'admin')", "lock_caller()"),
            ": a member's default was not refused",
            id="a member may choose for all",
        ),
        pytest.param(
            "personal",
            ("private.pin_reason", "'default of '", "'pinned by '"),
            ": cleo sees it as",
            id="the reason is another one",
        ),
        pytest.param(
            "personal",
            ("private.chosen_pin", "where p.user_id = chosen_pin.user_id", "where false"),
            ": pinned, what is shown and why:",
            id="a default is above what somebody chose",
        ),
        pytest.param(
            "personal",
            ("private.field_problems", "and not s.fields ? (p.value ->> 'field')", "and false"),
            ": a filter of no field was not refused",
            id="a parameter may be of a field that is none",
        ),
        pytest.param(
            "personal",
            ("private.layers_over", "and with_own", "or true"),
            ": its admin has the layers",
            id="everybody sees the layers of everybody",
        ),
        pytest.param(
            "personal",
            ("private.lay", "document := coalesce(document, beneath)", "document := beneath"),
            ": version 2 is not what was saved",
            id="a layer does not follow",
        ),
        pytest.param(
            "personal",
            ("private.lay", "when conflicts = '[]'", "when true"),
            ": cleo sees layers",
            id="a layer in conflict seems to apply",
        ),
        pytest.param(
            "personal",
            ("public.reset_layer", "when paths is null", "when true"),
            ": version 5 is not what was saved",
            id="a reset of one place resets all",
        ),
        pytest.param(
            "personal",
            (
                "public.promote_layer",
                "perform private.put_layer(source.id, holder, null, document, document,"
                " promote_layer.origin);",
                "",
            ),
            ": cleo sees layers",
            id="a layer that became a fork is still there",
        ),
        pytest.param(
            "personal",
            (
                "private.upstream_merge",
                "fork.forked_from_version) -> 'document'",
                "upstream.current_version) -> 'document'",
            ),
            ": with its upstream it would be",
            id="nothing comes from an upstream",
        ),
        pytest.param(
            "personal",
            ("private.apply_upstream", "merge.conflicts <> '[]' and not keep", "false"),
            ": a fork that changed the same was not refused",
            id="a conflict with an upstream passes",
        ),
        pytest.param(
            "personal",
            (
                "private.apply_upstream",
                "set forked_from_version = upstream.current_version",
                "set title = c.title",
            ),
            "kept a fork up to date: merge_conflict: ",
            id="a fork forgets what it has taken",
        ),
        pytest.param(
            "turns",
            ("private.undo_versions", "before.id, effect.back_to)", "before.id, 2)"),
            "{0}: version 5 is not what was saved",
            id="an undo goes back too far",
        ),
        pytest.param(
            "turns",
            ("private.undo_versions", "if effect.later <> '{}'", "if false"),
            "an undo below a later save was not refused",
            id="an undo takes back what somebody else saved",
        ),
        pytest.param(
            "turns",
            ("private.note_turn_change", "origin ? 'turn' is not true", "true"),
            "{0}: after an undo its layers are",
            id="an undo forgets what else was done",
        ),
        pytest.param(
            "turns",
            ("private.turn_undone", "if found = '[]'", "if false"),
            "an undo of an undo was not refused",
            id="a turn may be undone twice",
        ),
    ],
)
def test_what_an_act_finds_wrong_is_named(perform, break_function, acts, change, failure):
    break_function(*change)

    play = perform(acts)

    expected = failure.format(*[composition.id for composition in play.compositions])
    assert any(expected in found for found in play.outcome.failures), play.outcome.failures
