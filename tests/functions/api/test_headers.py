"""What headers say."""

import pytest

from functions.api.headers import base_version, entity_tag, known_etags, takes_brotli
from functions.core.problems import Problem

ETAG = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    "header",
    [
        "br",
        "gzip, deflate, br, zstd",
        "gzip;q=1.0, br;q=0.5",
        "BR",
        "br ; q=0.001",
        "*",
        "gzip, *;q=0.1",
        "identity;q=0.5, br",
        "identity;q=0, br;q=0.1",
    ],
)
def test_brotli_is_for_whoever_takes_it(header):
    assert takes_brotli(header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "gzip",
        "identity",
        "br;q=0",
        "br;q=0.0, *",
        "gzip, *;q=0",
        "identity, br;q=0.5",
        "br;q=x",
        "br;q=nan",
        "brotli",
        "x-br",
        "x" * 5000 + ", br",
    ],
)
def test_and_for_nobody_else(header):
    assert not takes_brotli(header)


def test_tags_are_known_in_both_encodings_and_even_weakened():
    for brotli in (False, True):
        tag = entity_tag(7, ETAG, brotli=brotli)
        assert known_etags(tag) == known_etags(f"W/{tag}") == [ETAG]
    other = ETAG[::-1]
    assert known_etags(f'"x", "7.{ETAG}" , "8.{other}-br"') == [ETAG, other]
    for header in (
        None,
        "",
        "*",
        ETAG,
        f'"{ETAG}"',
        f'"7.{ETAG.upper()}"',
        '"7.%s"' % ("a" * 2000),
    ):
        assert known_etags(header) == []


def test_a_change_says_which_version_it_starts_from():
    for tag in ('"7"', f'"7.{ETAG}"', f'"7.{ETAG}-br"', ' "7" '):
        assert base_version(tag) == 7


@pytest.mark.parametrize("header", [None, "*", " * "])
def test_a_change_of_no_version_is_refused(header):
    with pytest.raises(Problem) as caught:
        base_version(header)
    assert (caught.value.status, caught.value.code) == (428, "if_match_required")


@pytest.mark.parametrize(
    "header", ["", "7", 'W/"7"', '"7", "8"', '"-7"', '"7.x"', '"seven"', '"' + "9" * 30 + '"']
)
def test_what_is_no_tag_is_refused_without_quoting_it(header):
    with pytest.raises(Problem) as caught:
        base_version(header)
    assert (caught.value.status, caught.value.code) == (422, "invalid_request")
    assert caught.value.facts["problems"] == [
        {
            "in": "header",
            "path": "/if-match",
            "message": 'has to be one ETag of a load, or a version: "7"',
        }
    ]
