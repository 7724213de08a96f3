"""What is read from logs: everything that the functions print, wherever it went, and no more."""

import csv
import gzip
import io
import json

import pytest

from demo.measured import hit_rate, read_logs, step_of, steps_of
from functions.core.metrics import Metrics

START = 1_790_000_000


def line(function="api", at=0.0, **found):
    """A line as the functions print it, so many seconds after the start."""
    printed = io.StringIO()
    metrics = Metrics(function, printed.write, lambda: START + at)
    for name, value in found.items():
        if isinstance(value, list):
            for one in value:
                metrics.measure(name, one)
        else:
            metrics.count(name, value)
    metrics.flush()
    return printed.getvalue()


@pytest.fixture
def read(tmp_path):
    """What is measured in a log, given as text or as bytes."""

    def written(log):
        file = tmp_path / "log"
        file.write_bytes(log if isinstance(log, bytes) else log.encode())
        return read_logs([file])

    return written


LINES = [
    line(CacheHits=1, BytesSaved=900, LoadLatency=[2.5]),
    line(at=1.5, CacheMisses=1, FillRefusals=1, LoadLatency=[30.0]),
    line("webhook", at=2, InvalidationLag=[400.0, 500.0]),
]


def test_a_load_is_known_by_what_answered_it_and_a_lag_by_the_function(read):
    measured = read("".join(LINES))

    assert measured.loads == {"hit": 1, "unchanged": 0, "miss": 1, "bypass": 0}
    assert measured.values("LoadLatency") == [2.5, 30.0]
    assert measured.values("LoadLatency", "miss") == [30.0]
    assert measured.values("InvalidationLag", "webhook") == [400.0, 500.0]
    assert measured.total("BytesSaved", "hit") == 900
    assert measured.span == (START, START + 2)


def as_csv(messages):
    table = io.StringIO()
    csv.writer(table).writerows([["@timestamp", "@message"], *(["now", m] for m in messages)])
    return table.getvalue()


def as_events(messages, **style):
    return json.dumps({"events": [{"message": m, "timestamp": 1} for m in messages]}, **style)


@pytest.mark.parametrize(
    "log",
    [
        pytest.param("".join(f"2026-11-24T15:04:02.000Z {m}" for m in LINES), id="archived"),
        pytest.param("".join(f"2026-11-24 [$LATEST]ab\t{m}" for m in LINES), id="tailed"),
        pytest.param(as_events(LINES, indent=4), id="JSON"),
        pytest.param(as_events(LINES), id="JSON in one line"),
        pytest.param("\n".join(json.dumps({"message": m}) for m in LINES), id="JSON lines"),
        pytest.param(as_csv(LINES), id="CSV"),
        pytest.param(as_csv(m.strip() for m in LINES), id="CSV without line breaks"),
        pytest.param(gzip.compress("".join(LINES).encode()), id="packed"),
        pytest.param("".join(LINES).replace("\n", "\r\n"), id="with carriage returns"),
    ],
)
def test_what_was_exported_reads_as_what_was_printed(read, log):
    assert read(log) == read("".join(LINES))


@pytest.mark.parametrize(
    "noise",
    [
        pytest.param('START RequestId: 1\nTraceback: {} [] "\n', id="other output"),
        pytest.param(LINES[0][:-20] + "\n", id="a line that is cut off"),
        pytest.param(json.dumps({"message": LINES[0]})[:-40] + "\n", id="a text that is cut off"),
        pytest.param(LINES[0].replace('"Compositions"', '"Others"'), id="another namespace"),
        pytest.param(LINES[0].replace("1790", "-1790"), id="a time before time"),
        pytest.param('{"_aws": 1}\n{"_aws": {"Timestamp": true}}\n', id="another form"),
        pytest.param('{"_aws":' + "[" * 100_000 + "\n", id="nested deeply"),
        pytest.param(r'"{\"_aws\":\q"' + "\n", id="no JSON text"),
        pytest.param(b'\xff\xfe{"_aws"\n', id="no text"),
    ],
)
def test_what_is_none_of_ours_is_passed_over(read, noise):
    noise = noise if isinstance(noise, bytes) else noise.encode()
    ours = "".join(LINES).encode()

    assert read(noise + ours + noise) == read(ours)


def test_only_amounts_count(read):
    for wrong in ("true", '"1"', "null", "-1", "NaN", "Infinity", "1e300", "{}", "[[1]]"):
        assert not read(LINES[0].replace('"CacheHits":1', f'"CacheHits":{wrong}')).loads["hit"]


def test_several_logs_are_one(tmp_path):
    for name, text in (("later", LINES[2]), ("sooner", LINES[0])):
        (tmp_path / name).write_text(text)

    measured = read_logs([tmp_path / "later", tmp_path / "sooner"])

    assert measured.span == (START, START + 2)


def test_steps_have_what_was_measured_in_them_and_none_is_left_out(read):
    measured = read(line(CacheHits=1, LoadLatency=[1.0]) + line(at=48, CacheMisses=3))

    step, bins = steps_of(measured)

    assert (step, len(bins)) == (1, 49)
    assert [b.start - START for b in bins[:2]] == [0, 1]
    assert (bins[0].loads, bins[-1].loads) == ({"hit": 1}, {"miss": 3})
    assert bins[0].latencies == [1.0]
    assert [b.hit_rate for b in (bins[0], bins[1], bins[-1])] == [1, None, 0]


def test_a_single_moment_has_one_step(read):
    _, bins = steps_of(read(LINES[0]))

    assert len(bins) == 1 and bins[0].loads == {"hit": 1}


def test_long_steps_begin_at_round_times(read):
    step, bins = steps_of(read(line(at=17, CacheHits=1) + line(at=86400, CacheHits=1)))

    assert step == 1800 and bins[0].start % 1800 == 0 and len(bins) <= 50


@pytest.mark.parametrize(
    ("loads", "is_bypassed"),
    [({"bypass": 2}, False), ({"bypass": 3}, True), ({"bypass": 3, "hit": 3}, False)],
)
def test_a_step_is_bypassed_if_most_of_some_loads_were(read, loads, is_bypassed):
    names = {"bypass": "CacheBypasses", "hit": "CacheHits"}
    _, [its] = steps_of(read("".join(line(**{names[k]: n}) for k, n in loads.items())))

    assert its.is_bypassed is is_bypassed


def test_a_hit_rate_counts_what_the_client_had_as_a_hit():
    assert hit_rate({"hit": 1, "unchanged": 2, "miss": 1}) == 0.75
    assert hit_rate({"bypass": 2}) == 0
    assert hit_rate({"hit": 0}) is None


@pytest.mark.parametrize(("least", "step"), [(0, 0.1), (0.11, 0.2), (61, 120), (200_000, 259_200)])
def test_a_step_is_what_people_count_in(least, step):
    assert step_of(least) == step
