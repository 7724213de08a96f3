from __future__ import annotations

from typing import cast

import pytest

from bench.clients import Client
from bench.zipf import Piece, Play, StaleError, _load


class Server:
    """Answers every load with one version."""

    def __init__(self, version: int) -> None:
        self._version = version

    def send(self, _method: str, _path: str) -> tuple[dict[str, str], bytes]:
        return {"etag": f'"{self._version}.0f-br"', "x-cache": "hit"}, b""


@pytest.mark.parametrize("version", [2, 3])
def test_a_load_that_shows_what_was_saved_or_something_newer_counts(version):
    viewer = cast(Client, Server(version))
    assert _load(Piece("/", viewer, [viewer], version=2), viewer) == "hit"


def test_a_load_that_shows_something_older_fails_the_figure():
    viewer = cast(Client, Server(1))
    with pytest.raises(StaleError):
        _load(Piece("/", viewer, [viewer], version=2), viewer)


def test_the_hit_rate_is_that_of_all_loads_or_of_some():
    play = Play(loads=[("miss", 9), ("hit", 1), ("hit", 2), ("bypass", 5)])
    assert play.hit_rate() == 50
    assert play.hit_rate(1, 3) == 100
    assert play.times("hit") == [1, 2]
