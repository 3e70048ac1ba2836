"""Shared by the proofs of strictness: the nodes, the keys under watch, the clock they all run by, the tally."""

import asyncio
import json
import random
import re
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support import wire
from tests.support.command import Cli
from tests.support.history import OK, UNDECIDED, Happening, Read, Step, Violation, stroke, timeline, violations
from tests.support.server import Clock, ServerProcess
from tests.support.wire import Gone, Reply, Wire

NS_IN_MS = 1_000_000
_HOT_READS = 40
BATCH = 5
_CODE = re.compile(rb'"code": ?"([a-z_]+)"')
_VALID = re.compile(rb'"valid": ?true')


def now_ns() -> int:
    """The one clock of all recorded instants."""
    return time.monotonic_ns()


@dataclass(eq=False)
class WatchedKey:
    """A key, all that happened to it and all verdicts on it."""

    id: str
    secret: str
    expires_at_ms: int | None = None
    happenings: list[Happening] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    requests: dict[tuple[int, str], bytes] = field(default_factory=dict)
    in_flight: int = 0
    seen_expired: bool = False
    dead: bool = False


@dataclass(frozen=True)
class Node:
    """A server and the command line on its data."""

    server: ServerProcess
    cli: Cli

    @property
    def port(self) -> int:
        """The port of the server."""
        return self.server.port


class World:
    """Keys under watch on some nodes that share one database and one test clock."""

    def __init__(self, nodes: Sequence[Node], clock: Clock, admin: str, seed: int) -> None:
        self.nodes = nodes
        self.clock = clock
        self.admin = admin
        self.seed = seed
        self.random = random.Random(seed)
        self.keys: list[WatchedKey] = []
        self.expiries_in_creation: Counter[int] = Counter()
        self.hot: deque[WatchedKey] = deque()
        self.doors = ["me"]
        self.steps: list[Step] = []
        self.answers: Counter[str] = Counter()
        self.events: Counter[str] = Counter()
        self.verified = 0
        self.judged = 0
        self.found: list[tuple[WatchedKey, Violation]] = []
        self._done = False
        self.setting_clock = False
        self._base_ns = _wall_minus_monotonic_ns()

    def stop(self) -> None:
        """End the work of every client."""
        self._done = True

    def is_done(self) -> bool:
        """Whether the work ended."""
        return self._done

    def now_ms(self) -> int:
        """The time that the servers have."""
        return time.time_ns() // NS_IN_MS + self.clock.offset_ms

    def get_expiry_window(self, key: WatchedKey) -> tuple[int, int] | None:
        """When the key expires, as a window of the recording clock."""
        if key.expires_at_ms is None:
            return None
        return stroke(key.expires_at_ms * NS_IN_MS - self._base_ns, self.steps, key.happenings[0].start)

    def set_clock(self, seconds: float) -> None:
        """Let the servers' time jump; recorded like any other change."""
        start = now_ns()
        self.clock.advance(seconds)
        self.steps.append(Step(start, now_ns(), self.clock.offset_ms * NS_IN_MS))
        self.events["clock set"] += 1

    @contextmanager
    def creating(self, expires_at_ms: int | None) -> Iterator[None]:
        """A key with this expiry is being created."""
        instant = sys.maxsize if expires_at_ms is None else expires_at_ms
        self.expiries_in_creation[instant] += 1
        try:
            yield
        finally:
            self.expiries_in_creation[instant] -= 1

    @contextmanager
    def changing(self, key: WatchedKey) -> Iterator[None]:
        """The key is looked at most while it changes and just after."""
        self.hot.extend([key] * _HOT_READS)
        yield
        self.hot.extend([key] * _HOT_READS)

    def pick(self) -> WatchedKey:
        """Which key to verify next."""
        if self.hot and self.random.random() < 0.7:
            key = self.hot.popleft()
            if key in self.keys:
                return key
        return self.random.choice(self.keys)

    def judge(self, key: WatchedKey) -> None:
        """Check a key's history and forget it."""
        expired = self.get_expiry_window(key)
        if expired is not None:
            key.happenings.append(Happening(*expired, "expired"))
        changes = timeline(key.happenings)
        self.found += [(key, violation) for violation in violations(changes, key.reads)]
        self.judged += 1
        key.reads.clear()

    def check_base(self) -> None:
        """The machine's clock must not have been set in the meantime, or strokes could not be placed."""
        drift = abs(_wall_minus_monotonic_ns() - self._base_ns)
        assert drift < 200_000, f"the clock of this machine was set by {drift} ns during the proof"


def _wall_minus_monotonic_ns() -> int:
    """The narrowest of some readings, so that being put off the processor in between does not count."""
    best = (1 << 62, 0)
    for _ in range(200):
        before, wall, after = time.monotonic_ns(), time.time_ns(), time.monotonic_ns()
        best = min(best, (after - before, wall - (before + after) // 2))
    return best[1]


async def verify_forever(world: World, number: int) -> None:
    """One client: verifies key after key on one connection, and on a new one now and then to meet other workers."""
    node = number % len(world.nodes)
    while not world.is_done():
        try:
            connection = await Wire.to(world.nodes[node].port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        for _ in range(world.random.randrange(200, 2_000)):
            if world.is_done():
                break
            await _verify_once(world, connection, node)
        connection.close()


async def _verify_once(world: World, connection: Wire, node: int) -> None:
    while not world.keys:
        await asyncio.sleep(0.005)
    door = world.random.choice(world.doors)
    keys = [world.pick() for _ in range(BATCH if door == "batch" else 1)]
    request = _batch(world, keys, node) if door == "batch" else _request(world, keys[0], node, door)
    for key in keys:
        key.in_flight += 1
    start = now_ns()
    try:
        reply = await connection.ask(request)
        end = now_ns()
        answers = _read_batch(reply, keys) if door == "batch" else [_read_verdict(reply, keys[0], door)]
    except Gone:
        end, answers = now_ns(), [UNDECIDED] * len(keys)
        connection.close()
    for key, answer in zip(keys, answers, strict=True):
        key.in_flight -= 1
        key.reads.append(Read(start, end, answer))
        key.seen_expired = key.seen_expired or answer == "expired"
        world.answers[answer] += 1
    world.verified += len(keys)
    if UNDECIDED in answers:
        await asyncio.sleep(0.01)


def _request(world: World, key: WatchedKey, node: int, door: str) -> bytes:
    if (node, door) in key.requests:
        return key.requests[node, door]
    port = world.nodes[node].port
    if door == "me":
        made = wire.request("GET", "/api/me", port, {"x-api-key": key.secret})
    else:
        body = f'{{"key":"{key.secret}"}}'.encode()
        made = wire.request("POST", "/api/verify", port, {"x-api-key": world.admin}, body)
    key.requests[node, door] = made
    return made


def _batch(world: World, keys: Sequence[WatchedKey], node: int) -> bytes:
    body = json.dumps({"items": [{"key": key.secret} for key in keys]}).encode()
    return wire.request("POST", "/api/verify/batch", world.nodes[node].port, {"x-api-key": world.admin}, body)


def _read_batch(reply: Reply, keys: Sequence[WatchedKey]) -> list[str]:
    if reply.status >= 500:
        return [UNDECIDED] * len(keys)
    assert reply.status == 200, reply
    items = json.loads(reply.body)["items"]
    return [
        item["code"] if item["key"]["id"] == key.id else "another key" for item, key in zip(items, keys, strict=True)
    ]


def _read_verdict(reply: Reply, key: WatchedKey, door: str) -> str:
    """The response in one word; an accept that names another key is a response of its own, which nothing allows."""
    if reply.status >= 500:
        return UNDECIDED
    if (reply.status == 200) if door == "me" else (_VALID.search(reply.body) is not None):
        return OK if key.id.encode() in reply.body else "another key"
    code = _CODE.search(reply.body)
    return code[1].decode() if code else f"status {reply.status}"


def violation_facts(world: World, key: WatchedKey, violation: Violation) -> dict[str, Any]:
    """A violation with the slice of its key's history, for a file; instants in nanoseconds of one clock."""
    return {
        "kind": violation.kind,
        "seed": world.seed,
        "key": key.id,
        "read": violation.read._asdict(),
        "against": [read._asdict() for read in violation.against],
        "changes": [
            {"start": change.start, "end": change.end, "answers": sorted(change.answers)}
            for change in violation.changes
        ],
        "happenings": [
            {"start": one.start, "end": one.end, "what": one.what, "maybe": one.maybe} for one in key.happenings
        ],
        "clock_steps": [{"start": step.start, "end": step.end, "offset": step.offset} for step in world.steps],
    }
