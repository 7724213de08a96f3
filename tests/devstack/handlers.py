"""Lambda handlers for tests of the stack: what a function may do, right or wrong."""

from __future__ import annotations

import base64
import itertools
import json
import os
import signal
import time
from typing import Any

_calls = itertools.count(1)


def echo(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer with what came in, and from whom."""
    return {
        "event": event,
        "pid": os.getpid(),
        "calls": next(_calls),
        "cwd": os.getcwd(),
        "environment": dict(os.environ),
        "request_id": context.aws_request_id,
        "milliseconds_left": context.get_remaining_time_in_millis(),
    }


def note(event: dict[str, Any], _context: Any) -> None:
    """Print what came in, for the log."""
    print("noted", json.dumps(event))


def say(event: dict[str, Any], _context: Any) -> Any:
    """Answer with the JSON that was sent."""
    body = event["body"]
    return json.loads(base64.b64decode(body) if event["isBase64Encoded"] else body)


def do(event: dict[str, Any], _context: Any) -> Any:
    """Do what the query says."""
    asked = event.get("queryStringParameters", {})
    if "print" in asked:
        print(asked["print"])
    if "sleep" in asked:
        time.sleep(float(asked["sleep"]))
    if "size" in asked:
        return "x" * (int(asked["size"]) - 2)  # in JSON, two quotes
    if "raise" in asked:
        raise ValueError(asked["raise"])
    if "exit" in asked:
        os._exit(int(asked["exit"]))
    if "kill" in asked:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"pid": os.getpid()}
