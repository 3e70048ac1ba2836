"""Whether a commit is confirmed by a standby, from what the primary says."""

import pytest

from ari.storage.failover.replication import ReplicationState

NONE = ReplicationState()
ASYNCHRONOUS = ReplicationState(standbys=2, visible=2)
CONFIRMING = ReplicationState("a, b", 2, 2, 1)
NO_STANDBY = ReplicationState("a")
NOT_MATCHING = ReplicationState("a", 1, 1, 0)
HIDDEN = ReplicationState("a", 1, 0, 0)


@pytest.mark.parametrize(
    ("state", "nobody", "warns", "words"),
    [
        (NONE, True, False, "No standby is connected."),
        (ASYNCHRONOUS, True, True, "2 standbys are connected, all asynchronous."),
        (CONFIRMING, False, False, "2 standbys are connected, 1 of them confirming changes."),
        (NO_STANDBY, True, True, "No standby is connected, and none matches"),
        (NOT_MATCHING, True, True, "1 standby is connected, and none matches"),
        (HIDDEN, False, False, "Only a role with pg_monitor can see"),
    ],
)
def test_what_a_state_means(state: ReplicationState, nobody: bool, warns: bool, words: str) -> None:
    """Changes are refused only where it is certain that nobody confirms; a single server needs no warning."""
    assert state.nobody_confirms is nobody
    assert state.warning is warns
    assert words in state.words


def test_a_row_of_the_server_is_read() -> None:
    """Spaces alone name no standby: then commits wait for none."""
    assert ReplicationState.of((" ", 1, 1, 0, "local")) == ReplicationState("", 1, 1, 0, "local")
    assert not ReplicationState.of((" ", 1, 1, 0, "on")).must_confirm
    assert ReplicationState.of((" a ", 1, 1, 0, "on")).must_confirm
