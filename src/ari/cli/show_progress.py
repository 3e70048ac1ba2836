"""A progress bar of a backup or a restore."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def show_progress(title: str) -> Iterator[Callable[[str, int, int], None]]:
    """A callback for progress: draws a bar at a terminal, does nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _table, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(title)

        def show(table: str, done: int, total: int) -> None:
            bars.update(bar, description=f"{title}: {table}", completed=done, total=total or None)

        yield show
