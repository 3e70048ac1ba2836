"""What gets ``fsync`` survives a crash of PostgreSQL."""

from tests.proof.database_loss import lost
from tests.support import postgres as servers
from tests.support.missing import missing


def test_fsync_loses_nothing_when_postgresql_crashes() -> None:
    """Shut down at once under load, without writing what it holds in memory."""
    if servers.installed() is None:
        missing(servers.MISSING)
    gone, answered = lost("crash", "fsync", 0.5)
    assert answered > 0
    assert gone == 0
