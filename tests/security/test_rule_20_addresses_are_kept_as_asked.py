"""security.md 20: what is kept for ever holds no address or user agent; addresses are kept as the owner asks."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ari.storage.tables import log, usage_ai_hours, usage_all_hours, usage_days, usage_hours, usage_totals
from ari.usage.ports import Batch
from tests.support.instances import opened
from tests.support.usage import KEY, make_row, rows_of

ADDRESSES = ("203.0.113.77", "2001:db8:1:2:3:4:5:6")


def test_rollups_and_totals_hold_no_address_and_no_user_agent(data_dir: Path, database_url: str | None) -> None:
    """Nor a path: only the key, the hour, our own route and code, and numbers."""
    for_ever = (usage_hours, usage_totals, usage_all_hours, usage_days, usage_ai_hours)
    obeying_retention = {
        "usage_log",
        "usage_callers",
        "usage_attempts",
        "usage_seen",
        "usage_attempt_hours",
        "usage_ai",
    }
    only_numbers_for_a_minute = {"usage_client_counts"}
    only_a_mark = {"usage_folds"}
    texts_of_rollups = {"usage_names"}
    counters = {"limit_counters"}
    until_reported = {"budget_warnings"}
    kept_apart = (
        {table.name for table in for_ever}
        | obeying_retention
        | only_numbers_for_a_minute
        | only_a_mark
        | texts_of_rollups
        | counters
        | until_reported
    )
    assert set(log.tables) == kept_apart, "think of the new one"
    assert all(column.type.python_type is int for column in log.tables["usage_client_counts"].c)
    assert set(log.tables["limit_counters"].c.keys()) == {"owner_id", "state"}
    assert set(log.tables["budget_warnings"].c.keys()) == {
        "owner_id",
        "name",
        "period_ms",
        "threshold",
        "unit",
        "used",
        "amount",
        "at_ms",
    }
    assert set(usage_hours.c.keys()) == {"key_id", "hour_ms", "route", "code", "count"}
    assert set(usage_all_hours.c.keys()) == {"hour_ms", "with_key", "code", "count"}
    assert set(usage_days.c.keys()) == {"key_id", "day_ms", "accepted_count", "refused_count"}
    assert set(usage_ai_hours.c.keys()) == {
        "hour_ms",
        "key_id",
        "provider",
        "model",
        "status_class",
        "request_count",
        "told_count",
        "input_tokens",
        "output_tokens",
        "cached_tokens",
        "last_at_ms",
        "cost_micros",
        "priced_count",
        "estimated_count",
    }
    assert set(usage_totals.c.keys()) == {
        "key_id",
        "request_count",
        "refused_count",
        "first_used_at_ms",
        "last_used_at_ms",
        "removed_request_count",
        "removed_refused_count",
    }
    with opened(data_dir, database_url) as instance:
        row = make_row(client_address="203.0.113.77", user_agent="very-own-agent", path="/api/me/very-own-path")
        instance.database.usage.commit(Batch([row]))
        instance.database.usage.fold_all()
        with instance.database.log.connect() as connection:
            kept = [str(tuple(one)) for table in for_ever for one in connection.execute(select(table))]
    assert len(kept) == 4
    assert not [one for one in kept if "203.0" in one or "very-own" in one]


@pytest.mark.parametrize(
    ("setting", "rows", "attempts"),
    [
        ("full", {"203.0.113.77", "2001:db8:1:2:3:4:5:6"}, {"203.0.113.77", "2001:db8:1:2::/64"}),
        ("network", {"203.0.113.0/24", "2001:db8:1::/48"}, {"203.0.113.0/24", "2001:db8:1::/48"}),
        ("none", {None}, {"other"}),
    ],
)
def test_addresses_are_kept_whole_by_network_or_not_at_all(
    make_owner: Any, setting: str, rows: set[str | None], attempts: set[str]
) -> None:
    """In rows and in the counters of attempts; nowhere in the files of the log is there more."""
    owner = make_owner(settings={"ARI_TRUSTED_PROXIES": "127.0.0.1", "ARI_USAGE_ADDRESSES": setting})
    key, secret = owner.create_key("k")
    for address in ADDRESSES:
        assert owner.api(secret, headers={"x-forwarded-for": address}).get("/api/me").status_code == 200
        assert owner.api("ari_k_no", headers={"x-forwarded-for": address}).get("/api/me").status_code == 401
    listed = json.loads(owner.cli("usage", "--key", key["id"], "--json", check=True).stdout)["items"]
    counted = json.loads(owner.cli("usage", "attempts", "--json", check=True).stdout)["items"]
    seen = owner.cli.json("usage", "addresses", "--key", key["id"])["items"]
    assert {row["client_address"] for row in listed} == rows
    assert {one["value"] for one in seen} == {address or "other" for address in rows}
    assert {one["address"] for one in counted} == attempts
    owner.server.stop()
    if setting != "full":
        stored = b"".join(path.read_bytes() for path in owner.server.data_dir.glob("usage*.db*"))
        assert not [address for address in ADDRESSES if address.encode() in stored]


def test_one_address_can_be_erased(make_owner: Any) -> None:
    """`ari usage erase --address`: the rows and counts stay, the address is nowhere; the event does not name it."""
    owner = make_owner(settings={"ARI_TRUSTED_PROXIES": "127.0.0.1"})
    key, secret = owner.create_key("k")
    for address in (*ADDRESSES, "198.51.100.9"):
        owner.api(secret, headers={"x-forwarded-for": address}).get("/api/me")
        owner.api("ari_k_no", headers={"x-forwarded-for": address}).get("/api/me")
    for address in ADDRESSES:
        owner.cli("usage", "erase", "--yes", "--address", address, check=True)
    listed = json.loads(owner.cli("usage", "--key", key["id"], "--json", check=True).stdout)["items"]
    counted = json.loads(owner.cli("usage", "attempts", "--json", check=True).stdout)["items"]
    seen = owner.cli.json("usage", "addresses", "--key", key["id"])["items"]
    events = owner.cli("events", "--json", check=True).stdout
    assert {one["value"]: one["request_count"] for one in seen} == {"198.51.100.9": 1, "other": 2}
    assert sorted(row["client_address"] or "" for row in listed) == ["", "", "198.51.100.9"]
    assert {one["address"] for one in counted} == {"198.51.100.9", "other"}
    assert sum(one["count"] for one in counted) == 3
    assert events.count("usage_erased") == 2
    assert not [address for address in ADDRESSES if address in events]
    owner.server.stop()
    stored = b"".join(path.read_bytes() for path in owner.server.data_dir.glob("usage*.db*"))
    assert not [address for address in ADDRESSES if address.encode() in stored], "nor in pages that are free now"


def test_erased_rows_are_found_no_more(data_dir: Path, database_url: str | None) -> None:
    """On both databases; everyone else stays."""
    with opened(data_dir, database_url) as instance:
        store = instance.database.usage
        store.commit(Batch([make_row(client_address=address) for address in (*ADDRESSES, ADDRESSES[0])]))
        assert store.erase_address(ADDRESSES[0]) == 2
        assert {seen.value for seen in store.addresses(KEY, 9)} == {ADDRESSES[1], "other"}
        left = [row.client_address for row in rows_of(instance.database)]
    assert sorted(left, key=str) == [ADDRESSES[1], None, None]
