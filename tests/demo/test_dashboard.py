"""The page: what it shows, that it stands alone, and how the command ends."""

import html
import re
import subprocess
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from demo.dashboard import page
from demo.measured import read_logs
from demo.plots import duration
from devstack.packages import PROJECT
from tests.demo.test_measured import line


def outage():
    """Twenty seconds, with an outage of the cache in the middle, and all else that there is."""
    for second in range(20):
        kind = "CacheBypasses" if 8 <= second < 12 else "CacheMisses" if second < 2 else "CacheHits"
        for part in range(8):
            yield line(at=second + part / 8, **{kind: 1}, LoadLatency=[2.0 + part], BytesSaved=500)
        yield line("webhook" if second % 2 else "sweep", second, InvalidationLag=[700.0 * second])
    yield line(at=9, UnsettledWrites=1)
    yield line(at=13, CacheUnchanged=1, BytesSaved=900)
    yield line(at=3, CacheMisses=1, FillRefusals=1)
    yield line("audit", 19, AuditChecked=200, AuditMismatches=1)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    file = tmp_path_factory.mktemp("log") / "functions.log"
    file.write_text("".join(outage()))
    return file


@pytest.fixture(scope="module")
def shown(log):
    return page(read_logs([log]), "A <run> & more")


def test_its_figures_and_sentences_say_what_was_measured(shown):
    text = html.unescape(re.sub(r"<[^>]*>", "", shown))

    assert "A <run> & more" in text
    assert "69.8%" in text and "of 162 loads" in text  # 112 hits, and one unchanged
    assert "1 wrong" in text and "of 200 compared" in text
    assert "20 deliveries: p50 6.3 s, p95 12.6 s, at most 13.3 s." in text
    assert "1 answer could not be kept; 1 write was saved" in text
    assert "Shaded: most loads went past the cache" in text


def test_every_plot_is_an_svg_with_a_heading_and_a_sentence(shown):
    figures = re.findall(r"<figure>(.*?)</figure>", shown, re.DOTALL)

    assert len(figures) == 8
    for figure in figures:
        assert re.match(r"<figcaption><h2>.+</h2><p>.+</p></figcaption>\s*<svg ", figure)
        svg = figure[figure.index("<svg") :].replace("xlink:href", "href")
        ElementTree.fromstring(svg)


def test_it_fetches_nothing_and_runs_nothing(shown):
    assert not re.search(r"<script|<link|<img|<iframe|@import|https?:|url\((?!#)", shown)


def test_what_its_plots_refer_to_is_there_once_or_the_same(shown):
    ids = re.findall(r'<(path|clipPath|g) id="([^"]+)"', shown)
    wanted = {*re.findall(r'href="#([^"]+)"', shown), *re.findall(r"url\(#([^)]+)\)", shown)}

    assert wanted <= {id for _, id in ids}
    assert len({id for _, id in ids}) == len(ids)


def test_every_colour_is_one_that_light_and_dark_have(shown):
    light, dark = (set(re.findall(r"(--[\w]+): ", part)) for part in shown.split("@media")[:2])
    used = set(re.findall(r"var\((--\w+)\)", shown))

    assert used <= light == dark
    assert not re.search(r"#0000[0-9a-f]{2}", shown)


def test_its_tags_are_closed(shown):
    class Tags(HTMLParser):
        def __init__(self):
            super().__init__()
            self.open = []

        def handle_starttag(self, tag, _attributes):
            if tag not in ("meta", "use", "path"):
                self.open.append(tag)

        def handle_endtag(self, tag):
            if tag not in ("meta", "use", "path"):
                assert self.open.pop() == tag

        def handle_startendtag(self, tag, _attributes):
            pass

    tags = Tags()
    tags.feed(shown)
    assert tags.open == []


def test_the_table_has_a_row_for_every_step_with_something_in_it(shown):
    [table] = re.findall(r"<details>.*?<tbody>(.*?)</tbody>", shown, re.DOTALL)
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in table.split("</tr>")[:-1]]

    assert len(rows) == 40, "twenty seconds in steps of a half"
    assert rows[-2][0] == "19 s" and rows[-2][-2:] == ["200", "1"]


def test_the_same_log_makes_the_same_page(log, shown):
    assert page(read_logs([log]), "A <run> & more") == shown


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([line(CacheHits=1, LoadLatency=[0.0])], id="one load that took no time"),
        pytest.param([line("<b>", InvalidationLag=[1.0, 1e13])], id="lags of an unknown function"),
        pytest.param([line(UnsettledWrites=1)], id="one unsettled write"),
        pytest.param([line("audit", AuditChecked=0, AuditMismatches=0)], id="an audit of nothing"),
        pytest.param([line(CacheHits=1), line(at=3e9, CacheHits=1)], id="a hundred years"),
    ],
)
def test_little_is_enough(tmp_path, lines):
    file = tmp_path / "log"
    file.write_text("".join(lines))

    shown = page(read_logs([file]))

    assert "<svg" in shown and "<b>" not in shown and "nan" not in shown


def run(*arguments):
    command = [sys.executable, "-m", "demo.dashboard", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120)


def test_the_command_writes_the_page(log, shown, tmp_path):
    out = tmp_path / "page.html"

    done = run(log, "--out", out, "--title", "A <run> & more")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert out.read_text(encoding="utf-8") == shown


def test_the_command_says_why_there_is_no_page(log, tmp_path):
    (tmp_path / "empty").touch()

    empty = run(tmp_path / "empty", "--out", tmp_path / "page.html")
    missing = run(tmp_path / "missing", "--out", tmp_path / "page.html")

    assert (empty.returncode, missing.returncode) == (1, 1)
    assert "no metrics of the functions" in empty.stderr
    assert "missing: No such file" in missing.stderr and "Traceback" not in missing.stderr
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [(0, "0 ms"), (0.123, "0.123 ms"), (9.876, "9.88 ms"), (999, "999 ms"), (1234, "1.23 s")],
)
def test_durations_have_two_or_three_digits(milliseconds, words):
    assert duration(milliseconds) == words
