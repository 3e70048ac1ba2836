"""What gets ``fsync`` survives a crash of PostgreSQL."""

import pytest

from tests.proof.database_loss import count_lost
from tests.support import postgres as servers
from tests.support.missing import skip_missing

pytestmark = pytest.mark.slow


def test_fsync_loses_nothing_when_postgresql_crashes() -> None:
    """Shut down at once under load, without writing what it holds in memory."""
    if servers.find_programs() is None:
        skip_missing(servers.MISSING)
    gone, answered = count_lost("crash", "fsync", 0.5)
    assert answered > 0
    assert gone == 0
