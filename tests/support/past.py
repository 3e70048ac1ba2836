"""Keys and requests of long ago, written next to a running server or into an instance below HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text

from ari import keys
from ari.base.caller import SYSTEM
from ari.base.clock import DAY_MS
from ari.base.ids import new_id
from ari.keys import NewKey
from ari.keys.model import ApiKey
from ari.storage.engine import Database
from ari.usage.model import ROW_KIND, UsageRow
from ari.usage.ports import Batch
from tests.support.instances import settings_for

KEY_TABLES = ("key_secrets", "key_tags", "key_grants", "dismissals", "api_keys")
USAGE_TABLES = ("usage_log", "usage_hours", "usage_days", "usage_all_hours", "usage_totals", "usage_seen")


class Past:
    """Writes what happened before ``now_ms``."""

    def __init__(self, database: Database, now_ms: int) -> None:
        self.database = database
        self.now_ms = now_ms
        self.caller = SYSTEM

    def key(self, name: str, days_ago: float, lives_days: float | None = None, **more: Any) -> ApiKey:
        """A key made that long ago; it may have expired since."""
        at_ms = self.now_ms - int(days_ago * DAY_MS)
        expires_at_ms = None if lives_days is None else at_ms + int(lives_days * DAY_MS)
        with self.database.writing(self.caller) as tx:
            tx.now_ms = at_ms
            return keys.create(tx, NewKey(name, expires_at_ms=expires_at_ms, **more)).key

    def requests(self, key: ApiKey, days_ago: float, count: int = 1, code: str = "ok", **fields: Any) -> None:
        """Requests with it; an ``address`` with ``{n}`` in it differs from one to the next."""
        address, agent = fields.get("address", "192.0.2.7"), fields.get("agent", "curl/8.5.0")
        at_ms = self.now_ms - int(days_ago * DAY_MS)
        rows = []
        for number in range(count):
            row_id = new_id(ROW_KIND, at_ms + number)
            rows.append(
                UsageRow(
                    id=row_id,
                    at_ms=at_ms + number,
                    request_id=row_id,
                    key_id=key.id,
                    key_hint=key.hint,
                    code=code,
                    method="GET",
                    route="/api/me",
                    path="/api/me",
                    client_address=address.format(n=number),
                    user_agent=agent,
                    status=200 if code == "ok" else 401,
                    duration_ms=1.0,
                    bytes=10,
                )
            )
        self.database.usage.commit(Batch(rows))

    def forget_keys(self) -> None:
        """Remove every key with its usage, so that a test does not see those of others."""
        self.database.usage.fold_all()
        for engine, tables in ((self.database.main, KEY_TABLES), (self.database.log, USAGE_TABLES)):
            with engine.begin() as connection:
                for table in tables:
                    connection.execute(text(f"DELETE FROM {table}"))


@contextmanager
def past_of(data_dir: Path, now_ms: int) -> Iterator[Past]:
    """The past of a server that runs on SQLite in this directory."""
    database = Database.open(settings_for(data_dir, None))
    yield Past(database, now_ms)
    database.close()
