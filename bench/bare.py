"""A Lambda function that does nothing: what every function pays for being one."""

from typing import Any


def handler(_event: Any, _context: Any) -> dict[str, Any]:
    """Answer at once."""
    return {"statusCode": 200, "body": "{}"}
