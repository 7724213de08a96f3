"""Pieces of a JSON text: as they stand there."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.core.json_text import elements

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(max_examples=50)
@given(array=st.lists(VALUES), separators=st.sampled_from([(",", ":"), (", ", ": ")]))
def test_the_elements_of_an_array_are_its_text_cut_to_pieces(array, separators):
    texts = [json.dumps(value, separators=separators, ensure_ascii=False) for value in array]
    text = "[" + separators[0].join(texts) + "]"
    assert list(elements(text)) == [(json.loads(piece), piece) for piece in texts]


def test_numbers_are_not_read_and_written_again():
    found = elements('[ {"a":1.10, "b": 1e2} ,\n1.000 ]')
    assert [piece for _, piece in found] == ['{"a":1.10, "b": 1e2}', "1.000"]


@pytest.mark.parametrize("text", ["", "{}", "null", "[", "[1", "[1 2]", "[1,]", "[] 1"])
def test_what_is_no_array_is_refused(text):
    with pytest.raises(ValueError, match="column"):
        list(elements(text))
