"""RFC 6902, case by case: what each operation does, and what is refused with nothing changed."""

import json

import pytest

from tests.database.patches import canonical, one, read_cases
from tests.people import refused

CASES = read_cases("json_patch.cases")
SQLSTATES = {
    "invalid_patch": "PT422",
    "patch_path_not_found": "PT409",
    "patch_test_failed": "PT409",
}


@pytest.fixture
def apply(admin):
    """Carry out a patch on a document, both of them JSON texts: the text that comes out."""
    return lambda document, patch: one(
        admin, "select private.apply_json_patch(%s::jsonb, %s::jsonb)::text", document, patch
    )


@pytest.mark.parametrize("case", CASES)
def test_operations_do_what_the_rfc_says(apply, admin, case):
    document, patch, result = CASES[case]
    code, _, facts = result.partition(" ")
    if code in SQLSTATES:
        with refused(SQLSTATES[code], code=code, **json.loads(facts)):
            apply(document, patch)
    else:
        assert apply(document, patch) == canonical(admin, result)
