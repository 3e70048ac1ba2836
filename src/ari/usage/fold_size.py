"""How many staged entries a fold takes, so that neither other folds nor retention wait long for it."""

import time
from collections.abc import Callable
from typing import TypeVar

from ari.base.errors import Unavailable

MIN_ROWS = 500
LONG_SECONDS, SHORT_SECONDS = 3.0, 1.0
"""A fold that takes longer, or fails, halves the next one, and one that takes less doubles it: other folds and
retention wait for 5 to 10 seconds, and PostgreSQL limits the time of a statement."""

_Folded = TypeVar("_Folded", int, int | None)


class FoldSize:
    """The size of the next fold, ``rows_at_once`` at most."""

    def __init__(self, rows_at_once: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rows_at_once = rows_at_once
        self._monotonic = monotonic
        self.most = rows_at_once

    def shrink(self, crashes: int) -> None:
        """Begin with few entries after folds that ended their process, fewer after each: then those before an entry
        that ends every fold are still folded. Folds that work double the size again."""
        self.most = min(self._rows_at_once, max(1, MIN_ROWS >> min(crashes - 1, MIN_ROWS)))

    def run(self, fold: Callable[[int], _Folded], most: int | None = None) -> _Folded:
        """Fold at most ``most`` entries, by default as many as the size is, and choose the next size.

        Raises ``Unavailable``, and what else a fold raises.
        """
        most = self.most if most is None else most
        began, fewer = self._monotonic(), min(self._rows_at_once, max(MIN_ROWS, most // 2))
        try:
            folded = fold(most)
        except Unavailable:
            self.most = fewer
            raise
        except Exception:
            self.most = max(1, most // 2)  # it may be due to one entry
            raise
        seconds = self._monotonic() - began
        if seconds > LONG_SECONDS:
            self.most = fewer
        elif seconds < SHORT_SECONDS and folded == most == self.most:
            self.most = min(self._rows_at_once, 2 * most)
        return folded

    def run_all(self, fold: Callable[[int], int]) -> None:
        """Fold until fewer are left than a fold takes. A fold that fails after a while is repeated with half of it.

        Raises ``Unavailable`` for one that fails at once, as without a database, or with the fewest entries.
        """
        while True:
            began, most = self._monotonic(), self.most
            try:
                folded = self.run(fold)
            except Unavailable:
                if self.most >= most or self._monotonic() - began < SHORT_SECONDS:
                    raise
                continue
            if folded < most:
                return
