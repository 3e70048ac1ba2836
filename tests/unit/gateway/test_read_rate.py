"""A trickling provider cannot use up a core, and a model or a download is never slowed."""

import pytest

from ari.gateway.read_rate import ReadRate, ReadRates
from tests.unit.gateway.wires import ManualClock


def test_a_model_is_never_slowed() -> None:
    """100 events a second, for a minute."""
    clock = ManualClock()
    rate = ReadRate(ReadRates(clock))
    rate.open()
    for _ in range(6_000):
        clock.now += 0.01
        assert rate.pause_after(200, 20e-6) == 0


def test_large_pieces_are_never_slowed() -> None:
    """A download as fast as the network gives it."""
    rate = ReadRate(ReadRates(ManualClock()))
    rate.open()
    assert not any(rate.pause_after(65_536, 100e-6) for _ in range(10_000))


@pytest.mark.parametrize("streams", [1, 10, 100])
def test_trickling_streams_share_a_part_of_a_core(streams: int) -> None:
    """Whatever they send, as fast as they can; 10 use less than half of a core, and 100 not much more."""
    clock = ManualClock()
    rates = ReadRates(clock)
    running = [(0.0, number, ReadRate(rates)) for number in range(streams)]
    for _, _, rate in running:
        rate.open()
    used = 0.0
    while clock.now < 60:
        running.sort(key=lambda one: one[:2])
        at, number, rate = running.pop(0)
        clock.now = max(clock.now, at)
        cost = 0.003
        used += cost
        clock.now += cost
        running.append((clock.now + rate.pause_after(4_096, cost), number, rate))
    assert used / clock.now < 0.7
    for _, _, rate in running:
        rate.close()
    assert rates.open == 0
