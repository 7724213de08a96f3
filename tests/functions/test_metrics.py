"""Metrics are lines that CloudWatch's embedded metric format defines."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.core.metrics import UNITS, Metrics

# Of the specification, what a metric may be measured in, as far as we measure in it.
KNOWN_UNITS = {"Bytes", "Count", "Milliseconds"}


def printed(metrics: Metrics, lines: list[str]) -> list[Any]:
    lines.clear()
    metrics.flush()
    assert all(line.endswith("\n") and line.count("\n") == 1 for line in lines)
    return [json.loads(line) for line in lines]


def test_a_request_is_one_line_with_all_its_metrics():
    lines: list[str] = []
    metrics = Metrics("api", lines.append, lambda: 1_800_000_000.5)
    metrics.count("CacheHits")
    metrics.count("CacheHits", 2)
    metrics.measure("LoadLatency", 1.25)
    assert printed(metrics, lines) == [
        {
            "_aws": {
                "Timestamp": 1_800_000_000_500,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "Compositions",
                        "Dimensions": [["Function"]],
                        "Metrics": [
                            {"Name": "CacheHits", "Unit": "Count"},
                            {"Name": "LoadLatency", "Unit": "Milliseconds"},
                        ],
                    }
                ],
            },
            "Function": "api",
            "CacheHits": 3,
            "LoadLatency": 1.25,
        }
    ]
    assert printed(metrics, lines) == []


def test_every_line_keeps_to_the_format():
    lines: list[str] = []
    metrics = Metrics('we"b\nhook', lines.append)
    for name in UNITS:
        metrics.measure(name, 0.5)
        metrics.measure(name, 7)
    for line in printed(metrics, lines):
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert line["_aws"].keys() == {"Timestamp", "CloudWatchMetrics"}
        assert isinstance(line["_aws"]["Timestamp"], int)
        assert directive.keys() == {"Namespace", "Dimensions", "Metrics"}
        for dimension in directive["Dimensions"]:
            assert all(isinstance(line[name], str) for name in dimension)
        assert 0 < len(directive["Metrics"]) <= 100
        for metric in directive["Metrics"]:
            assert metric["Unit"] in KNOWN_UNITS
            assert line[metric["Name"]] == [0.5, 7]


def test_no_line_has_more_than_a_hundred_values_of_a_metric():
    lines: list[str] = []
    metrics = Metrics("webhook", lines.append)
    metrics.count("CacheHits")
    for lag in range(201):
        metrics.measure("InvalidationLag", lag)
    first, second, third = printed(metrics, lines)
    assert first["InvalidationLag"] + second["InvalidationLag"] == [*range(200)]
    assert third["InvalidationLag"] == 200
    assert first["CacheHits"] == 1
    assert "CacheHits" not in second


def test_what_is_no_metric_is_refused():
    metrics = Metrics("api", print)
    for name, value in [("Hits", 1), ("CacheHits", float("nan")), ("LoadLatency", float("inf"))]:
        with pytest.raises(ValueError, match=name):
            metrics.count(name, value)
        with pytest.raises(ValueError, match=name):
            metrics.measure(name, value)
    metrics.flush()


def test_lines_go_to_stdout(capsys: pytest.CaptureFixture[str]):
    metrics = Metrics("jobs")
    metrics.count("AuditChecked", 0)
    metrics.flush()
    assert json.loads(capsys.readouterr().out)["AuditChecked"] == 0
