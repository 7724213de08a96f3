from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

from devstack.packages import PROJECT


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_figure_is_measured_on_a_stack_of_its_own_and_printed_with_its_ratios():
    run = bench("--quick", "--only", "load")

    assert run.returncode == 0, run.stderr
    rows = dict(re.findall(r"^ (\S.*?)  +(\d+\.\d+  .*?) *$", run.stdout, re.MULTILINE))
    assert list(rows) == [
        "select by key, no RLS",
        "load_composition",
        "select 1: the round trip",
    ], run.stdout
    p50, p95, ratio, *_ = rows["load_composition"].split()
    assert 0 < float(p50) <= float(p95)
    assert float(ratio) > 1


def test_an_unknown_figure_is_refused():
    run = bench("--only", "luck")
    assert run.returncode == 2
    assert "load_scale" in run.stderr


def test_signals_that_keep_coming_leave_nothing_behind(tmp_path):
    command = subprocess.Popen(
        ["setpriv", "--pdeathsig=SIGTERM", sys.executable, "-m", "bench", "--only", "load_scale"],
        cwd=PROJECT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not list(tmp_path.glob("bench-*")):
        assert command.poll() is None
        time.sleep(0.01)

    while command.poll() is None:
        command.send_signal(signal.SIGINT)
        time.sleep(0.01)

    assert command.returncode == 128 + signal.SIGINT
    assert list(tmp_path.iterdir()) == []
