"""Cache of compositions as their viewers see them, in Redis over HTTP.

What PostgreSQL answered one viewer is kept for this viewer alone; only the body, which is the same
for all with the same etag, is kept once. An answer is filled in only if nothing was invalidated
since its miss (the lease), so an entry may be absent but never older than the last invalidation.
Writers block reads and fills before they commit and invalidate before they answer.

A composition is answered in several ways: as its viewer usually sees it, and under names, as a
context comes to it. For a name it is kept, too, which composition the database chose.

A failure of Redis is a miss: the cache may make a request faster, never break it.
"""

import asyncio
import hashlib
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar
from uuid import UUID

from upstash_redis.errors import UpstashError

from functions.core import keys
from functions.core.breaker import Breaker
from functions.core.redis import Argument, Redis, Script

MAX_BODY_BYTES = 1024 * 1024
MAX_META_BYTES = 64 * 1024
_MAX_FIELDS = 512
# Everybody who has changed it for themselves sees another one.
_MAX_BODIES = 64
_MAX_KEYS = 500
_LEASE_MS = 60_000
# A share must not outlive its time on a machine whose clock is behind the database's.
_CLOCK_SKEW_MS = 1000
_NONE = "-"
_REFUSALS = {b"LOST", b"REVOKED", b"FULL", b"GONE"}
_ETAG = re.compile(r"[0-9a-f]{1,128}")
_KEPT = re.compile(rb"-|[0-9a-f]{1,128}")
_VIEWER_FIELD = re.compile(rb"p:([0-9a-f]{32})([0-9a-f]{32})([0-9a-f]{32})?")
_FINGERPRINT = re.compile(r"[0-9a-f]{32}")

# Names of answers about a composition that are not the usual one.
BARE = "bare"  # without anybody's layers
HOME = "home"
_CONTEXT = "context:"

_READ, _FILL = Script("read"), Script("fill")
_RESOLVE, _CHOOSE = Script("resolve"), Script("choose")
_BEGIN, _END = Script("begin"), Script("end")
_REMEMBER = Script("remember")
_WARM, _PEEK, _TAKE_USAGE = Script("warm"), Script("peek"), Script("take_usage")

_T = TypeVar("_T")


class CacheUnavailable(Exception):
    """Redis did not do what it was asked for, or has not said so in time."""


class Viewer(Protocol):
    """Whose answer it is: a user, and the fingerprint of every claim that the database reads."""

    @property
    def user_id(self) -> UUID:
        """The token's sub."""

    @property
    def fingerprint(self) -> str:
        """32 characters of hex."""


@dataclass(frozen=True, slots=True)
class Hit:
    """What the viewer was answered: etag, what the function kept beside it, brotli."""

    etag: str
    meta: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Unchanged:
    """What the viewer was answered is what the caller knows already."""

    etag: str
    meta: bytes


@dataclass(frozen=True, slots=True)
class Absent:
    """The viewer was answered that there is nothing."""

    meta: bytes


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to fill in what the database answers a viewer after a miss."""

    composition_id: UUID
    viewer: str
    keys: tuple[str, str, str]
    composition: str
    user: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class ChoiceLease:
    """The right to fill in which composition the database chooses for a viewer under a name."""

    key: str
    fingerprint: str
    name: str
    user: str


@dataclass(frozen=True, slots=True)
class Miss:
    """Nothing is known: ask the database, then fill. Bodies of these etags need not be fetched."""

    lease: Lease
    held_etags: list[str]

    @property
    def choice(self) -> ChoiceLease:
        """To forget by what was chosen under the name, should it be another composition now."""
        lease = self.lease
        return ChoiceLease(lease.keys[1], lease.viewer[32:64], lease.name, lease.user)


@dataclass(frozen=True, slots=True)
class Unchosen:
    """Not even which composition it is: ask the database, then choose."""

    lease: ChoiceLease


@dataclass(frozen=True, slots=True)
class Blocked:
    """Somebody is writing: ask the database and fill nothing in."""


@dataclass(frozen=True, slots=True)
class Bypass:
    """There is no cache, or it does not answer: ask the database."""

    reason: str


@dataclass(frozen=True, slots=True)
class Filled:
    """It is kept. The body is there where it was held under the etag and not given."""

    body: bytes | None


@dataclass(frozen=True, slots=True)
class Refused:
    """It is not kept. A body that was not given is there if it was found; if not, load it again."""

    reason: str
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What a viewer would be answered from here, by its etag; None: that there is nothing."""

    composition_id: UUID
    user_id: UUID
    fingerprint: str
    etag: str | None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """How often a composition was loaded, and how many of these loads were answered from here."""

    composition_id: UUID
    loads: int
    hits: int


class Writing:
    """A write under way. `settled`: no cached read can show anything older than it any more."""

    def __init__(self, composition_keys: list[str], viewer_keys: list[str], prefix: str) -> None:
        self.settled = False
        self.keys = [*composition_keys, *viewer_keys]
        self._prefix = prefix

    def also(self, compositions: Iterable[UUID] = (), viewers: Iterable[UUID] = ()) -> None:
        """Invalidate these, too, when the write ends: for those that only its answer names."""
        self.keys += [keys.composition_key(self._prefix, id) for id in compositions]
        self.keys += [keys.viewer_key(self._prefix, id) for id in viewers]


class Cache:
    """The cache. Without Redis every read is a bypass, and every write is settled.

    Args:
        redis: Where it is.
        prefix: Of all keys; another one is another cache.
        deadline_seconds: For every call.
        ttl_seconds: How long an answer may be kept.
        negative_ttl_seconds: The same, of the answer that there is nothing.
        breaker_failures: So many failures in a row, and nobody asks any more ...
        breaker_seconds: ... for so long.
        write_block_seconds: For how long a write whose end is not known keeps reads out: at least
            twice as long as its transaction can last.
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        redis: Redis | None,
        *,
        prefix: str = "p1",
        deadline_seconds: float = 0.15,
        ttl_seconds: float = 14400,
        negative_ttl_seconds: float = 60,
        breaker_failures: int = 3,
        breaker_seconds: float = 5,
        write_block_seconds: float = 30,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not re.fullmatch(r"[a-z0-9]+", prefix):
            raise ValueError("a prefix is made of small letters and digits")
        self._redis = redis
        self._prefix = prefix
        self._deadline_seconds = deadline_seconds
        self._ttl_ms = int(ttl_seconds * 1000)
        self._negative_ttl_ms = int(negative_ttl_seconds * 1000)
        self._block_ms = int(write_block_seconds * 1000)
        self._breaker = Breaker(breaker_failures, breaker_seconds)
        self._clock = clock

    async def read(
        self,
        composition_id: UUID,
        viewer: Viewer,
        known_etag: str | None = None,
        name: str = "",
    ) -> Hit | Unchanged | Absent | Miss | Blocked | Bypass:
        """Look for what the viewer was answered.

        Args:
            composition_id: What is loaded.
            viewer: By whom.
            known_etag: Of the answer that the caller has; anything else is as good as None.
            name: Of an answer that is not the usual one, one line of text.
        """
        if self._redis is None:
            return Bypass("no_cache")
        key, who = self._keys(composition_id, viewer.user_id), _field(viewer) + _digest(name)
        nonce = secrets.token_hex(8)
        arguments: list[Argument] = [
            *(who, self._now(), nonce, _LEASE_MS, _known(known_etag), str(composition_id))
        ]

        def understand(answer: Any) -> Hit | Unchanged | Absent | Miss | Blocked:
            match _kind_and_rest(answer, nonce):
                case b"N", [bytes(meta)]:
                    return Absent(_without(name, meta))
                case b"M", [bytes(composition), bytes(user), bytes(held)]:
                    lease = Lease(
                        composition_id, who, key, composition.decode(), user.decode(), name
                    )
                    return Miss(lease, held.decode().split())
                case kind, rest:
                    return _understood(name, kind, rest)

        try:
            return await self._run(_READ, key, arguments, understand)
        except CacheUnavailable as error:
            return Bypass(str(error))

    async def resolve(
        self, name: str, viewer: Viewer, known_etag: str | None = None
    ) -> Hit | Unchanged | Absent | Miss | Unchosen | Blocked | Bypass:
        """Look for what a name came to for the viewer, whichever composition that is.

        Args:
            name: Of what is asked for, one line of text.
            viewer: By whom.
            known_etag: As for read().

        Returns:
            As read(): Absent, nothing is chosen; Miss, what it was the last time is known, but not
            how it is answered; or Unchosen.
        """
        if self._redis is None:
            return Bypass("no_cache")
        who, digest = _field(viewer), _digest(name)
        key = keys.viewer_key(self._prefix, viewer.user_id)
        nonce = secrets.token_hex(8)
        arguments: list[Argument] = [
            *(who, digest, self._now(), nonce, _LEASE_MS, _known(known_etag))
        ]

        def understand(answer: Any) -> Hit | Unchanged | Absent | Miss | Unchosen | Blocked:
            match _kind_and_rest(answer, nonce):
                case b"N", [bytes(meta)]:
                    return Absent(meta)
                case b"C", [bytes(user)]:
                    return Unchosen(ChoiceLease(key, viewer.fingerprint, name, user.decode()))
                case b"M", [bytes(composition), bytes(user), bytes(held), bytes(chosen)]:
                    id = UUID(chosen.decode())
                    lease = Lease(
                        *(id, who + digest, self._keys(id, viewer.user_id)),
                        *(composition.decode(), user.decode(), name),
                    )
                    return Miss(lease, held.decode().split())
                case kind, rest:
                    return _understood(name, kind, rest)

        try:
            return await self._run(_RESOLVE, [key], arguments, understand)
        except CacheUnavailable as error:
            return Bypass(str(error))

    async def choose(self, lease: ChoiceLease, composition_id: UUID) -> Filled | Refused:
        """Keep which composition the database has chosen. The answer is kept at the next miss.

        Args:
            lease: Of the miss. The database was asked after it was handed out.
            composition_id: What was chosen, and would be as long as it can be seen: nothing was
                passed over for it.
        """
        choice = f"c|{keys.canonical(composition_id)}".encode()
        return await self._choose(lease, choice, self._ttl_ms)

    async def choose_nothing(self, lease: ChoiceLease, meta: bytes = b"") -> Filled | Refused:
        """Keep that nothing is chosen. For a short while only.

        Args:
            lease: Of the miss.
            meta: As for fill(): what the answer is made of.
        """
        if len(meta) > MAX_META_BYTES:
            return Refused("too_large")
        return await self._choose(lease, b"n|" + meta, self._negative_ttl_ms)

    async def forget_choice(self, lease: ChoiceLease) -> Filled | Refused:
        """Forget what was chosen: the database has chosen otherwise.

        Args:
            lease: Of the miss.
        """
        return await self._choose(lease, b"", 0)

    async def _choose(self, lease: ChoiceLease, choice: bytes, keep_ms: int) -> Filled | Refused:
        arguments: list[Argument] = [
            *(lease.fingerprint, _digest(lease.name), lease.user),
            *(self._now() + keep_ms, keep_ms, _MAX_FIELDS),
            *([choice] if choice else []),
        ]

        def understand(answer: Any) -> Filled | Refused:
            match answer:
                case [b"KEPT", bytes(of)] if of == lease.user.encode():
                    return Filled(None)
                case [bytes(reason), bytes(of)] if of == lease.user.encode() and (
                    reason in _REFUSALS
                ):
                    return Refused(reason.decode().lower())
            raise ValueError("choose")

        try:
            return await self._run(_CHOOSE, [lease.key], arguments, understand)
        except CacheUnavailable as error:
            return Refused(str(error))

    async def fill(
        self,
        lease: Lease,
        etag: str,
        meta: bytes,
        body: bytes | None,
        expires_at_ms: int | None = None,
    ) -> Filled | Refused:
        """Keep what the database answered after a miss.

        Args:
            lease: Of the miss. The database was asked after it was handed out.
            etag: Of the answer.
            meta: At most 64 KiB that belong to it, for this viewer.
            body: Of the answer, brotli, at most 1 MiB; None: the one that is held under the etag.
            expires_at_ms: When the viewer's right to it may end, by the database's clock.
        """
        if not _ETAG.fullmatch(etag):
            return Refused("not_an_etag")
        if len(meta) > MAX_META_BYTES or len(body or b"") > MAX_BODY_BYTES:
            return Refused("too_large")
        expires_at = self._now() + self._ttl_ms
        if expires_at_ms is not None:
            expires_at = max(0, min(expires_at, expires_at_ms - _CLOCK_SKEW_MS))
        return await self._fill(lease, etag, meta, body, expires_at, self._ttl_ms)

    async def fill_absent(self, lease: Lease, meta: bytes = b"") -> Filled | Refused:
        """Keep that the database answered that there is nothing. For a short while only.

        Args:
            lease: Of the miss.
            meta: As for fill().
        """
        if len(meta) > MAX_META_BYTES:
            return Refused("too_large")
        ttl_ms = self._negative_ttl_ms
        return await self._fill(lease, _NONE, meta, None, self._now() + ttl_ms, ttl_ms)

    async def _fill(
        self,
        lease: Lease,
        etag: str,
        meta: bytes,
        body: bytes | None,
        expires_at: int,
        keep_ms: int,
    ) -> Filled | Refused:
        is_held = body is None and etag != _NONE
        body_is = "held" if is_held else "none" if body is None else "here"
        meta = _with(lease.name, meta)
        arguments: list[Argument] = [
            *(lease.viewer, lease.composition, lease.user, expires_at, keep_ms, etag),
            *(_MAX_FIELDS, _MAX_BODIES, str(lease.composition_id), body_is, len(meta)),
            meta + (body or b""),
        ]
        asked_for = etag.encode()

        def understand(answer: Any) -> Filled | Refused:
            match answer:
                case [b"KEPT", bytes(of)] if of == asked_for and not is_held:
                    return Filled(None)
                case [b"KEPT", bytes(of), bytes(held)] if of == asked_for and is_held:
                    return Filled(held)
                case [bytes(reason), bytes(of)] if of == asked_for and reason in _REFUSALS:
                    return Refused(reason.decode().lower())
                case [bytes(reason), bytes(of), bytes(held)] if of == asked_for and is_held:
                    return Refused(reason.decode().lower(), held)
            raise ValueError("fill")

        try:
            return await self._run(_FILL, lease.keys, arguments, understand)
        except CacheUnavailable as error:
            return Refused(str(error))

    @asynccontextmanager
    async def writing(
        self, compositions: Iterable[UUID] = (), viewers: Iterable[UUID] = ()
    ) -> AsyncIterator[Writing]:
        """Write to the database inside; then look whether it is settled.

        No answer about these compositions, and none to these users, comes from the cache while it
        lasts. When it ends well, or by an exception whose `outcome_known` is true (the database has
        refused), all that was kept is invalidated. Any other exception leaves the block to run out:
        the transaction may still be running.

        Args:
            compositions: That are written, or whose shares are.
            viewers: Users whose rights change.
        """
        writing = Writing(
            [keys.composition_key(self._prefix, id) for id in compositions],
            [keys.viewer_key(self._prefix, id) for id in viewers],
            self._prefix,
        )
        token = secrets.token_hex(8)
        if writing.keys:
            # If it fails, all that is lost is the guard against our own end before end().
            begun: list[Argument] = [now := self._now(), now + self._block_ms, token]
            with suppress(CacheUnavailable):
                await self._run(_BEGIN, writing.keys, begun, _echo(token))
        try:
            yield writing
        except BaseException as error:
            if getattr(error, "outcome_known", False):
                await self._end(writing, token)
            raise
        writing.settled = await self._end(writing, token)

    async def unlink(self, compositions: Iterable[UUID] = (), viewers: Iterable[UUID] = ()) -> None:
        """Invalidate, on news of what was written elsewhere. In any order, any number of times.

        Args:
            compositions: That have changed, or whose shares have.
            viewers: Users whose rights have changed.

        Raises:
            CacheUnavailable: Not known to be done. It may be repeated.
        """
        if self._redis is None:
            return
        unlinked = [keys.composition_key(self._prefix, id) for id in compositions]
        unlinked += [keys.viewer_key(self._prefix, id) for id in viewers]
        for start in range(0, len(unlinked), _MAX_KEYS):
            await self._drop(unlinked[start : start + _MAX_KEYS], secrets.token_hex(8))

    async def is_first(self, digest: str, keep_seconds: int) -> bool:
        """Whether something comes for the first time since it was last remembered.

        Args:
            digest: Of it, 64 characters of hex.
            keep_seconds: How long to remember it from now on. Redis may evict it before, so to do
                twice what is asked about must do no harm.

        Raises:
            CacheUnavailable: Not known.
        """
        if self._redis is None:
            return True
        token = secrets.token_hex(8)
        key = keys.seen_key(self._prefix, digest)
        arguments: list[Argument] = [token, 1000 * keep_seconds]

        def understand(answer: Any) -> bool:
            match answer:
                case [bytes(echo), bytes(first)] if echo == token.encode():
                    return first == echo
            raise ValueError("remember")

        return await self._run(_REMEMBER, [key], arguments, understand, insist=True)

    async def warm(self, composition_id: UUID, etag: str, body: bytes) -> bool:
        """Hold a body that the next viewers of the composition will see, if they see it.

        Args:
            composition_id: What it is of.
            etag: Of the body.
            body: Brotli.

        Returns:
            Whether it is held now.

        Raises:
            CacheUnavailable: Not known to be done.
            ValueError: That is no etag, or no body, or too large a one.
        """
        if not _ETAG.fullmatch(etag) or not 0 < len(body) <= MAX_BODY_BYTES:
            raise ValueError("not an etag and a body")
        if self._redis is None:
            return False
        key = keys.composition_key(self._prefix, composition_id)
        arguments: list[Argument] = [self._now(), etag, self._ttl_ms, _MAX_BODIES, body]
        return await self._run(_WARM, [key], arguments, _is_held)

    async def sample(self, count: int) -> list[Entry]:
        """Some entries that reads would be answered with now, at random: for the audit.

        Args:
            count: At most so many.

        Raises:
            CacheUnavailable: Redis does not answer.
        """
        if self._redis is None:
            return []
        # Other keys come, too, and the same ones twice.
        drawn = await self._pipeline([["RANDOMKEY"]] * (4 * count))
        found = {keys.composition_of(self._prefix, key) for key in drawn if isinstance(key, bytes)}
        compositions = [id for id in found if id][:count]
        names = [["HRANDFIELD", keys.composition_key(self._prefix, id), 8] for id in compositions]
        candidates = []
        for id, fields in zip(compositions, await self._pipeline(names), strict=True):
            # What was dropped meanwhile has none.
            for field in filter(None, fields or []):
                if matched := _VIEWER_FIELD.fullmatch(field):
                    user, fingerprint, digest = (part.decode() for part in matched.groups(b""))
                    candidates.append((Entry(id, UUID(user), fingerprint, None), digest))
        secrets.SystemRandom().shuffle(candidates)
        entries = []
        for candidate, digest in candidates:
            entry = await self._peek(candidate, digest)
            if entry:
                entries.append(entry)
            if len(entries) == count:
                break
        return entries

    async def peek(self, entry: Entry) -> Entry | None:
        """What the viewer of an entry would be answered now; None: a miss.

        Args:
            entry: From sample(), some time ago.

        Raises:
            CacheUnavailable: Redis does not answer.
        """
        return await self._peek(entry, _digest(entry.name))

    async def _peek(self, entry: Entry, digest: str) -> Entry | None:
        def understand(answer: Any) -> Entry | None:
            match answer:
                case None:
                    return None
                case [bytes(kept), bytes(meta)] if _KEPT.fullmatch(kept):
                    etag = None if kept == _NONE.encode() else kept.decode()
                    # The name of a digest stands before the meta.
                    name = meta.partition(b"\n")[0].decode() if digest else ""
                    return replace(entry, etag=etag, name=name)
            raise ValueError("peek")

        key = self._keys(entry.composition_id, entry.user_id)[:2]
        return await self._run(_PEEK, key, [_field(entry) + digest, self._now()], understand)

    async def take_usage(self) -> list[Usage]:
        """How often compositions were loaded since the last call. What is lost after it is lost.

        Raises:
            CacheUnavailable: Redis has not handed over anything.
        """
        if self._redis is None:
            return []
        counts: dict[UUID, list[int]] = {}
        for key in keys.usage_keys(self._prefix):
            try:
                taken = await self._run(_TAKE_USAGE, [key], [], _counts)
            except CacheUnavailable:
                if not counts:
                    raise
                break
            for composition_id, were_hits, count in taken:
                loads_and_hits = counts.setdefault(composition_id, [0, 0])
                loads_and_hits[0] += count
                loads_and_hits[1] += count if were_hits else 0
        return [Usage(id, loads, hits) for id, (loads, hits) in counts.items()]

    async def _end(self, writing: Writing, token: str) -> bool:
        if not writing.keys or self._redis is None:
            return True
        try:
            await self._drop(writing.keys, token)
        except CacheUnavailable:
            return False
        return True

    async def _drop(self, on_keys: list[str], token: str) -> None:
        """Drop answers and leases, and the block of the write that has this token."""
        await self._run(_END, on_keys, [self._now(), token], _echo(token), insist=True)

    async def _run(
        self,
        script: Script,
        on_keys: Iterable[str],
        arguments: Sequence[Argument],
        understand: Callable[[Any], _T],
        *,
        insist: bool = False,
    ) -> _T:
        """Run a script.

        Args:
            script: Which.
            on_keys: All keys that it touches.
            arguments: Of which the last may be bytes.
            understand: Makes of its answer what is returned; raises ValueError if it cannot.
            insist: Try even while the breaker is open: for what makes others see a write.
        """
        return await self._guarded(
            lambda redis: script.run(redis, list(on_keys), arguments), understand, insist
        )

    async def _pipeline(self, commands: list[list[Any]]) -> list[Any]:
        async def run(redis: Redis) -> Any:
            pipeline = redis.pipeline()
            for command in commands:
                pipeline.execute(command)
            return await pipeline.exec()

        return await self._guarded(run, list) if commands else []

    async def _guarded(
        self,
        run: Callable[[Redis], Awaitable[Any]],
        understand: Callable[[Any], _T],
        insist: bool = False,
    ) -> _T:
        if self._redis is None:
            raise CacheUnavailable("no_cache")
        if not self._breaker.allows() and not insist:
            raise CacheUnavailable("breaker_open")
        try:
            async with asyncio.timeout(self._deadline_seconds):
                result = understand(await run(self._redis))
        except TimeoutError as error:
            self._breaker.failed()
            raise CacheUnavailable("no_answer_in_time") from error
        except ValueError as error:
            self._breaker.failed()
            # Whatever this is the answer to, the next one on that connection is no better.
            await self._redis.close()
            raise CacheUnavailable("failed") from error
        except UpstashError as error:
            self._breaker.failed()
            raise CacheUnavailable("failed") from error
        self._breaker.succeeded()
        return result

    def _keys(self, composition_id: UUID, user_id: UUID) -> tuple[str, str, str]:
        return (
            keys.composition_key(self._prefix, composition_id),
            keys.viewer_key(self._prefix, user_id),
            keys.usage_key(self._prefix, composition_id),
        )

    def _now(self) -> int:
        return int(self._clock() * 1000)


def _field(viewer: Viewer) -> str:
    if not _FINGERPRINT.fullmatch(viewer.fingerprint):
        raise ValueError("a fingerprint is 32 characters of hex")
    return viewer.user_id.hex + viewer.fingerprint


def of_context(context: str) -> str:
    """The name of what a context comes to."""
    return _CONTEXT + context


def context_of(name: str) -> str | None:
    """The context whose name this is; None for every other name."""
    return name.removeprefix(_CONTEXT) if name.startswith(_CONTEXT) else None


def _digest(name: str) -> str:
    """What stands for a name where it would be text of others; of the usual answer, nothing."""
    return hashlib.sha256(name.encode()).hexdigest()[:32] if name else ""


def _with(name: str, meta: bytes) -> bytes:
    """A meta as it is kept: the audit has to know the name."""
    return name.encode() + b"\n" + meta if name else meta


def _without(name: str, meta: bytes) -> bytes:
    """A meta as it was given."""
    if not name:
        return meta
    kept, _, given = meta.partition(b"\n")
    if kept != name.encode():
        raise ValueError("the meta of another name")
    return given


def _known(etag: str | None) -> str:
    return etag if etag and _ETAG.fullmatch(etag) else _NONE


def _kind_and_rest(answer: Any, nonce: str) -> tuple[bytes, list[Any]]:
    """The parts of an answer to the read that has this nonce."""
    match answer:
        case [bytes(kind), bytes(echo), *rest] if echo == nonce.encode():
            return kind, rest
    raise ValueError("not the answer to this read")


def _understood(name: str, kind: bytes, rest: list[Any]) -> Hit | Unchanged | Blocked:
    """What reads of both kinds are answered in the same way."""
    match kind, rest:
        case b"H", [bytes(etag), bytes(meta), bytes(body)]:
            return Hit(etag.decode(), _without(name, meta), body)
        case b"S", [bytes(etag), bytes(meta)]:
            return Unchanged(etag.decode(), _without(name, meta))
        case b"B", []:
            return Blocked()
    raise ValueError("read")


def _echo(token: str) -> Callable[[Any], None]:
    """What understands a script that answers with the token that it was given."""

    def understand(answer: Any) -> None:
        if answer != token.encode():
            raise ValueError("not the answer to this call")

    return understand


def _is_held(answer: Any) -> bool:
    if answer not in (b"HELD", b"BUSY"):
        raise ValueError("warm")
    return bool(answer == b"HELD")


def _counts(answer: Any) -> list[tuple[UUID, bool, int]]:
    """Composition, whether its loads were hits, and how many there were."""
    if not isinstance(answer, list):
        raise ValueError("take_usage")
    counts = []
    for name, count in zip(answer[::2], answer[1::2], strict=True):
        match name, count:
            case bytes(), bytes():
                counts.append((UUID(name[2:].decode()), name.startswith(b"h:"), int(count)))
            case _:
                raise ValueError("take_usage")
    return counts
