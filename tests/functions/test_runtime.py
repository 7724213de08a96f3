"""Webhook and jobs in the runtime of Lambda: frozen between calls, and with one loop for all."""

from __future__ import annotations

import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest

from devstack import front
from devstack.packages import PROJECT
from functions.webhook.handler import PATH
from tests.functions.events import SECRET, message, signature

ID = uuid.UUID("00000000-0000-4000-8000-00000000c0de")


class Functions(NamedTuple):
    """Where they are called."""

    webhook_url: str
    invoke_url: str


@pytest.fixture(scope="module")
def functions(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Functions]:
    """Webhook and jobs, one worker each."""
    ports: dict[str, int] = {}
    started = front.start(
        {name: front.FUNCTIONS[name] for name in ("webhook", "sweep", "warm", "audit")},
        environment | {"WEBHOOK_SECRETS": SECRET},
        freeze=True,
        logs=tmp_path_factory.mktemp("functions"),
        url_ports=ports,
    )
    try:
        started.wait(threading.Event())
        yield Functions(
            webhook_url=f"http://127.0.0.1:{ports['webhook']}{PATH}",
            invoke_url=f"http://127.0.0.1:{started.port}/2015-03-31/functions",
        )
    finally:
        started.stop()


def test_the_webhook_answers_at_its_url(functions, store, outbox):
    url = functions.webhook_url
    with httpx.Client(timeout=60) as database:
        for _ in range(3):
            body = message(outbox.note(ID))
            answer = database.post(url, content=body, headers=signature(body))
            assert (answer.status_code, answer.json()) == (200, {"delivered": 1})
        again = database.post(url, content=body, headers=signature(body, at=1))
        assert (again.status_code, again.json()["error"]) == (401, "webhook_expired")
        assert database.get(url).headers["allow"] == "POST"
    assert outbox.ids() == []


@pytest.mark.parametrize("job", ["sweep", "warm", "audit"])
def test_a_job_reports_to_who_invokes_it(job, functions, store, outbox):
    url = f"{functions.invoke_url}/{job}/invocations"
    reports = [httpx.post(url, json={}, timeout=60).json() for _ in range(2)]
    assert [report["stopped"] for report in reports] == [None, None]


def test_nothing_that_can_fail_happens_at_import():
    imported = subprocess.run(
        [sys.executable, "-c", "import functions.webhook.handler, functions.jobs.handler"],
        env={},
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert (imported.returncode, imported.stderr) == (0, "")
