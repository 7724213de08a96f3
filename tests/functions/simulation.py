"""Random schedules of readers, writers and faults around the real cache, and who judges them.

The cache is the real one, its scripts run on a real Valkey. The database is a few lines of Python
that remember every state they were in. Each actor does one step at a time and then others may: what
a real system does in any order, a schedule does in one that a number decides.

What must hold, whatever happens to Redis and to those who use it:

- once a write has answered that it is settled, no read shows anything older;
- if the write's begin was acknowledged, that holds as soon as it is committed, whether it ends or
  its process dies, unless Redis lost the block in between;
- once news of a write made elsewhere was delivered, no read shows anything older;
- what a read shows is, to the byte, what that viewer was answered;
- when all is quiet, every read agrees with the database, and is answered from the cache.

A read shows a composition as its viewer sees it, or without what the viewer has changed for
themselves, or whichever one a context comes to: the viewer's pin, else the organisation's default,
of those that the viewer may see.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import redis
from upstash_redis.errors import UpstashError

from functions.core import cache as cached
from functions.core.cache import (
    Absent,
    Blocked,
    Bypass,
    Cache,
    Hit,
    Miss,
    Refused,
    Unchanged,
    Unchosen,
)
from functions.core.redis import Script

COMPOSITIONS = [uuid.UUID(int=n + 1) for n in range(2)]
ANN, BEN, CLEO = (uuid.UUID(int=n + 0xA) for n in range(3))
USERS = [ANN, BEN, CLEO]
FINGERPRINTS = ["0" * 32, "f" * 32]
BLOCK_SECONDS = 30
# A transaction that lasts longer is ended by the database.
TRANSACTION_SECONDS = BLOCK_SECONDS / 2
_FOREVER = float("inf")
BARE, CONTEXT = "bare", "context:home"
_loaded: set[str] = set()
SCRIPTS = [script for script in vars(cached).values() if isinstance(script, Script)]


@dataclass(frozen=True)
class Viewer:
    """Somebody with a token."""

    user_id: uuid.UUID
    fingerprint: str = FINGERPRINTS[0]


@dataclass(frozen=True)
class Answer:
    """What the database answers.

    Args:
        composition: That is shown, None if nothing is.
        etag: Of the answer, None if there is nothing.
        until: When the right to it ends.
        rests_on: Users and compositions that it would be another one by.
        skipped: Whether something was passed over that the viewer may not see.
    """

    composition: uuid.UUID | None
    etag: str | None
    until: float
    rests_on: tuple[uuid.UUID, ...]
    skipped: bool = False


@dataclass(frozen=True)
class State:
    """All that the database holds: ann owns everything, others see what is shared.

    Args:
        versions: By composition.
        shares: By composition and user: when they end.
        opened: Compositions that are shared with the organisation.
        members: Of the organisation.
        layers: By composition and user: how often they have changed it for themselves.
        pins: By user.
        default: Of the organisation, for its members.
    """

    versions: dict[uuid.UUID, int] = field(default_factory=lambda: dict.fromkeys(COMPOSITIONS, 1))
    shares: dict[tuple[uuid.UUID, uuid.UUID], float] = field(default_factory=dict)
    opened: frozenset[uuid.UUID] = frozenset()
    members: frozenset[uuid.UUID] = frozenset()
    layers: dict[tuple[uuid.UUID, uuid.UUID], int] = field(default_factory=dict)
    pins: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    default: uuid.UUID | None = None

    def load(self, composition: uuid.UUID, user: uuid.UUID, now: float, name: str = "") -> Answer:
        """What the user is answered now; with BARE, without their layer."""
        until = 0.0
        if user == ANN or (composition in self.opened and user in self.members):
            until = _FOREVER
        until = max(until, self.shares.get((composition, user), 0))
        if until <= now:
            return Answer(None, None, _FOREVER, (user, composition))
        role = "owner" if user == ANN else "viewer"
        layer = self.layers.get((composition, user), 0) if name != BARE else 0
        answer = f"{composition} {self.versions[composition]} {role} {layer} {name}"
        etag = hashlib.sha256(answer.encode()).hexdigest()[:32]
        return Answer(composition, etag, until, (user, composition))

    def resolve(self, user: uuid.UUID, now: float) -> Answer:
        """What CONTEXT comes to for the user."""
        candidates = [("mine", self.pins.get(user))]
        if user in self.members:
            candidates.append(("ours", self.default))
        seen: list[uuid.UUID] = []
        for scope, candidate in candidates:
            if candidate:
                seen.append(candidate)
                answer = self.load(candidate, user, now, f"{CONTEXT} {scope}")
                if answer.etag:
                    return replace(answer, rests_on=(user, *seen), skipped=len(seen) > 1)
        return Answer(None, None, _FOREVER, (user, *seen), skipped=bool(seen))

    def answer(self, asked: Asked, user: uuid.UUID, now: float) -> Answer:
        """What the user is answered who asks this."""
        if asked.composition is None:
            return self.resolve(user, now)
        return self.load(asked.composition, user, now, asked.name)


@dataclass(frozen=True)
class Asked:
    """What a reader asks for: a composition, usually or with BARE, or CONTEXT."""

    composition: uuid.UUID | None
    name: str = ""


@dataclass(frozen=True)
class Change:
    """A write: what it makes of a state, and of what it invalidates the answers.

    Args:
        make: A state of another.
        compositions: Those that are written.
        viewers: Users whose answers are others.
        of_members: Whether those of all members are, whom the writer learns of afterwards.
    """

    make: Callable[[State], State]
    compositions: tuple[uuid.UUID, ...] = ()
    viewers: tuple[uuid.UUID, ...] = ()
    of_members: bool = False


@dataclass(eq=False)
class Message:
    """News of a write: rows of the outbox."""

    compositions: tuple[uuid.UUID, ...]
    viewers: tuple[uuid.UUID, ...]
    index: int


class LostError(Exception):
    """The process died, or the database's answer did not come: nobody knows what became of it."""

    outcome_known = False


class RefusedError(Exception):
    """The database refused the write."""

    outcome_known = True


class Redis:
    """Stands where the client of upstash-redis stands, and loses, doubles and delays commands.

    Args:
        valkey: Runs them.
        chance: Decides what happens.
        faults: How often, of one, a command does not do what it was asked for.
        broken: Makes of a script's name and text another text.
    """

    def __init__(
        self,
        valkey: redis.Redis,
        chance: random.Random,
        faults: float,
        broken: Callable[[str, str], str],
    ) -> None:
        self.acknowledged = False
        self.late: list[list[Any]] = []
        self.faults = faults
        self._pool = valkey.connection_pool
        self._connection = self._pool.get_connection()
        self._chance = chance
        self._hashes = {}
        for script in SCRIPTS:
            text = broken(script.name, script.text)
            if text.startswith("#!"):
                # Without the first line: Valkey does not know its flag.
                text = text.partition("\n")[2]
            hash = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
            if hash not in _loaded:
                valkey.script_load(text)
                _loaded.add(hash)
            self._hashes[script.sha1] = hash

    async def execute(self, command: list[Any]) -> Any:
        """Run a command, or not, or later, and perhaps keep quiet about it."""
        self.acknowledged = False
        if self._chance.random() < self.faults:
            match self._chance.randrange(3):
                case 0:
                    self.run(command)
                case 1:
                    self.late.append(command)
            raise UpstashError("no answer")
        answer = self.run(command)
        self.acknowledged = True
        return answer

    async def close(self) -> None:
        """Keep the connection: nothing on it is ever mistaken."""

    def leave(self) -> None:
        """Give the connection back."""
        self._pool.release(self._connection)

    def run(self, command: list[Any]) -> Any:
        """Run it now."""
        if command[0] == "EVALSHA":
            command = [command[0], self._hashes[command[1]], *command[2:]]
        # The client would take longer than the server does.
        parts = [part if isinstance(part, bytes) else str(part).encode() for part in command]
        self._connection.send_packed_command(
            [b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(p), p) for p in parts)]
        )
        return self._connection.read_response()


class Naive:
    """What most would write: keep what the database answered, delete it after a write.

    Its interface is the cache's.
    """

    def __init__(self, store: Redis, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock

    async def read(
        self, composition_id: uuid.UUID, viewer: Viewer, _known: str | None, of: str
    ) -> Any:
        """Get what is kept."""
        key, name = f"n:{composition_id}", viewer.user_id.hex + viewer.fingerprint + of
        try:
            kept = await self._store.execute(["HGET", key, name])
        except UpstashError:
            return Bypass("failed")
        etag, _, expires = (kept or b"").decode().partition("|")
        if not kept or float(expires) <= self._clock() * 1000:
            return Miss((key, name), [])  # type: ignore[arg-type]
        return Hit(etag, meta_of(viewer, etag), body_of(etag)) if etag != "-" else Absent(b"")

    async def resolve(self, _name: str, _viewer: Viewer, _known: str | None) -> Bypass:
        """Keep no contexts: it goes wrong without."""
        return Bypass("naive")

    async def fill(
        self,
        lease: tuple[str, str],
        etag: str,
        _meta: bytes,
        _body: bytes | None,
        expires_at_ms: int | None,
    ) -> Refused:
        """Set it."""
        expires = min(expires_at_ms or _FOREVER, self._clock() * 1000 + 14_400_000)
        return await self._set(lease, f"{etag}|{expires}")

    async def fill_absent(self, lease: tuple[str, str]) -> Refused:
        """Set that there is nothing."""
        return await self._set(lease, f"-|{self._clock() * 1000 + 60_000}")

    async def unlink(
        self, compositions: tuple[uuid.UUID, ...], viewers: tuple[uuid.UUID, ...]
    ) -> None:
        """Delete it."""
        try:
            for id in compositions:
                await self._store.execute(["DEL", f"n:{id}"])
            for viewer in viewers:
                names = [viewer.hex + print + of for print in FINGERPRINTS for of in ("", BARE)]
                for id in COMPOSITIONS:
                    await self._store.execute(["HDEL", f"n:{id}", *names])
        except UpstashError as error:
            raise cached.CacheUnavailable from error

    async def warm(self, composition_id: uuid.UUID, etag: str, body: bytes) -> None:
        """Keep no bodies that nobody asked for."""

    def writing(
        self, compositions: tuple[uuid.UUID, ...], viewers: tuple[uuid.UUID, ...]
    ) -> NaiveWriting:
        """Delete it after the write."""
        return NaiveWriting(self, compositions, viewers)

    async def _set(self, lease: tuple[str, str], value: str) -> Refused:
        with contextlib.suppress(UpstashError):
            await self._store.execute(["HSET", *lease, value])
        return Refused("naive")


class NaiveWriting:
    """A write under way; the naive cache deletes when it has been made."""

    def __init__(
        self,
        naive: Naive,
        compositions: tuple[uuid.UUID, ...],
        viewers: tuple[uuid.UUID, ...],
    ) -> None:
        self.settled = False
        self._viewers = viewers
        self._unlink = lambda: naive.unlink(compositions, self._viewers)

    def also(self, *, viewers: tuple[uuid.UUID, ...]) -> None:
        """Delete theirs, too."""
        self._viewers += viewers

    async def __aenter__(self) -> NaiveWriting:
        return self

    async def __aexit__(self, kind: object, *_: object) -> None:
        if kind is None:
            with contextlib.suppress(cached.CacheUnavailable):
                await self._unlink()
                self.settled = True


def meta_of(viewer: Viewer, etag: str) -> bytes:
    """What a function might keep beside an answer: any bytes."""
    return f"{viewer.user_id}|{viewer.fingerprint}|{etag}|\0\r\n".encode() + b"\xff"


def body_of(etag: str) -> bytes:
    """The answer that has this etag."""
    return b"\0" + etag.encode() * 3


class Simulation:
    """One schedule.

    Args:
        valkey: Emptied, and used for nothing else meanwhile.
        seed: Decides everything.
        faults: How often Redis fails, of one; it never does in a schedule with 0.
        broken: As for Redis.
        naive: Play with the naive cache.
    """

    def __init__(
        self,
        valkey: redis.Redis,
        seed: int,
        *,
        faults: float = 0,
        broken: Callable[[str, str], str] = lambda _name, text: text,
        naive: bool = False,
    ) -> None:
        valkey.flushdb()
        self.chance = random.Random(seed)
        self.violations: list[str] = []
        self.seen: Counter[str] = Counter()
        self.now = 1_800_000_000.0
        self.states = [
            State(
                shares={(id, CLEO): self.now + 40 for id in COMPOSITIONS},
                opened=frozenset(COMPOSITIONS),
                members=frozenset({BEN}),
                pins={BEN: COMPOSITIONS[0]},
                default=COMPOSITIONS[1],
            )
        ]
        self._valkey = valkey
        self._redis = Redis(valkey, self.chance, faults, broken)
        # What a read of a composition, and one by a user, may show at the oldest: a state's index.
        self._floors: Counter[uuid.UUID] = Counter()
        self._losses: Counter[bytes] = Counter()
        self._outbox: list[Message] = []
        self._known: dict[tuple[Asked, Viewer], str] = {}
        clock = lambda: self.now  # noqa: E731
        self.cache: Any = (
            Naive(self._redis, clock)
            if naive
            else Cache(
                self._redis,  # type: ignore[arg-type]
                deadline_seconds=60,
                breaker_failures=10**9,
                write_block_seconds=BLOCK_SECONDS,
                clock=clock,
            )
        )

    def play(self, steps: int = 80) -> Simulation:
        """Let a number of steps happen, then let it be quiet."""
        try:
            asyncio.run(self._play(steps))
        finally:
            self._redis.leave()
        return self

    async def _play(self, steps: int) -> None:
        actors: list[AsyncIterator[None]] = []
        for _ in range(steps):
            if len(actors) < 2 or (len(actors) < 8 and self.chance.random() < 0.5):
                actors.append(self._actor())
            # Not the oldest: one that waits for long is what goes wrong.
            actor = self.chance.choice(actors)
            if await anext(actor, "over") == "over":
                actors.remove(actor)
            elif self.chance.random() < 0.03:
                actors.remove(actor)
                await actor.aclose()  # type: ignore[attr-defined]
        # Whoever has not ended will not.
        for actor in actors:
            await actor.aclose()  # type: ignore[attr-defined]
        await self._be_quiet()

    def _actor(self) -> AsyncIterator[None]:
        kinds = [self._reader, self._writer, self._direct_writer, self._deliverer, self._misfortune]
        (kind,) = self.chance.choices(kinds, [50, 18, 5, 6, 9])
        return kind()

    async def _reader(self) -> AsyncIterator[None]:
        name = self.chance.choices(["", BARE, CONTEXT], [5, 1, 5])[0]
        asked = Asked(None if name == CONTEXT else self._composition(), name)
        (user,) = self.chance.choices(USERS, [1, 6, 3])
        (fingerprint,) = self.chance.choices(FINGERPRINTS, [5, 1])
        viewer = Viewer(user, fingerprint)
        for _ in range(self.chance.randrange(1, 5)):
            async for _ in self._load(asked, viewer):
                yield

    async def _look(self, asked: Asked, viewer: Viewer, known: str | None) -> Any:
        if asked.composition is None:
            return await self.cache.resolve(CONTEXT, viewer, known)
        return await self.cache.read(asked.composition, viewer, known, asked.name)

    async def _load(self, asked: Asked, viewer: Viewer) -> AsyncIterator[None]:
        known = self.chance.choice([None, self._known.get((asked, viewer))])
        found = await self._look(asked, viewer, known)
        self.seen[type(found).__name__] += 1
        match found:
            case Hit(etag, meta, body):
                self._judge(asked, viewer, etag)
                if (meta, body) != (meta_of(viewer, etag), body_of(etag)):
                    self.violations.append("another answer")
                self._known[asked, viewer] = etag
            case Unchanged(etag, meta):
                self._judge(asked, viewer, etag)
                if etag != known or meta != meta_of(viewer, etag):
                    self.violations.append("another answer")
            case Absent():
                self._judge(asked, viewer, None)
            case Miss() | Unchosen():
                yield
                answer = self.states[-1].answer(asked, viewer.user_id, self.now)
                yield
                if answer.etag:
                    self._known[asked, viewer] = answer.etag
                filled = await self._fill(found, asked, viewer, answer)
                if filled:
                    self.seen[getattr(filled, "reason", "filled")] += 1
                if answer.etag and self.chance.random() < 0.1:
                    yield
                    body = body_of(answer.etag)
                    await self._try(self.cache.warm(answer.composition, answer.etag, body))
            case Blocked() | Bypass():
                pass

    async def _fill(self, miss: Miss | Unchosen, asked: Asked, viewer: Viewer, got: Answer) -> Any:
        """Fill in what the database answered, as the API does."""
        match miss:
            case Unchosen(choice):
                if got.skipped:
                    return None
                if got.composition is None:
                    return await self.cache.choose_nothing(choice)
                return await self.cache.choose(choice, got.composition)
            case Miss(lease) if asked.composition is None:
                if got.skipped or got.composition != lease.composition_id:
                    return await self.cache.forget_choice(miss.choice)
            case Miss(lease) if got.etag is None:
                return await self.cache.fill_absent(lease)
        assert got.etag is not None
        sent = None if got.etag in miss.held_etags else body_of(got.etag)
        until_ms = None if got.until == _FOREVER else int(got.until * 1000)
        meta = meta_of(viewer, got.etag)
        filled = await self.cache.fill(lease, got.etag, meta, sent, until_ms)
        if sent is None and filled.body not in {None, body_of(got.etag)}:
            self.violations.append("another body")
        return filled

    async def _writer(self) -> AsyncIterator[None]:
        """A write through the functions."""
        change = self._change()
        fate = self.chance.choice(["settled"] * 12 + ["refused", "lost", "lost, committed later"])
        index = 0
        members: tuple[uuid.UUID, ...] = ()
        try:
            async with self.cache.writing(change.compositions, change.viewers) as writing:
                began = self._redis.acknowledged
                ends, losses = self.now + TRANSACTION_SECONDS, self._lost(change)
                yield
                if fate == "refused" or self.now >= ends:
                    raise RefusedError
                if fate == "lost, committed later":
                    raise LostError
                index = self._commit(change)
                if began and losses == self._lost(change):
                    self._settle(change, index)
                yield
                if change.of_members:
                    members = self._members()
                    writing.also(viewers=members)
                    yield
                if fate == "lost":
                    raise LostError
            self.seen["settled" if writing.settled else "pending"] += 1
            if writing.settled:
                self._settle(change, index)
                self._settle_keys(members, index)
        except RefusedError:
            self.seen["refused"] += 1
        except LostError:
            self.seen["lost"] += 1
            yield
            if not index and self.now < ends:
                index = self._commit(change)
                if began and losses == self._lost(change):
                    self._settle(change, index)

    async def _direct_writer(self) -> AsyncIterator[None]:
        """A write past the functions: the outbox tells of it."""
        self._commit(self._change())
        yield

    async def _deliverer(self) -> AsyncIterator[None]:
        """News, in any order, some of it twice."""
        count = min(len(self._outbox), self.chance.randrange(1, 4))
        messages = self.chance.sample(self._outbox, count)
        yield
        await self._deliver(messages, forget=self.chance.random() < 0.7)

    async def _misfortune(self) -> AsyncIterator[None]:
        match self.chance.choices(["time", "eviction", "loss", "late"], [7, 3, 1, 3])[0]:
            case "time":
                self.now += self.chance.choice([1, 5, 31, 31, 90])
            case "eviction":
                if keys := self._keys():
                    self._lose(self.chance.choice(keys))
            case "loss":
                for key in self._keys():
                    self._lose(key)
            case "late" if self._redis.late:
                late = self._redis.late
                self._redis.run(late.pop(self.chance.randrange(len(late))))
        yield

    def _composition(self) -> uuid.UUID:
        # What goes wrong needs several at the same one.
        return self.chance.choices(COMPOSITIONS, [9, 1])[0]

    def _change(self) -> Change:
        id = self._composition()
        (user,) = self.chance.choices([BEN, CLEO], [4, 1])
        until = self.chance.choice([_FOREVER, self.now + self.chance.choice([2, 10, 40])])
        makes: dict[str, Callable[[State], State]] = {
            "save": lambda s: replace(s, versions={**s.versions, id: s.versions[id] + 1}),
            "share": lambda s: replace(s, shares={**s.shares, (id, user): until}),
            "unshare": lambda s: replace(s, shares={**s.shares, (id, user): 0}),
            "open": lambda s: replace(s, opened=s.opened | {id}),
            "close": lambda s: replace(s, opened=s.opened - {id}),
            "join": lambda s: replace(s, members=s.members | {user}),
            "leave": lambda s: replace(s, members=s.members - {user}),
            "layer": lambda s: replace(
                s, layers={**s.layers, (id, user): s.layers.get((id, user), 0) + 1}
            ),
            "pin": lambda s: replace(s, pins={**s.pins, user: id}),
            "unpin": lambda s: replace(
                s, pins={who: pin for who, pin in s.pins.items() if who != user}
            ),
            "default": lambda s: replace(s, default=None if s.default == id else id),
        }
        (kind,) = self.chance.choices([*makes], [3, 3, 2, 3, 1, 3, 3, 2, 2, 2, 3])
        if kind == "default":
            return Change(makes[kind], of_members=True)
        if kind in {"join", "leave", "layer", "pin", "unpin"}:
            return Change(makes[kind], viewers=(user,))
        return Change(makes[kind], compositions=(id,))

    def _members(self) -> tuple[uuid.UUID, ...]:
        return tuple(sorted(self.states[-1].members))

    def _commit(self, change: Change) -> int:
        viewers = self._members() if change.of_members else change.viewers
        self.states.append(change.make(self.states[-1]))
        index = len(self.states) - 1
        self._outbox.append(Message(change.compositions, viewers, index))
        return index

    def _settle(self, change: Change, index: int) -> None:
        self._settle_keys((*change.compositions, *change.viewers), index)

    def _settle_keys(self, ids: tuple[uuid.UUID, ...], index: int) -> None:
        """From now on no read may show anything older."""
        for id in ids:
            self._floors[id] = max(self._floors[id], index)

    async def _deliver(self, messages: list[Message], *, forget: bool) -> None:
        compositions = tuple(id for message in messages for id in message.compositions)
        viewers = tuple(id for message in messages for id in message.viewers)
        if await self._try(self.cache.unlink(compositions, viewers)):
            for message in messages:
                self._settle_keys((*message.compositions, *message.viewers), message.index)
            if forget:
                self._outbox = [kept for kept in self._outbox if kept not in messages]

    async def _try(self, running: Any) -> bool:
        try:
            await running
        except cached.CacheUnavailable:
            return False
        return True

    def _judge(self, asked: Asked, viewer: Viewer, shown: str | None) -> None:
        answers = (state.answer(asked, viewer.user_id, self.now) for state in self.states)
        allowed = {
            answer.etag
            for index, answer in enumerate(answers)
            if all(self._floors[id] <= index for id in answer.rests_on)
        }
        if shown not in allowed:
            self.violations.append("seen without the right" if allowed == {None} else "stale")

    def _keys(self) -> list[bytes]:
        # In an order that is the same every time.
        return sorted(self._valkey.execute_command("KEYS", "*"))

    def _lose(self, key: bytes) -> None:
        self._valkey.delete(key)
        self._losses[key[-36:]] += 1

    def _lost(self, change: Change) -> int:
        return sum(self._losses[str(id).encode()] for id in (*change.compositions, *change.viewers))

    async def _be_quiet(self) -> None:
        self._redis.faults = 0
        for command in self._redis.late:
            self._redis.run(command)
        await self._deliver(list(self._outbox), forget=True)
        self.now += 2 * BLOCK_SECONDS
        asked_for = [Asked(id, name) for id in COMPOSITIONS for name in ("", BARE)]
        for asked in [*asked_for, Asked(None, CONTEXT)]:
            for viewer in map(Viewer, USERS):
                # The last of them chooses, fills, and reads.
                for _ in range(3):
                    async for _ in self._load(asked, viewer):
                        pass
                found = await self._look(asked, viewer, None)
                truth = self.states[-1].answer(asked, viewer.user_id, self.now)
                if not isinstance(found, Hit | Absent):
                    if truth.until - self.now > 2 and not truth.skipped:
                        self.violations.append("not kept")
                elif getattr(found, "etag", None) != truth.etag:
                    self.violations.append("no agreement")
