"""Many refusals in a short time: on one key, or without a key of ours from one address.

Calls with dead keys have their own rules, and a request without any key is no attempt: a probe that asks whether the
instance is there.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS
from ari.keys.model import ApiKey
from ari.keys.reasons import DISABLED, INSUFFICIENT_SCOPE, IP_NOT_ALLOWED, MALFORMED, RATE_LIMITED, REASONS, UNKNOWN
from ari.usage.model import OTHER_ADDRESSES
from ari.usage.watch.model import FEW_ADDRESSES, Limits, Look, Quiet, WatchFinding, named

KEY_CODES = (
    INSUFFICIENT_SCOPE.code,
    IP_NOT_ALLOWED.code,
    DISABLED.code,
    RATE_LIMITED.code,
    REASONS["usage_exceeded"].code,
)
ATTEMPT_CODES = (MALFORMED.code, UNKNOWN.code)
_ANYWHERE = "burst:addresses"


class KeyBurst(NamedTuple):
    """Refusals of one key within the span."""

    key: ApiKey
    refused: int
    codes: Sequence[str]
    addresses: Sequence[str]


class AddressBurst(NamedTuple):
    """Attempts from one address within the span; ``OTHER_ADDRESSES`` where addresses are not told apart."""

    address: str
    refused: int
    codes: Sequence[str]


def key_bursts(refused: Iterable[KeyBurst], limits: Limits, quiet: Quiet) -> list[WatchFinding]:
    """One finding a key, and not again for some days while it goes on."""
    found = []
    for one in refused:
        mark = f"burst:{one.key.id}"
        if one.refused < limits.burst_count or mark in quiet:
            continue
        detail = _detail(one.refused, one.codes, one.addresses, limits)
        found.append(
            WatchFinding("refused_burst", one.key.id, {**detail, **named(one.key)}, {mark: limits.repeat_days * DAY_MS})
        )
    return found


def address_bursts(attempts: Iterable[AddressBurst], limits: Limits, quiet: Quiet) -> list[WatchFinding]:
    """One finding for all addresses, at most once an hour, and of each address once a day."""
    loud = [one for one in attempts if one.refused >= limits.burst_count and f"burst:{one.address}" not in quiet]
    if not loud or _ANYWHERE in quiet:
        return []
    loud.sort(key=lambda one: -one.refused)
    addresses = [one.address for one in loud if one.address != OTHER_ADDRESSES]
    codes = sorted({code for one in loud for code in one.codes})
    detail = _detail(sum(one.refused for one in loud), codes, addresses, limits)
    marks = {_ANYWHERE: HOUR_MS} | {f"burst:{one.address}": DAY_MS for one in loud}
    return [WatchFinding("refused_burst", None, detail, marks)]


def is_worth_a_look(refusals: int, limits: Limits) -> bool:
    """Whether so many refusals of all in the hours around the span can hold a burst."""
    return refusals >= limits.burst_count


def since_ms(look: Look, limits: Limits) -> int:
    """Where the span of a burst begins."""
    return look.now_ms - limits.burst_minutes * MINUTE_MS


def _detail(count: int, codes: Sequence[str], addresses: Sequence[str], limits: Limits) -> dict[str, object]:
    return {
        "count": count,
        "minutes": limits.burst_minutes,
        "addresses": list(addresses[:FEW_ADDRESSES]),
        "codes": list(codes),
    }
