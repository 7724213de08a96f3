"""RFC 7396, case by case."""

import pytest

from tests.database.patches import canonical, one, read_cases

CASES = read_cases("merge_patch.cases")


@pytest.fixture
def apply(admin):
    """Carry out a patch on a value, both of them JSON texts: the text that comes out."""
    return lambda target, patch: one(
        admin, "select private.apply_merge_patch(%s::jsonb, %s::jsonb)::text", target, patch
    )


@pytest.mark.parametrize("case", CASES)
def test_a_merge_patch_does_what_the_rfc_says(apply, admin, case):
    target, patch, result = CASES[case]
    assert apply(target, patch) == canonical(admin, result)
