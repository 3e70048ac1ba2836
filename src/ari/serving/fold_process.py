"""The process that folds the usage log of ``ari serve``: workers respond, this one counts."""

import signal
from types import FrameType

from ari.instance import Instance
from ari.usage.fold_loop import FoldLoop


def work(instance: Instance) -> int:
    """Fold until SIGTERM, and return the exit status. Raises nothing for a database that is unavailable.

    A fold at idle priority may still run. It changes nothing if the process exits, and the next run repeats it.
    """
    metrics = instance.metrics
    loop = FoldLoop(
        instance.fold_store,
        uses_idle_time=not instance.database.shared,
        note_failures=metrics.note_fold_failures,
        failures=metrics.read_fold_failures(),
    )

    def stop(_number: int, _frame: FrameType | None) -> None:
        loop.stop()

    signal.signal(signal.SIGTERM, stop)
    loop.run()
    return 0
