"""Keeps floods of refused requests small in the log, counting each, with bounded memory (security.md 18)."""

from msgspec.structs import replace

from ari.base.clock import HOUR_MS, MINUTE_MS
from ari.base.ids import new_id
from ari.usage.cleaning import ROUTE_LENGTH, clean
from ari.usage.model import MANY, OTHER_ADDRESSES, ROW_KIND, UsageRow

MAX_LISTED_PER_MINUTE = 60
"""Refusals of one key that get their own rows, per minute and process."""
MAX_ADDRESSES_PER_MINUTE = 10_000
"""Addresses with their own counters of attempts, per minute and process."""
MAX_CLIENTS_PER_DAY = 200
"""New addresses of one key with their own counters per day, and as many user agents."""
MAX_ADDRESSES_PER_HOUR = 100
"""Addresses with their own counters of attempts in reports, per hour."""
MAX_ROUTES_PER_HOUR = 1_000
"""Different routes of services that are logged, per hour and process: each has its own counters, kept forever."""
OTHER_ROUTES = "(other)"
_MAX_KEYS = 10_000


class RefusalFlood:
    """Logs the first refusals of a key in a minute as they are, and the rest as one row each.

    That row, of one key, secret, code and source, keeps its id and has the whole count so far, so that writing it again
    changes nothing.
    """

    def __init__(self) -> None:
        self._minute = -1
        self._listed: dict[str, int] = {}
        self._counted: dict[tuple[str, int | None, str, str], UsageRow] = {}

    def row_for(self, refusal: UsageRow, now_ms: int, list_it: bool) -> UsageRow:
        """The row to write: ``refusal`` itself or, beyond the limit or without ``list_it``, the row of the flood."""
        self._start_minute(now_ms // MINUTE_MS)
        listed = self._listed.get(refusal.key_id, 0)
        if list_it and listed < MAX_LISTED_PER_MINUTE:
            self._listed[refusal.key_id] = listed + 1
            return refusal
        name = refusal.key_id, refusal.secret_number, refusal.code, refusal.source
        before = self._counted.get(name)
        counted = _start_count(refusal, now_ms) if before is None else replace(before, count=before.count + 1)
        self._counted[name] = counted
        return counted

    def _start_minute(self, minute: int) -> None:
        # With more keys under attack than this, start over: that costs some more rows.
        if minute != self._minute or len(self._listed) + len(self._counted) >= _MAX_KEYS:
            self._minute = minute
            self._listed.clear()
            self._counted.clear()


class AttemptAddresses:
    """Gives a limited number of addresses per minute their own bucket; the rest share one."""

    def __init__(self) -> None:
        self._minute = -1
        self._seen: set[str] = set()

    def bucket_for(self, address: str, now_ms: int) -> str:
        """``address`` itself or, beyond the limit, the shared bucket."""
        minute = now_ms // MINUTE_MS
        if minute != self._minute:
            self._minute = minute
            self._seen.clear()
        if address not in self._seen:
            if len(self._seen) >= MAX_ADDRESSES_PER_MINUTE:
                return OTHER_ADDRESSES
            self._seen.add(address)
        return address


class ServiceRoutes:
    """Bounds the routes that other services report: a service that sends paths for routes would fill the log."""

    def __init__(self) -> None:
        self._hour = -1
        self._seen: set[str] = set()

    def name_for(self, route: str, now_ms: int) -> str:
        """``route`` itself, cleaned, or, beyond the limit, the shared name."""
        hour = now_ms // HOUR_MS
        if hour != self._hour:
            self._hour = hour
            self._seen.clear()
        if route in self._seen:
            return route
        route = clean(route, ROUTE_LENGTH)
        if route not in self._seen and len(self._seen) >= MAX_ROUTES_PER_HOUR:
            return OTHER_ROUTES
        self._seen.add(route)
        return route


def _start_count(refusal: UsageRow, now_ms: int) -> UsageRow:
    row_id = new_id(ROW_KIND, now_ms)
    return replace(
        refusal,
        id=row_id,
        at_ms=now_ms,
        request_id=row_id,
        method=MANY,
        route=MANY,
        path=MANY,
        client_address=None,
        user_agent=None,
        duration_ms=None,
        bytes=None,
    )
