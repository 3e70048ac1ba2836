"""Random requests for two logs that must say the same about them."""

import random
from collections.abc import Iterator

from msgspec.structs import replace

from ari.base.clock import DAY_MS, HOUR_MS
from ari.usage.model import MANY, Completion, UsageRow
from ari.usage.ports import Batch
from tests.support.instances import START_MS
from tests.support.usage import KEY, OTHER_KEY, make_ai_use, make_row

KEYS = (KEY, OTHER_KEY, "key_01J000000000000000000000CC")
CODES = ("ok",) * 6 + ("expired", "revoked", "rate_limited")
ADDRESSES = ("192.0.2.7", "192.0.2.0/24", "2001:db8::7", None)
AGENTS = ("curl/7.88.1", "Mozilla/5.0 'quoted' \\ % {x:String}", "ÄÖÜ-agent", None)
PATHS = ("/api/me", "/orders/17", "/ÄRGER/%25", "/a'b\\c")


def make_batches(seed: int, count: int, rows: int = 40) -> Iterator[Batch]:
    """Batches over five days, whose requests may end in a later one, and may be written again."""
    chosen = random.Random(seed)
    waiting: list[UsageRow] = []
    before: list[UsageRow] = []
    for number in range(count):
        made = [_make_row(chosen, START_MS - number * 5 * HOUR_MS % (5 * DAY_MS)) for _ in range(rows)]
        endings = [
            Completion(row.id, chosen.choice((200, 201, 500)), 7.25, chosen.choice((None, 90))) for row in waiting
        ]
        again = chosen.sample(before, min(3, len(before)))
        waiting, before = [row for row in made if row.status is None], made
        yield Batch([*made, *again], [*endings, *(make_ai_use(row.id) for row in made[:2])])


def make_flood(counts: tuple[int, ...], at_ms: int = START_MS, **fields: object) -> list[UsageRow]:
    """One row of a flood, as it is written again and again."""
    first = make_row(at_ms, code="expired", method=MANY, route=MANY, path=MANY, client_address=None, user_agent=None)
    return [replace(first, count=count, **fields) for count in counts]


def _make_row(chosen: random.Random, at_ms: int) -> UsageRow:
    code, path = chosen.choice(CODES), chosen.choice(PATHS)
    unsafe = code == "ok" and chosen.random() < 0.3
    row = make_row(
        at_ms + chosen.randrange(HOUR_MS),
        key_id=chosen.choice(KEYS),
        code=code,
        method="POST" if unsafe else chosen.choice(("GET", "DELETE")),
        route=path if chosen.random() < 0.5 else "/{path}",
        path=path,
        client_address=chosen.choice(ADDRESSES),
        user_agent=chosen.choice(AGENTS),
        status=None if unsafe else chosen.choice((200, 204, 401, 404)),
        duration_ms=None if unsafe else chosen.choice((1.0, 0.125, 17.3)),
        bytes=None if unsafe else chosen.choice((0, 5_000_000_000)),
        source=chosen.choice(("request", "request", "verify", "guard")),
        secret_number=chosen.choice((None, None, 1, 2)),
        consumed=chosen.choice((None, '{"a":1}')),
    )
    offset = chosen.choice((0, 0, -40, 1_500))
    return replace(row, at_ms=row.at_ms + offset, request_id=chosen.choice((row.id, "mine'\\", "ab c")))
