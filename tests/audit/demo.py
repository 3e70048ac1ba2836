"""A real instance after a month of ordinary life: keys in every state, and the requests they made. For pictures."""

import math
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ari import keys
from ari.base.caller import Caller
from ari.base.clock import DAY_MS, HOUR_MS
from ari.base.events import Origin
from ari.base.ids import new_id
from ari.keys import KeyChange
from ari.keys.model import ApiKey
from ari.keys.reasons import ACCEPTED
from ari.usage.model import ROW_KIND, Attempt, UsageRow
from ari.usage.ports import Batch
from tests.support.owner import Owner, start_owner
from tests.support.past import Past, past_of
from tests.support.server import ServerProcess

READER, WRITER = ("keys:read",), ("*",)
STANDARD = None
ROUTES = {
    "/api/me": "/api/me",
    "/api/keys": "/api/keys",
    "/api/keys/{key_id}": "/api/keys/key_01M7F0QKZ4W3J8N5T2V6X9Y1CA",
    "/api/usage": "/api/usage",
    "/api/openapi.json": "/api/openapi.json",
}
DAYS = 30
REVOKED, REVOKED_DAYS_AGO = "Leaked laptop key", 6
KEYS = (
    # name, made days ago, lives days, scopes, requests a day, address, user agent
    ("Automation Script", 320, 365, STANDARD, 46, "203.0.113.24", "python-requests/2.32.3"),
    ("Mobile App", 87, 90, READER, 21, "198.51.100.{n}", "ARI-Mobile/4.2 (iOS 19.1)"),
    ("Grafana board", 140, 365, ("api:read", "usage:read"), 96, "192.0.2.40", "Grafana/11.4.0"),
    ("Nightly backup", 61, 90, STANDARD, 2, "192.0.2.7", "curl/8.11.0"),
    ("CI deploy", 43, 30, ("keys:read", "keys:write"), 12, "203.0.113.9", "GitHub-Actions/2.321"),
    ("Old importer", 420, None, STANDARD, 0, "192.0.2.9", "Go-http-client/1.1"),
    ("Warehouse sync", 205, None, STANDARD, 33, "2001:db8:40::{n}", "okhttp/4.12.0"),
    ("Leaked laptop key", 96, 365, WRITER, 4, "203.0.113.77", "curl/8.5.0"),
    ("Billing webhook", 24, 90, ("keys:verify",), 58, "192.0.2.115", "node-fetch/3.3.2"),
    ("Zapier trial", 5, 7, READER, 9, "198.51.100.201", "Zapier"),
    ("Status page", 12, 365, ("api:read",), 0, "", ""),
    ("Load test", 34, 90, STANDARD, 70, "192.0.2.88", "k6/0.55.0"),
)


@contextmanager
def instance() -> Iterator[Owner]:
    """The running instance; its owner is not signed in yet."""
    with tempfile.TemporaryDirectory(prefix="ari-demo-") as folder:
        data = Path(folder) / "data"
        data.mkdir(mode=0o700)
        owner = start_owner(ServerProcess(data))
        try:
            with past_of(data, time.time_ns() // 1_000_000) as past:
                fill(past)
            yield owner
        finally:
            owner.close()
            owner.server.kill()


def fill(past: Past) -> dict[str, ApiKey]:
    """The keys, by name, what they were used for, and what was done to them."""
    chance = random.Random(4)
    with past.database.reading() as unit:
        account = unit.accounts.owner()
    assert account is not None
    past.caller = Caller(account.id, Origin("web", "203.0.113.5", "Mozilla/5.0 (X11; Linux x86_64) Firefox/133.0"))
    found = {}
    for name, made, lives, scopes, a_day, address, agent in KEYS:
        key = past.key(name, made, lives, scopes=scopes)
        found[name] = key
        rows: list[UsageRow] = []
        for days_ago in range(min(DAYS, made), -1, -1):
            rows += _a_day(past, chance, key, days_ago, a_day, address, agent)
        past.database.usage.commit(Batch(rows))
    past.requests(found["Old importer"], 41, 77, address="192.0.2.9", agent="Go-http-client/1.1")
    past.requests(
        found["Grafana board"], 0.2, 6, code="insufficient_scope", address="192.0.2.40", agent="Grafana/11.4.0"
    )
    past.requests(found["Automation Script"], 2.1, 14, address="198.51.100.66", agent="curl/8.11.0")
    _change(past, found[REVOKED], REVOKED_DAYS_AGO)
    _change(past, found["Automation Script"], 200, KeyChange(name="Script"))
    _change(past, found["Automation Script"], 199, KeyChange(name="Automation Script"))
    _change(past, found["Load test"], 0.001, KeyChange(disabled=True))
    hours = range(24 * DAYS)
    past.database.usage.commit(
        Batch(
            attempts=[
                Attempt(past.now_ms - hour * HOUR_MS, reason, address, chance.randrange(1, 9))
                for hour in hours
                for reason, address, odds in (
                    ("unknown", "203.0.113.150", 0.2),
                    ("malformed", "198.51.100.23", 0.12),
                    ("missing", "192.0.2.201", 0.3),
                )
                if chance.random() < odds
            ]
        )
    )
    return found


def _a_day(
    past: Past, chance: random.Random, key: ApiKey, days_ago: int, a_day: int, address: str, agent: str
) -> list[UsageRow]:
    """Fewer at the weekend and at night, none in the hours to come."""
    midnight = past.now_ms - past.now_ms % DAY_MS - days_ago * DAY_MS
    weekend = (midnight // DAY_MS + 4) % 7 in (0, 6)
    rows = []
    for _ in range(round(a_day * chance.uniform(0.7, 1.3) * (0.35 if weekend else 1))):
        hour = 12.5 + 5 * math.sqrt(-2 * math.log(1 - chance.random())) * math.cos(2 * math.pi * chance.random())
        at_ms = midnight + int(max(0.0, min(23.99, hour)) * HOUR_MS)
        if not key.created_at_ms < at_ms < past.now_ms:
            continue
        rows.append(_row(chance, key, at_ms, past.now_ms, address.format(n=chance.randrange(2, 16)), agent))
    return rows


def _row(chance: random.Random, key: ApiKey, at_ms: int, now_ms: int, address: str, agent: str) -> UsageRow:
    row_id = new_id(ROW_KIND, at_ms)
    code, status = ACCEPTED, 200 if chance.random() < 0.96 else 404
    if key.name == REVOKED and at_ms > now_ms - REVOKED_DAYS_AGO * DAY_MS:
        code, status = "revoked", 401
    elif key.expires_at_ms is not None and at_ms > key.expires_at_ms:
        code, status = "expired", 401
    elif chance.random() < 0.015:
        code, status = "insufficient_scope", 403
    route = chance.choice(list(ROUTES))
    return UsageRow(
        id=row_id,
        at_ms=at_ms,
        request_id=row_id,
        key_id=key.id,
        key_hint=key.hint,
        code=code,
        method="GET",
        route=route,
        path=ROUTES[route],
        client_address=address,
        user_agent=agent,
        status=status,
        duration_ms=round(chance.lognormvariate(0, 0.8), 2),
        bytes=chance.randrange(180, 4_000),
    )


def _change(past: Past, key: ApiKey, days_ago: float, wanted: KeyChange | None = None) -> None:
    """Change the key, or revoke it."""
    at_ms = past.now_ms - int(days_ago * DAY_MS)
    with past.database.writing(past.caller) as tx:
        tx.now_ms = at_ms
        if wanted is not None:
            keys.change(tx, key.id, wanted)
        else:
            keys.revoke(tx, key.id, "found in a public repository")


if __name__ == "__main__":
    with instance() as running:
        print(running.url, running.email, running.password, flush=True)
        while True:
            time.sleep(60)
