"""A key is used from a network that it was never used from.

What would cry wolf is left out: a key's first day; another address of a network that is known (a router that came back
with a new one); keys that wander, such as those of telephones, once so many networks are known; keys of which no
address is known that is a day old, because the log keeps none, or forgot them.
"""

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_network
from typing import NamedTuple

from ari.base.clock import DAY_MS, HOUR_MS, to_rfc3339
from ari.keys.model import ApiKey
from ari.usage.model import OTHERS, KeyClient
from ari.usage.watch.model import Limits, Look, Quiet, WatchFinding, named

FRESH_MS = DAY_MS
"""How long before the last look an address may have been seen first: it may have been refused before."""
_REMEMBERED_MS = FRESH_MS + DAY_MS
_PREFIXES = {4: 24, 6: 48}


class NewlySeen(NamedTuple):
    """A key, the addresses that are fresh, and those that it is known from, in the order in which they were first seen.

    ``known`` may hold the fresh ones too.
    """

    key: ApiKey
    fresh: Sequence[KeyClient]
    known: Sequence[KeyClient]


def new_address(seen: Iterable[NewlySeen], look: Look, limits: Limits, quiet: Quiet) -> list[WatchFinding]:
    """What to tell of keys that were used from an address first seen of late."""
    found = []
    for one in seen:
        for fresh, place in _news(one, limits):
            mark = f"address:{one.key.id}:{place}"
            if mark in quiet or fresh.first_seen_at_ms < look.began_ms or one.key.is_inactive(look.now_ms):
                continue
            detail = {"address": fresh.value, "first_seen": to_rfc3339(fresh.first_seen_at_ms), **named(one.key)}
            found.append(WatchFinding("key_new_address", one.key.id, detail, {mark: _REMEMBERED_MS}))
    return found


def _news(one: NewlySeen, limits: Limits) -> Iterator[tuple[KeyClient, str]]:
    """The fresh addresses that no address before them shares its place with; nothing once the key wanders."""
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
    """The network of an address (IPv4 /24, IPv6 /48), also of a network that the log keeps in its stead."""
    if limits.new_from == "address":
        return address
    try:
        network = ip_network(address.partition("%")[0], strict=False)
    except ValueError:
        return address
    prefix = _PREFIXES[network.version]
    return str(network if network.prefixlen < prefix else network.supernet(new_prefix=prefix))
