from __future__ import annotations

from typing import cast

import pytest

from bench.clients import Client
from bench.outage import Loads, WrongLoadError


class Server:
    """Answers loads from where and with what it is told to, in turn."""

    def __init__(self, *answers: tuple[str, str]) -> None:
        self._answers = iter(answers)

    def send(self, _method: str, _path: str) -> tuple[dict[str, str], bytes]:
        source, etag = next(self._answers)
        return {"x-cache": source, "etag": etag}, b""


def loads(*answers: tuple[str, str]) -> Loads:
    return Loads(cast(Client, Server(*answers)), "/")


def test_a_load_from_elsewhere_or_of_something_else_fails_the_figure():
    assert loads(("bypass", "a")).load("bypass") == "bypass"
    with pytest.raises(WrongLoadError):
        loads(("hit", "a")).load("bypass")
    some = loads(("hit", "a"), ("bypass", "b"))
    some.load("hit")
    with pytest.raises(WrongLoadError):
        some.load("bypass")


def test_loads_are_counted_up_to_the_first_hit():
    count, seconds = loads(("bypass", "a"), ("miss", "a"), ("hit", "a")).until_hit()
    assert count == 3
    assert seconds > 0
