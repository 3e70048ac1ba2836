"""Looks at what happened to keys, about once a minute whatever the number of workers and nodes."""

import asyncio

import structlog

from ari.base.caller import SYSTEM
from ari.base.errors import AriError
from ari.instance import Instance
from ari.usage.watch import look
from ari.usage.watch.model import Limits, WatchFinding

_TURN_SECONDS = 10
"""How often it is asked whether a look is due."""

_log = structlog.get_logger("ari.jobs")


async def keep_watch(instance: Instance) -> None:
    """Look until cancelled, in a thread; a failed look is logged and made again."""
    while instance.settings.watch:
        try:
            await asyncio.to_thread(look_once, instance)
        except AriError as error:
            _log.warning("usage could not be watched and will be looked at again", reason=str(error))
        except Exception:  # noqa: BLE001 - logged whole; the watch must not end because of one look
            _log.exception("a look at usage failed and will be made again")
        await asyncio.sleep(_TURN_SECONDS)


def look_once(instance: Instance) -> list[WatchFinding]:
    """Look, if nobody did for a minute, and write down what was found. Raises ``Unavailable``."""
    use, limits, now_ms = instance.database.watched, Limits.of(instance.settings), instance.now_ms()
    turn = instance.read(lambda unit: look.begin(unit, now_ms))
    if turn is None:
        return []
    use.fold()
    found = instance.read(lambda unit: look.find(unit, use, turn, limits))
    told = instance.command(SYSTEM, lambda unit, _: look.tell(unit, turn, found))
    return found if told else []
