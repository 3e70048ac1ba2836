"""Pauses between attempts."""

import random

from ari.base.backoff import MAX_PAUSE_MS, pause_ms
from ari.base.clock import HOUR_MS


def test_pauses_differ_by_chance() -> None:
    """Many instances that lost the same service do not come back at once."""
    chance = random.Random(7)
    pauses = {pause_ms(4, chance.random) for _ in range(50)}
    assert len(pauses) > 40
    assert all(0.8 * 240_000 <= pause <= 1.2 * 240_000 for pause in pauses)


def test_pauses_grow_to_an_hour() -> None:
    """Doubled from half a minute, and never longer, however many attempts there were."""
    assert [pause_ms(attempts, lambda: 0.5) for attempts in (1, 2, 3, 60)] == [30_000, 60_000, 120_000, HOUR_MS]
    assert MAX_PAUSE_MS == HOUR_MS
