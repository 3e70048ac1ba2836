"""Opens, for one event loop of the local back end, an instance and the parts of the server that a guard needs."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from ari.guard.calling_thread import CallingThreads, open_calling_threads

if TYPE_CHECKING:
    from ari.http.expiry_stamper import ExpiryStamper
    from ari.http.secret_rehasher import SecretRehasher
    from ari.http.security_events import SecurityEvents
    from ari.http.usage_record import UsageRecord
    from ari.instance import Instance
    from ari.usage.fold_loop import FoldLoop
    from ari.usage.ports import KeyLookup

_GATHER_SECONDS = 60.0
"""Where no ``ari serve`` folds the log, this process does, seldom and much at once: it takes time from the app."""
_FOLDED_AT_ONCE = 4_000
"""A fork of the app waits for a fold that runs (``storage/forks.py``)."""
_STOP_SECONDS = 3.0


class LocalEngine(NamedTuple):
    """An open instance with the connections of one event loop."""

    instance: "Instance"
    lookup: "KeyLookup"
    rehasher: "SecretRehasher"
    stamper: "ExpiryStamper"
    events: "SecurityEvents"
    make_record: Callable[[float], "UsageRecord"]
    public_url: str | None
    fold_loop: "FoldLoop"
    fold_thread: threading.Thread
    threads: CallingThreads | None


async def start_engine(instance: "Instance") -> LocalEngine:
    """Start what an open instance needs on the running event loop."""
    from ari import keys  # noqa: PLC0415 - commands
    from ari.deps import Deps  # noqa: PLC0415 - the extra "server"
    from ari.http.expiry_stamper import ExpiryStamper  # noqa: PLC0415 - as above
    from ari.http.secret_rehasher import SecretRehasher  # noqa: PLC0415 - as above
    from ari.http.security_events import SecurityEvents  # noqa: PLC0415 - as above
    from ari.http.usage_record import UsageRecord  # noqa: PLC0415 - as above
    from ari.usage.fold_loop import FoldLoop  # noqa: PLC0415 - as above

    lookup = await instance.open_lookup()
    await instance.usage.start()
    fold_loop = FoldLoop(instance.fold_store, gather_seconds=_GATHER_SECONDS, rows_at_once=_FOLDED_AT_ONCE)
    fold_thread = threading.Thread(target=fold_loop.run, name="ari fold loop", daemon=True)
    fold_thread.start()
    deps = Deps(instance)
    return LocalEngine(
        instance,
        lookup,
        SecretRehasher(deps),
        ExpiryStamper(partial(deps.do, keys.stamp_expired)),
        SecurityEvents(instance),
        partial(UsageRecord, instance.usage, instance.clock),
        instance.settings.public_url,
        fold_loop,
        fold_thread,
        open_calling_threads(instance),
    )


async def close_engine(engine: LocalEngine) -> None:
    """Each part is closed, whatever another raises: on a loop that is gone, some do."""
    async with AsyncExitStack() as parts:
        parts.callback(engine.instance.close)
        parts.push_async_callback(engine.lookup.close)
        parts.callback(engine.rehasher.close)
        if engine.threads is not None:
            parts.callback(engine.threads.lookup.close)
        await engine.instance.usage.stop()
        engine.fold_loop.stop()
        await asyncio.to_thread(engine.fold_thread.join, _STOP_SECONDS)
