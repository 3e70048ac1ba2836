"""What a run measures, how far it is, and when it must end."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FAILURES = (RuntimeError, ValueError, OSError, subprocess.SubprocessError)
"""What makes a row or part fail without ending the run."""
COUNTED_SECONDS = 7
"""After this time ARI has folded all requests that it logged; it folds every five seconds."""
_QUICK_SECONDS = 4


class OverTime(RuntimeError):
    """The run's time limit is reached, so nothing more begins."""


@dataclass
class Plan:
    """What to measure; ``wanted`` decides by the name of a row or part. ``quick`` gives rough figures soon."""

    folder: Path
    rounds: int
    seconds: int
    wanted: Callable[[str], bool]
    peers: bool
    large: bool
    keep: Callable[[dict[str, Any]], None]
    """Called with the results after each round and part, so that an interrupted run keeps what it measured."""
    quick: bool = False
    limit_minutes: int = 120
    rest_seconds: int = COUNTED_SECONDS
    """How long a server goes on working after the load; its processor time counts."""
    expected_seconds: float = 0.0
    began: float = field(default_factory=time.monotonic)

    def at_least(self, seconds: int) -> int:
        """The length of a slice that needs more time than others."""
        return max(self.seconds, min(seconds, _QUICK_SECONDS) if self.quick else seconds)

    def check_time(self) -> None:
        """Raise ``OverTime`` if the limit is reached."""
        if self.minutes() >= self.limit_minutes:
            raise OverTime(f"the limit of {self.limit_minutes} minutes was reached")

    def minutes(self) -> float:
        """Minutes since the start."""
        return (time.monotonic() - self.began) / 60

    def log(self, line: str) -> None:
        """Print a line with the time so far and the expected time."""
        expected = f" of about {self.expected_seconds / 60:.0f}" if self.expected_seconds else ""
        print(f"[{self.minutes():.1f}{expected} min] {line}", file=sys.stderr, flush=True)


def explain(error: Exception) -> str:
    """The reason for the table, on one line."""
    return f"failed: {' '.join(str(error).split())[:200]}"
