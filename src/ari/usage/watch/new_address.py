"""A key is used from a network it was never used from before.

Usual cases are left out: a key's first day, another address of a known network (such as a router that reconnected),
roaming keys (such as those of phones) once they are known from ``many_networks`` networks, and keys without an address
that is at least a day old, because the log doesn't store addresses or has deleted them.
"""

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_network
from typing import NamedTuple

from ari.base.clock import DAY_MS, HOUR_MS, to_rfc3339
from ari.keys.model import ApiKey
from ari.usage.model import OTHERS, KeyClient
from ari.usage.watch.model import Limits, MutedMarks, ScanWindow, WatchFinding, describe_key

FRESH_MS = DAY_MS
"""How long before the last scan an address may have been seen first: its earlier requests may have been refused."""
_REMEMBERED_MS = FRESH_MS + DAY_MS
_PREFIXES = {4: 24, 6: 48}


class NewAddresses(NamedTuple):
    """A key with its recently seen and its known addresses, both by first use; ``known`` may include fresh ones."""

    key: ApiKey
    fresh: Sequence[KeyClient]
    known: Sequence[KeyClient]


def find_new_addresses(
    seen: Iterable[NewAddresses], window: ScanWindow, limits: Limits, muted: MutedMarks
) -> list[WatchFinding]:
    """Findings about keys that were used from a recently seen address."""
    found = []
    for one in seen:
        for fresh, place in _new_networks(one, limits):
            mark = f"address:{one.key.id}:{place}"
            if mark in muted or fresh.first_seen_at_ms < window.began_ms or one.key.is_inactive(window.now_ms):
                continue
            detail = {"address": fresh.value, "first_seen": to_rfc3339(fresh.first_seen_at_ms), **describe_key(one.key)}
            found.append(WatchFinding("key_new_address", one.key.id, detail, {mark: _REMEMBERED_MS}))
    return found


def _new_networks(one: NewAddresses, limits: Limits) -> Iterator[tuple[KeyClient, str]]:
    """The fresh addresses in networks without earlier addresses; none once the key roams."""
    fresh = {seen.value for seen in one.fresh}
    every = {seen.value: seen for seen in (*one.known, *one.fresh) if seen.value != OTHERS}
    in_turn = sorted(every.values(), key=lambda seen: seen.first_seen_at_ms)
    places: set[str] = set()
    for seen in in_turn:
        if len(places) >= limits.many_networks:
            return
        place = _place(seen.value, limits)
        settled = seen.first_seen_at_ms - in_turn[0].first_seen_at_ms >= limits.first_hours * HOUR_MS
        if settled and place not in places and seen.value in fresh:
            yield seen, place
        places.add(place)


def _place(address: str, limits: Limits) -> str:
    """The network of an address (IPv4 /24, IPv6 /48) or of a network that the log stores instead of the address."""
    if limits.new_from == "address":
        return address
    try:
        network = ip_network(address.partition("%")[0], strict=False)
    except ValueError:
        return address
    prefix = _PREFIXES[network.version]
    return str(network if network.prefixlen < prefix else network.supernet(new_prefix=prefix))
