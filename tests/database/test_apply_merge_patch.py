"""RFC 7396, case by case."""

import pytest

from tests.database.conftest import one_kind
from tests.database.patches import canonical, one, read_cases
from tests.people import refused
from tests.samples import DEPTH_BOMB, NUMBER_BOMB

pytestmark = one_kind

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


@pytest.mark.parametrize(
    ("patch", "problem"),
    [
        (f'{{"a": {NUMBER_BOMB}}}', "number_out_of_range"),
        (f'{{"a": {DEPTH_BOMB}}}', "too_deep"),
        ('{"a":' * 65 + "null" + "}" * 65, "too_deep"),
        (f'{{"a": "{"x" * 1_100_000}"}}', "too_large"),
        (None, "missing"),
    ],
)
def test_a_patch_that_breaks_a_limit_is_refused_first(apply, patch, problem):
    with refused("PT422", code="invalid_patch", problem=problem):
        apply("{}", patch)


def test_a_wide_and_a_deep_patch_are_merged_once(apply):
    wide = "{" + ", ".join(f'"{n:05}": {{"a": 1}}' for n in range(20_000)) + "}"
    assert apply("{}", wide) == wide
    deep = '{"a": ' * 64 + "1" + "}" * 64
    assert apply(deep, deep.replace("1", "null")) == deep.replace(": 1", ": {}").replace(
        '{"a": {}}', "{}"
    )
