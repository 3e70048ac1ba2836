"""Leads a key through its life on whichever node: made, disabled, enabled, renamed, revoked or expired, deleted."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ari.base.clock import HOUR_MS, to_rfc3339
from tests.proof.world import WatchedKey, World, now_ns
from tests.support import wire
from tests.support.history import Happening
from tests.support.server import ARI
from tests.support.wire import Gone, Wire

LOOKS = 40
"""Verifications of a key between two changes of it."""
_ENDS = ("revoked", "revoked", "revoked and deleted", "stroke", "stroke", "stroke and deleted", "jump", "jump")
_SOON_MS = (700, 2_500)


class Shepherd:
    """One key after the other. ``command_line`` is the turn for the one command that may run at a time."""

    def __init__(self, world: World, command_line: asyncio.Semaphore, by_command: float) -> None:
        self._world = world
        self._command_line = command_line
        self._by_command = by_command
        self._wires: dict[int, Wire] = {}

    async def run(self) -> None:
        """Lead keys until the world is done."""
        while not self._world.is_done():
            await self._life()
        for connection in self._wires.values():
            connection.close()

    async def _life(self) -> None:
        world = self._world
        end = world.random.choice(_ENDS)
        key = await self._create(end)
        if key is None:
            return
        await self._wait_for_looks(key)
        disabled = False
        for _ in range(world.random.randrange(0, 5)):
            if world.is_done() or self._expires_soon(key):
                break
            disabled = not disabled
            await self._change(key, "disabled" if disabled else "enabled")
            await self._wait_for_looks(key)
            if world.random.random() < 0.2 and not self._expires_soon(key):
                await self._rename(key)
        await self._end(key, end)
        await self._wait_for_looks(key)
        world.keys.remove(key)
        while key.in_flight:
            await asyncio.sleep(0.005)
        world.judge(key)

    def _expires_soon(self, key: WatchedKey) -> bool:
        return key.expires_at_ms is not None and key.expires_at_ms - self._world.now_ms() < 100

    async def _end(self, key: WatchedKey, end: str) -> None:
        if self._world.is_done():
            return
        if end.startswith("revoked"):
            await self._change(key, "revoked")
        else:
            while not key.seen_expired and not self._world.is_done():
                if self._expires_soon(key) and key not in self._world.hot:
                    self._world.hot.extend([key] * 20)
                await asyncio.sleep(0.005)
        if self._world.is_done():
            return
        key.dead = True
        if end.endswith("deleted"):
            await self._wait_for_looks(key)
            status, _ = await self._ask(self._node(), "DELETE", f"/api/keys/{key.id}")
            assert status in (204, 503, None), status
            self._world.events["deleted"] += 1

    async def _wait_for_looks(self, key: WatchedKey) -> None:
        enough = len(key.reads) + LOOKS
        while len(key.reads) < enough and not self._world.is_done():
            await asyncio.sleep(0.005)

    async def _create(self, end: str) -> WatchedKey | None:
        world = self._world
        expires_at_ms = None
        if end.startswith("stroke"):
            expires_at_ms = world.now_ms() + world.random.randrange(*_SOON_MS)
        elif end == "jump":
            expires_at_ms = world.now_ms() + world.random.randrange(HOUR_MS, 3 * HOUR_MS)
        with world.creating(expires_at_ms):
            return await self._request_key(expires_at_ms)

    async def _request_key(self, expires_at_ms: int | None) -> WatchedKey | None:
        world = self._world
        expiry = {} if expires_at_ms is None else {"expires_at": to_rfc3339(expires_at_ms)}
        node, start = self._node(), now_ns()
        if expires_at_ms is None and self._use_command_line():
            done = await self._command(node, "create", "k", "--json")
            made = json.loads(done) if done else None
        else:
            status, made = await self._ask(node, "POST", "/api/keys", {"name": "k", **expiry})
            assert status in (201, 422, 503, None), (status, made)
            made = made if status == 201 else None
        if made is None:
            return None
        key = WatchedKey(made["key"]["id"], made["secret"], expires_at_ms)
        key.happenings.append(Happening(start, now_ns(), "created"))
        world.events["created"] += 1
        world.keys.append(key)
        return key

    async def _change(self, key: WatchedKey, what: str) -> None:
        world, node = self._world, self._node()
        with world.changing(key):
            start = now_ns()
            if self._use_command_line():
                word = what.removesuffix("d")
                done = await self._command(node, word, key.id, *(["--yes"] if word == "revoke" else []))
                status: int | None = 409 if done is None else 200
            elif what == "revoked":
                status, _ = await self._ask(node, "POST", f"/api/keys/{key.id}/revoke", {})
            else:
                status, _ = await self._ask(node, "PATCH", f"/api/keys/{key.id}", {"disabled": what == "disabled"})
            end = now_ns()
        assert status in (200, 409, 503, None), status
        if status == 409:
            assert key.expires_at_ms is not None, f"{what} was refused as if the key were dead"
            return
        world.events[what] += 1
        key.happenings.append(Happening(start, end, what, maybe=status != 200))

    async def _rename(self, key: WatchedKey) -> None:
        """Changes nothing about whether it lives, and must not undo what does."""
        await self._ask(self._node(), "PATCH", f"/api/keys/{key.id}", {"name": f"k{self._world.random.random()}"})
        self._world.events["renamed"] += 1

    def _node(self) -> int:
        return self._world.random.randrange(len(self._world.nodes))

    def _use_command_line(self) -> bool:
        return self._world.random.random() < self._by_command and not self._command_line.locked()

    async def _command(self, node: int, *words: str) -> str | None:
        """What ``ari keys …`` printed; ``None`` if it refused."""
        cli = self._world.nodes[node].cli
        async with self._command_line:
            process = await asyncio.create_subprocess_exec(
                *ARI, "keys", *words, env=cli.environment, cwd=cli.folder, stdout=-1, stderr=-1, stdin=-3
            )
            out, error = await process.communicate()
        self._world.events["commands"] += 1
        assert process.returncode == 0 or b"Revoked and expired keys" in error, error.decode()
        return out.decode() if process.returncode == 0 else None

    async def _ask(self, node: int, method: str, target: str, body: Any = None) -> tuple[int | None, Any]:
        """Status and JSON of a request by the administrator's key; status ``None`` if the connection was lost."""
        port = self._world.nodes[node].port
        content = None if body is None else json.dumps(body).encode()
        request = wire.request(method, target, port, {"x-api-key": self._world.admin}, content)
        try:
            if node not in self._wires or not self._wires[node].is_open:
                self._wires[node] = await Wire.to(port)
            reply = await self._wires[node].ask(request)
        except (Gone, OSError):
            self._world.events["lost"] += 1
            return None, None
        return reply.status, json.loads(reply.body) if reply.body else None


async def keep_time(world: World, seconds: float) -> None:
    """Every so often: jump to where the far expiries lie, or go back a while, which must revive nothing."""
    while not world.is_done():
        await asyncio.sleep(seconds)
        if world.random.random() < 0.3:
            async with _all_seen(world):
                world.set_clock(-600)
            await asyncio.sleep(seconds / 4)
            world.set_clock(600)
            continue
        far = [key for key in world.keys if (key.expires_at_ms or 0) > world.now_ms() + HOUR_MS // 2]
        if far:
            first = min(key.expires_at_ms or sys.maxsize for key in far)
            world.hot.extend(far * 4)
            world.set_clock((first - world.now_ms()) / 1000 + world.random.uniform(0, 1800))
            world.hot.extend(far * 4)


@asynccontextmanager
async def _all_seen(world: World) -> AsyncIterator[None]:
    """An expired key that nobody has looked at may live again when the clock goes back; wait until all were seen, also
    those that expire before their creation ends."""
    while not world.is_done():
        limit = world.now_ms() + 5
        in_creation = min(world.expiries_in_creation.elements(), default=limit)
        if in_creation >= limit and all(
            key.seen_expired or (key.expires_at_ms or limit) >= limit for key in world.keys
        ):
            break
        await asyncio.sleep(0.001)
    yield
