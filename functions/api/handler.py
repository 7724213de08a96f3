"""The Lambda handler of the API.

Whatever happens, it answers. An answer that is too large for the runtime would end it: that becomes
a problem of its own.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from mangum import Mangum

from functions.api.app import create_app, internal_error
from functions.api.cors import Cors
from functions.api.services import Services
from functions.core.loop import event_loop
from functions.core.parts import parts
from functions.core.problems import Problem

# What Lambda carries of an answer, as the JSON that the runtime makes of it.
MAX_ANSWER_BYTES = 6_291_556
# JSON writes six characters for one at most.
_MOST_GROWTH = 6

_log = logging.getLogger(__name__)
# At the level INFO, it would log paths: that of a link is its token.
logging.getLogger("mangum").setLevel(logging.WARNING)

Event = dict[str, Any]


class Handler:
    """A handler for events of a function URL.

    Args:
        make_services: Called when the first request comes, and again while it raises: what is
            wrong with a setting is answered, and logged.
    """

    def __init__(self, make_services: Callable[[], Services]) -> None:
        self._make_services = make_services
        self._app = create_app()
        self._mangum: Mangum | None = None

    def __call__(self, event: Event, context: Any) -> Event:
        """Answer one request."""
        try:
            answer = self._started()(event, context)
        except Exception:
            _log.exception("a request could not be answered")
            return _plain_answer(internal_error(), {})
        return answer if _fits(answer) else _plain_answer(_too_large(), answer.get("headers", {}))

    def _started(self) -> Mangum:
        event_loop()
        if self._mangum is None:
            services = self._make_services()
            self._app.state.services = services
            self._mangum = Mangum(Cors(self._app, services.settings), lifespan="off")
        return self._mangum


def _fits(answer: Event) -> bool:
    if len(answer.get("body", "")) * _MOST_GROWTH < MAX_ANSWER_BYTES:
        return True
    return len(json.dumps(answer, ensure_ascii=False).encode()) <= MAX_ANSWER_BYTES


def _too_large() -> Problem:
    return Problem(
        500,
        "answer_too_large",
        "the answer is larger than what can be sent",
        "Send Accept-Encoding: br, or ask for fewer rows.",
    )


def _plain_answer(problem: Problem, headers: dict[str, str]) -> Event:
    """An answer beside the application, with what CORS said to the one that it replaces."""
    kept = {
        name: value
        for name, value in headers.items()
        if name.startswith("access-control-") or name in {"vary", "server-timing"}
    }
    return {
        "statusCode": problem.status,
        "headers": {**kept, "content-type": "application/json", "cache-control": "no-store"},
        "body": json.dumps(problem.body()),
        "isBase64Encoded": False,
    }


handler = Handler(lambda: Services(parts()))
