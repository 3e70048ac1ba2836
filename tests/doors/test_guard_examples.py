"""The examples of Django and REST framework pass their own tests, run as their users run them."""

import subprocess
import sys

import pytest

from tests.support.forked import ROOT


@pytest.mark.parametrize("example", ["guard_django", "guard_drf"])
def test_an_example_passes_its_own_tests(example: str) -> None:
    """In a process of its own, because a process has one Django project; warnings are errors."""
    words = ["-m", "django", "test", f"examples.{example}.tests", "--settings", f"examples.{example}.settings"]
    command = [sys.executable, "-W", "error", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "OK" in done.stderr
    assert "Ran 0" not in done.stderr
