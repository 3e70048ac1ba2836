"""Many refusals in a short time, with one key or from one IP address without a valid key.

Inactive keys have their own rules. A request without any key isn't counted: it's usually a probe.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS
from ari.keys.model import ApiKey
from ari.keys.reasons import DISABLED, INSUFFICIENT_SCOPE, IP_NOT_ALLOWED, MALFORMED, RATE_LIMITED, REASONS, UNKNOWN
from ari.usage.model import OTHER_ADDRESSES, split_source
from ari.usage.watch.model import MAX_ADDRESSES, Limits, MutedMarks, ScanWindow, WatchFinding, describe_key

KEY_CODES = (
    INSUFFICIENT_SCOPE.code,
    IP_NOT_ALLOWED.code,
    DISABLED.code,
    RATE_LIMITED.code,
    REASONS["credits_exhausted"].code,
    REASONS["budget_exhausted"].code,
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
    """Attempts from one address within the span; ``OTHER_ADDRESSES`` if addresses aren't counted separately."""

    address: str
    refused: int
    codes: Sequence[str]


def find_key_bursts(refused: Iterable[KeyBurst], limits: Limits, muted: MutedMarks) -> list[WatchFinding]:
    """One finding per key, then none for ``repeat_days``."""
    found = []
    for one in refused:
        mark = f"burst:{one.key.id}"
        if one.refused < limits.burst_count or mark in muted:
            continue
        detail = _detail(one.refused, one.codes, one.addresses, limits)
        found.append(
            WatchFinding(
                "refused_burst", one.key.id, {**detail, **describe_key(one.key)}, {mark: limits.repeat_days * DAY_MS}
            )
        )
    return found


def find_address_bursts(attempts: Iterable[AddressBurst], limits: Limits, muted: MutedMarks) -> list[WatchFinding]:
    """One finding for all addresses, at most once an hour, and for each address once a day."""
    loud = [one for one in attempts if one.refused >= limits.burst_count and f"burst:{one.address}" not in muted]
    if not loud or _ANYWHERE in muted:
        return []
    loud.sort(key=lambda one: -one.refused)
    sources = [split_source(one.address) for one in loud if one.address != OTHER_ADDRESSES]
    codes = sorted({code for one in loud for code in one.codes})
    addresses = [address for address, _ in sources if address is not None]
    detail = _detail(sum(one.refused for one in loud), codes, addresses, limits)
    if verified_by := [key_id for _, key_id in sources if key_id is not None]:
        detail["verified_by"] = verified_by[:MAX_ADDRESSES]
    marks = {_ANYWHERE: HOUR_MS} | {f"burst:{one.address}": DAY_MS for one in loud}
    return [WatchFinding("refused_burst", None, detail, marks)]


def is_worth_a_look(refusals: int, limits: Limits) -> bool:
    """Whether this many refusals in the hours around the span can contain a burst."""
    return refusals >= limits.burst_count


def since_ms(window: ScanWindow, limits: Limits) -> int:
    """Start of the span of a burst."""
    return window.now_ms - limits.burst_minutes * MINUTE_MS


def _detail(count: int, codes: Sequence[str], addresses: Sequence[str], limits: Limits) -> dict[str, object]:
    return {
        "count": count,
        "minutes": limits.burst_minutes,
        "addresses": list(addresses[:MAX_ADDRESSES]),
        "codes": list(codes),
    }
