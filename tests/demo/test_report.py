"""The figures of the report."""

import pytest

from demo.report import percentile


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([7.0], 0.5, 7.0),
        ([7.0], 0.95, 7.0),
        ([2.0, 1.0], 0.5, 1.0),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        (list(range(100, 0, -1)), 0.5, 50),
        (list(range(100, 0, -1)), 0.95, 95),
        (list(range(1, 21)), 0.95, 19),
        (list(range(1, 21)), 1, 20),
    ],
)
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(values, share, expected):
    assert percentile(values, share) == expected
