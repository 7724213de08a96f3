"""What is JSON, and what is taken for JSON elsewhere."""

import json

import pytest

from functions.api.strict_json import read_object
from functions.core.json_text import members
from functions.core.problems import Problem


def refusal(body: bytes) -> tuple[int, str]:
    with pytest.raises(Problem) as caught:
        read_object(body)
    assert caught.value.__suppress_context__
    return caught.value.status, caught.value.code


def test_members_are_read_and_a_document_is_kept_as_text():
    text = ' {"x": 1.10, "e": 1e400, "n": 12345678901234567890123, "s": "\\u00e9\\ud83d\\ude00 "} '
    rest = '"tags": ["a", "b"], "n": 7, "t": true'
    found = read_object(f'\n{{"title" : "A\\tB", "document":{text}, {rest}}}\r\n'.encode())
    assert found == {
        "title": "A\tB",
        "document": text.strip().encode(),
        "tags": ["a", "b"],
        "n": 7,
        "t": True,
    }
    assert read_object(b"{}") == read_object(b" { } ") == {}


@pytest.mark.parametrize(
    "value", ["1" * 5000, "-" + "9" * 5000, "1e999999", "0.1", "-0", "1E+2", '"\\ud800"', "null"]
)
def test_whatever_a_document_is_its_text_is_kept(value):
    assert read_object(b'{"document":' + value.encode() + b"}") == {"document": value.encode()}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"7",
        b'"x"',
        b"[]",
        b'[{"a": 1}]',
        b"{",
        b"}",
        b'{"a"}',
        b'{"a":}',
        b'{"a":1',
        b'{"a":1,}',
        b'{,"a":1}',
        b'{"a":1 "b":2}',
        b'{"a":1}}',
        b'{"a":1} x',
        b"{'a':1}",
        b"{a:1}",
        b"{1:1}",
        b'{"a":NaN}',
        b'{"document":{"a":Infinity}}',
        b'{"document":[-Infinity]}',
        b'{"a":01}',
        b'{"a":.5}',
        b'{"a":+1}',
        b'{"a":0x1}',
        b'{"a":"\t"}',
        b'{"a":"\\x"}',
        b'{"a":1,"a":2}',
        b'{"a":1,"\\u0061":2}',
        b'{"document":{"b":{"a":1,"a":1}}}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'\xef\xbb\xbf{"a":1}',
        '{"a":1}'.encode("utf-16"),
        b'{"a":1}\x00',
        b'{"a":// comment\n1}',
        b"{\xc2\xa0}",
    ],
    ids=repr,
)
def test_what_is_no_strict_json_is_refused(body):
    assert refusal(body) == (400, "invalid_json")


def test_depth_is_refused_before_it_is_a_fault():
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        for name in ("document", "title"):
            deep = opening * 100_000 + "1" + closing * 100_000
            assert refusal(f'{{"{name}":{deep}}}'.encode()) == (413, "too_deep")
    as_deep_as_documents = "[" * 200 + "]" * 200
    assert read_object(f'{{"document":{as_deep_as_documents}}}'.encode())


def test_a_refusal_says_where_and_nothing_of_what():
    with pytest.raises(Problem) as caught:
        read_object(b'{"secret": sesame}')
    assert caught.value.facts == {"position": 11}
    assert "sesame" not in json.dumps(caught.value.body())


def test_members_of_a_part_are_found_where_they_are():
    text = '{"a": {"b": [1, {"c": 1.10}], "d": "}"}, "e": 2}'
    (a, e) = members(text)
    (b, d) = members(text, a.start)
    assert [text[span.start : span.end] for span in (a, e, b, d)] == [
        '{"b": [1, {"c": 1.10}], "d": "}"}',
        "2",
        '[1, {"c": 1.10}]',
        '"}"',
    ]
