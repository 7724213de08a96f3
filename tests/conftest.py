"""Options of the test run."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--whole-corpus`, which `make test-corpus` sets."""
    parser.addoption(
        "--whole-corpus", action="store_true", help="tests/corpus: all documents, not a sample"
    )
