"""The keys of the cache. Each is made of a prefix of ours and an id that was parsed as a uuid.

What a caller sends never becomes part of a key as text, so no wildcard, colon or line break can.
"""

import re
from uuid import UUID

_DIGEST = re.compile(r"[0-9a-f]{64}")

USAGE_SHARDS = 16


def composition_key(prefix: str, composition_id: UUID) -> str:
    """Of the hash that holds what viewers of the composition were answered, and its bodies."""
    return f"{prefix}:c:{canonical(composition_id)}"


def viewer_key(prefix: str, user_id: UUID) -> str:
    """Of the hash that holds the nonce to which all answers of this user are bound."""
    return f"{prefix}:v:{canonical(user_id)}"


def usage_key(prefix: str, composition_id: UUID) -> str:
    """Of the hash that counts the loads of the composition, and of a sixteenth of all others."""
    canonical(composition_id)
    return f"{prefix}:u:{composition_id.int % USAGE_SHARDS}"


def usage_keys(prefix: str) -> list[str]:
    """Of all hashes that count loads."""
    return [f"{prefix}:u:{shard}" for shard in range(USAGE_SHARDS)]


def seen_key(prefix: str, digest: str) -> str:
    """Of the memory that something came before: of its digest, small letters and digits of hex."""
    if not _DIGEST.fullmatch(digest):
        raise ValueError("not a digest")
    return f"{prefix}:s:{digest}"


def composition_of(prefix: str, key: bytes) -> UUID | None:
    """The composition whose key this is; None for every other key."""
    start = f"{prefix}:c:".encode()
    if not key.startswith(start):
        return None
    try:
        return UUID(key[len(start) :].decode())
    except ValueError:
        return None


def canonical(id: UUID) -> str:
    """An id as every key has it."""
    if type(id) is not UUID:
        raise TypeError(f"a key is made of a UUID, not of {type(id).__name__}")
    return str(id)
