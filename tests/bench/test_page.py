from __future__ import annotations

from xml.etree import ElementTree

import pytest

from bench import page
from bench.plots import distributions, lines, stacked_bars
from bench.report import Figure

PICTURES = {
    "bars": lambda: stacked_bars("Bars & more", "ms", {"one": {"a": 1, "b": 2}, "two": {"b": 3}}),
    "distributions": lambda: distributions("Spread", "ms", {"a": [1, 2, 3], "b": [10, 20]}),
    "lines": lambda: lines("Lines", "%", {"a": [1, 2, 3]}, "steps"),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_is_svg_that_can_be_put_into_a_page(kind):
    svg = PICTURES[kind]()
    assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"


def test_the_page_has_what_was_printed_and_the_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "FILE", tmp_path / "bench" / "index.html")
    figure = Figure(
        "Loads <fast>.", ["", "ms"], [["a & b", "1"]], ["A note."], [PICTURES["lines"]()]
    )

    page.write_page("Trust ratios.", {"cache": figure})

    text = page.FILE.read_text()
    for part in ("Trust ratios.", "<h2>cache</h2>", "Loads &lt;fast&gt;.", "A note."):
        assert part in text
    assert "<tr><td>a &amp; b</td><td>1</td></tr>" in text
    assert text.count("<svg") == 1
    assert "<?xml" not in text
