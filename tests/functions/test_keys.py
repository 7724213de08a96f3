"""Keys are made of ids, never of text."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from functions.core import keys

ID = uuid.UUID("0c5dbf2c-7a42-4f5c-9d3a-5f0a3c2b1e00")


def test_keys_hold_the_canonical_id():
    assert keys.composition_key("p1", ID) == f"p1:c:{ID}"
    assert keys.viewer_key("p1", ID) == f"p1:v:{ID}"
    assert keys.usage_key("p1", ID) == "p1:u:0"
    assert keys.usage_key("p1", uuid.UUID(int=ID.int + 17)) == "p1:u:1"
    assert len(set(keys.usage_keys("p2"))) == 16
    assert keys.usage_key("p2", ID) in keys.usage_keys("p2")


class Disguised(uuid.UUID):
    def __str__(self) -> str:
        return "*"


@pytest.mark.parametrize(
    "id", [str(ID), ID.bytes, ID.int, None, "*", "a:b", f"{ID}\r\nDEL x", Disguised(int=ID.int)]
)
def test_what_is_no_uuid_never_reaches_a_key(id: Any):
    for make in (keys.composition_key, keys.viewer_key, keys.usage_key):
        with pytest.raises(TypeError):
            make("p1", id)


def test_a_key_of_a_composition_is_told_from_all_others():
    assert keys.composition_of("p1", f"p1:c:{ID}".encode()) == ID
    others = [f"p1:v:{ID}", f"p2:c:{ID}", "p1:c:", "p1:c:*", "p1:u:3", "", f"xp1:c:{ID}"]
    assert [keys.composition_of("p1", key.encode()) for key in others] == [None] * len(others)
    assert keys.composition_of("p1", b"p1:c:\xff") is None
