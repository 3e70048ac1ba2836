"""Of several servers that failed, the reason that an operator must know."""

import pytest

from ari.base.errors import Unavailable
from ari.storage.failover.history import NotTrusted, WentBack
from ari.storage.failover.link import worst
from ari.storage.failover.record import Record, SeenEvent

WENT_BACK = WentBack("lost", Record("his_1", SeenEvent(1, "evt_1", "x")))
STANDBY = NotTrusted("a standby")
GONE = Unavailable("gone")
REFUSED = OSError("refused")


@pytest.mark.parametrize(
    ("failures", "told"),
    [
        ([REFUSED, STANDBY, WENT_BACK, GONE], WENT_BACK),
        ([GONE, STANDBY, REFUSED], STANDBY),
        ([REFUSED, GONE], GONE),
        ([REFUSED], REFUSED),
    ],
)
def test_the_worst_reason_wins(failures: list[Exception], told: Exception) -> None:
    """A server that is only down must not hide one that lost a revocation."""
    assert worst(failures) is told


def test_servers_that_are_down_are_all_named() -> None:
    """Each with its own words."""
    said = str(worst([OSError("first refused"), OSError("second timed out")]))
    assert "first refused" in said
    assert "second timed out" in said
