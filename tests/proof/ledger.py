"""What clients sent and saw, compared with what the usage log says: the proof of durability."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import func, select

from ari.keys.reasons import ACCEPTED
from ari.storage.engine import Database
from ari.storage.tables import usage_attempts, usage_rows
from tests.support.usage import read_sums

ACCEPT, REFUSE, STRANGER = "accept", "refuse", "stranger"
"""The token of a request: a live key, a revoked key, no key at all."""


@dataclass(slots=True)
class Sent:
    """A request by its ``x-request-id``; ``status`` is set as soon as a status line came back."""

    request_id: str
    token: str
    key_id: str
    safe: bool
    status: int | None = None
    settled: bool = False
    """A later response on the same connection waited for the log, so nothing about this one is still under way."""


@dataclass
class Ledger:
    """Everything sent, in order for each connection."""

    sent: list[Sent] = field(default_factory=list)
    killed: Counter[str] = field(default_factory=Counter)

    def list_seen(self) -> list[Sent]:
        """The requests whose response somebody saw, refusals to decide (5xx) apart."""
        return [one for one in self.sent if one.status is not None and one.status < 500]


class Connection:
    """One client connection's view: a response that waited for the log settles those before it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._open: list[Sent] = []

    def send(self, one: Sent) -> Sent:
        self._ledger.sent.append(one)
        return one

    def record_status(self, one: Sent, status: int) -> None:
        one.status = status
        if one.safe and one.token == ACCEPT and status < 500:
            one.settled = True
            for before in self._open:
                before.settled = True
            self._open.clear()
        else:
            self._open.append(one)


def faults(ledger: Ledger, database: Database) -> list[str]:
    """Requests that the log lacks, has twice or has otherwise than a client saw them; fails if its sums are uneven."""
    by_key = read_sums(database)
    columns = usage_rows.c.request_id, usage_rows.c.status, usage_rows.c.code
    with database.log.connect() as connection:
        rows = list(connection.execute(select(*columns)))
        attempts = connection.scalar(select(func.sum(usage_attempts.c["count"]))) or 0
    stored: dict[str, list[tuple[int | None, str]]] = {}
    for request_id, status, code in rows:
        stored.setdefault(request_id, []).append((status, code))
    seen = ledger.list_seen()
    found = [
        f"{one.request_id} is in the log {len(stored[one.request_id])} times"
        for one in ledger.sent
        if len(stored.get(one.request_id, ())) > 1
    ]
    for one in seen:
        if one.token == ACCEPT:
            found += _find_accepted_faults(one, stored.get(one.request_id, []))
        elif one.token == REFUSE:
            found += [
                f"{one.request_id} was refused but is {row}"
                for row in stored.get(one.request_id, ())
                if row != (one.status, "revoked")
            ]
    return found + _count_faults(seen, by_key, int(attempts))


def _find_accepted_faults(one: Sent, rows: list[tuple[int | None, str]]) -> list[str]:
    if not rows:
        return [f"{one.request_id} was answered {one.status} and is not in the log"]
    status, code = rows[0]
    empty_is_right = status is None and not one.safe and not one.settled
    if code != ACCEPTED or (status != one.status and not empty_is_right):
        return [f"{one.request_id} was answered {one.status}; the log says {status} {code}"]
    return []


def _count_faults(seen: Iterable[Sent], by_key: dict[str, tuple[int, int]], attempts: int) -> list[str]:
    accepted = Counter(one.key_id for one in seen if one.token == ACCEPT)
    refused = Counter(one.key_id for one in seen if one.token == REFUSE)
    strangers = sum(one.token == STRANGER for one in seen)
    found = [
        f"{key}: {count} accepted, {by_key.get(key)} in the log"
        for key, count in accepted.items()
        if by_key.get(key, (0, 0))[0] < count
    ]
    found += [
        f"{key}: {count} refused, {by_key.get(key)} in the log"
        for key, count in refused.items()
        if by_key.get(key, (0, 0))[1] < count
    ]
    return found + ([f"{strangers} strangers, {attempts} in the log"] if attempts < strangers else [])
