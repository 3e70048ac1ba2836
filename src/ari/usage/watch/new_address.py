"""A key is used from a network that it was never used from.

What would cry wolf is left out: a key's first day; another address of a network that is known (a router that came back
with a new one); keys that wander, such as those of telephones, once so many networks are known; keys of which no
address is known that is a day old, because the log keeps none, or forgot them.
"""

from collections.abc import Iterable, Sequence
from ipaddress import ip_network
from typing import NamedTuple

from ari.base.clock import DAY_MS, HOUR_MS, to_rfc3339
from ari.keys.model import ApiKey
from ari.usage.model import OTHERS, Seen
from ari.usage.watch.model import Finding, Limits, Look, Quiet, named

FRESH_MS = DAY_MS
"""How long before the last look an address may have been seen first: it may have been refused before."""
_REMEMBERED_MS = FRESH_MS + DAY_MS
_PREFIXES = {4: 24, 6: 48}


class NewlySeen(NamedTuple):
    """A key with the addresses that it was called from, the fresh ones among them."""

    key: ApiKey
    fresh: Sequence[Seen]
    known: Sequence[Seen]


def new_address(seen: Iterable[NewlySeen], look: Look, limits: Limits, quiet: Quiet) -> list[Finding]:
    """What to tell of keys that were used from an address first seen of late."""
    found = []
    for one in seen:
        if one.key.is_inactive(look.now_ms):
            continue
        told: set[str] = set()
        for fresh in sorted(one.fresh, key=lambda fresh: fresh.first_seen_at_ms):
            place = _place(fresh.value, limits)
            mark = f"address:{one.key.id}:{place}"
            if mark in quiet or mark in told or not _is_news(fresh, place, one, look, limits):
                continue
            told.add(mark)
            detail = {"address": fresh.value, "first_seen": to_rfc3339(fresh.first_seen_at_ms), **named(one.key)}
            found.append(Finding("key_new_address", one.key.id, detail, {mark: _REMEMBERED_MS}))
    return found


def _is_news(fresh: Seen, place: str, one: NewlySeen, look: Look, limits: Limits) -> bool:
    if fresh.first_seen_at_ms < look.began_ms or fresh.value == OTHERS:
        return False
    before = [seen for seen in one.known if seen.value != OTHERS and seen.first_seen_at_ms < fresh.first_seen_at_ms]
    settled_ms = fresh.first_seen_at_ms - limits.first_hours * HOUR_MS
    if not any(seen.first_seen_at_ms <= settled_ms for seen in before):
        return False
    places = {_place(seen.value, limits) for seen in before}
    return place not in places and len(places) < limits.many_networks


def _place(address: str, limits: Limits) -> str:
    """The network of an address (IPv4 /24, IPv6 /48), also of a network that the log keeps in its stead."""
    if limits.new_from == "address":
        return address
    try:
        network = ip_network(address.partition("%")[0], strict=False)
    except ValueError:
        return address
    prefix = _PREFIXES[network.version]
    return str(network if network.prefixlen < prefix else network.supernet(new_prefix=prefix))
