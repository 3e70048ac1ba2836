"""Memory that processes share, each with cells of its own."""

import os

from ari.metrics.shared_cells import SharedCells


def test_a_count_outlives_the_process_that_made_it() -> None:
    """A worker that is killed must not take its counts along."""
    cells = SharedCells(3, 2)
    pid = os.fork()
    if pid == 0:
        cells.slot(1)[1] += 2**63
        os.kill(os.getpid(), 9)
    os.waitpid(pid, 0)
    cells.slot(0)[1] += 5
    cells.slot(2)[0] += 1
    assert cells.add_up() == [1, 2**63 + 5]
    assert cells.slot(1).tolist() == [0, 2**63]
