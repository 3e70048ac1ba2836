"""The remembered answer of ``GET /api/me`` is only good for what it was made of."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ari.api import me
from ari.keys.model import ApiKey
from ari.usage.model import NO_USE, KeyTotals

KEY = ApiKey("key_remembered", "n", "ari_k_Ab12…yz89", ("api:read",), 1_000, "usr_1", expires_at_ms=9_000)


def _told(key: ApiKey, totals: KeyTotals, now_ms: int) -> Any:
    return json.loads(me._about(key, totals, now_ms).body)["key"]


def test_another_name_count_or_hour_is_told_at_once() -> None:
    """Whatever changes about a key shows in the next answer."""
    first = me._about(KEY, NO_USE, 2_000)
    assert me._about(KEY, KeyTotals(), 2_001) is first
    assert _told(KEY, KeyTotals(5, 1, 1_500, 1_900), 2_000)["request_count"] == 5
    assert _told(replace(KEY, name="other"), NO_USE, 2_000)["name"] == "other"
    assert _told(KEY, NO_USE, 9_000)["status"] == "expired"
    assert _told(KEY, NO_USE, 2_000)["status"] == "active"


def test_answers_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many keys ask."""
    monkeypatch.setattr(me, "_told", {})
    monkeypatch.setattr(me, "_MOST_TOLD", 3)
    for number in range(10):
        me._about(replace(KEY, id=f"key_{number}"), NO_USE, 2_000)
    assert len(me._told) <= 3
