"""security.md 18: a flood of refused requests stays small in the log, and not one of them goes uncounted."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ari.base.clock import MINUTE_MS, from_rfc3339
from ari.keys import token
from ari.usage.floods import MAX_ADDRESSES_PER_MINUTE, MAX_LISTED_PER_MINUTE
from ari.usage.model import OTHER_ADDRESSES, UsageFilter
from ari.usage.recorder import UsageRecorder
from tests.support.instances import opened
from tests.support.usage import KEY, make_row, read_sums, rows_of

FLOOD = 200


def _flood(owner: Any, secret: str) -> Counter[int]:
    client = owner.api(secret)
    with ThreadPoolExecutor(8) as threads:
        return Counter(threads.map(lambda _: client.get("/api/me").status_code, range(FLOOD)))


def _refusals(owner: Any, key: dict[str, Any]) -> list[dict[str, Any]]:
    listed = json.loads(owner.cli("usage", "--key", key["id"], "--limit", "1000", "--json", check=True).stdout)
    return [row for row in listed["items"] if row["code"] != "ok"]


def test_refusals_of_a_known_key_are_60_rows_a_minute_and_one_count(owner_on: Any) -> None:
    """Rows, rollups and the key's totals still agree."""
    key, secret = owner_on.create_key("k")
    owner_on.cli("keys", "revoke", key["id"], "--yes", check=True)
    assert _flood(owner_on, secret) == {401: FLOOD}
    rows = _refusals(owner_on, key)
    assert sum(row["count"] for row in rows) == FLOOD
    minutes = Counter(from_rfc3339(row["time"]) // MINUTE_MS for row in rows)
    assert all(count <= MAX_LISTED_PER_MINUTE + 1 for count in minutes.values())
    [shown] = [one for one in owner_on.session().get("/api/keys").json()["items"] if one["id"] == key["id"]]
    assert (shown["refused_count"], shown["request_count"], shown["last_used_at"]) == (FLOOD, 0, None)


def test_below_the_free_disk_limit_refusals_are_only_counted(make_owner: Any) -> None:
    """The log keeps its room for requests that were accepted."""
    owner = make_owner(settings={"ARI_MIN_FREE_DISK": "1000PB"})
    key, secret = owner.create_key("k")
    assert owner.api(secret).get("/api/me").status_code == 200
    assert owner.api().get("/api/ready").json().items() >= {"status": "ok", "low_disk": True}.items()
    owner.cli("keys", "revoke", key["id"], "--yes", check=True)
    assert _flood(owner, secret) == {401: FLOOD}
    rows = _refusals(owner, key)
    assert sum(row["count"] for row in rows) == FLOOD
    assert {row["path"] for row in rows} == {"*"}
    assert len(rows) <= 2, "one a minute"


def test_unknown_tokens_are_counted_by_address_and_minute(make_owner: Any) -> None:
    """No row each, whatever is tried; IPv6 by its /64; committed before the 401."""
    owner = make_owner(settings={"ARI_TRUSTED_PROXIES": "127.0.0.1"})
    for n in range(30):
        address = "192.0.2.7" if n % 2 else f"2001:db8::{n:x}"
        text = token.mint() if n % 3 else "ari_k_short"
        assert owner.api(text, headers={"x-forwarded-for": address}).get("/api/me").status_code == 401
    items = json.loads(owner.cli("usage", "attempts", "--json", check=True).stdout)["items"]
    counted: Counter[tuple[str, str]] = Counter()
    for item in items:
        counted[item["reason"], item["address"]] += item["count"]
    assert counted == {
        ("unknown", "192.0.2.7"): 10,
        ("unknown", "2001:db8::/64"): 10,
        ("malformed", "192.0.2.7"): 5,
        ("malformed", "2001:db8::/64"): 5,
    }


def test_at_most_10000_addresses_a_minute_are_distinguished(data_dir: Path, database_url: str | None) -> None:
    """However many a stranger has: the rest shares one counter, and the sum is whole."""
    tried = MAX_ADDRESSES_PER_MINUTE + 500

    async def flood(usage: UsageRecorder) -> None:
        await usage.start()
        for start in range(0, tried, 2_000):
            numbers = range(start, min(start + 2_000, tried))
            await asyncio.gather(*(usage.count("unknown", f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}") for n in numbers))
        await usage.stop()

    with opened(data_dir, database_url, usage_wait_seconds=60) as instance:
        asyncio.run(flood(instance.usage))
        counted = {one.address: one.count for one in instance.database.usage.attempts(0, 20_000)}
    assert len(counted) == MAX_ADDRESSES_PER_MINUTE + 1
    assert counted[OTHER_ADDRESSES] == 500
    assert sum(counted.values()) == tried


def test_totals_agree_after_a_flood(data_dir: Path, database_url: str | None) -> None:
    """Of several keys and codes, over the turn of a minute, mixed with accepted requests."""

    async def flood(usage: UsageRecorder, clock: Any) -> None:
        await usage.start()
        for n in range(3):
            codes = [("ok", "revoked", "expired")[k % 3] for k in range(900)]
            keys = [KEY if k % 5 else f"key_{k % 7:026}" for k in range(900)]
            now_ms = clock.now_ms()
            rows = [make_row(now_ms, key_id=key, code=code) for key, code in zip(keys, codes, strict=True)]
            await asyncio.gather(*map(usage.write, rows))
            clock.advance(25 * n)
        await usage.stop()

    with opened(data_dir, database_url, usage_wait_seconds=60) as instance:
        asyncio.run(flood(instance.usage, instance.clock))
        by_key = read_sums(instance.database)
        stored = rows_of(instance.database, UsageFilter(key_id=KEY, code="revoked"), None, 5_000)
    assert [sum(column) for column in zip(*by_key.values(), strict=True)] == [900, 1_800]
    assert len(stored) < 200


def test_the_page_says_that_refusals_are_only_counted(make_owner: Callable[..., Any]) -> None:
    """Below ARI_MIN_FREE_DISK the owner sees it where the keys are."""
    notice = "Disk space is low."
    owner = make_owner(settings={"ARI_MIN_FREE_DISK": "1000TB"})
    owner.create_key("k")
    assert notice in owner.session().get("/settings?tab=api").text
    owner.server.settings["ARI_MIN_FREE_DISK"] = "1MB"
    owner.server.restart()
    assert notice not in owner.session().get("/settings?tab=api").text
