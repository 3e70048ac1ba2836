"""A check of doctor that can't be made is a finding, and hides no other."""

from collections.abc import Iterator

import pytest

from ari.base.errors import Unavailable
from ari.cli.check_run import run_checks
from ari.cli.finding import Finding

FINE = Finding("last", "ok", "fine")


def _fail(error: Exception) -> Iterator[Finding]:
    yield Finding("first", "ok", "half made")
    raise error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Unavailable("The database is gone.", reason="Nothing listens."), "The database is gone. Nothing listens."),
        (OSError(5, "Input/output error", "/data/x"), "This check couldn't be made: Input/output error (/data/x)."),
        (OSError(5, "Input/output error"), "This check couldn't be made: Input/output error."),
    ],
)
def test_a_failure_has_its_reason(error: Exception, said: str) -> None:
    """Earlier findings of it, and the checks after it, are there."""
    found = run_checks([("second", lambda: _fail(error)), ("last", lambda: [FINE])])
    assert found == [Finding("first", "ok", "half made"), Finding("second", "wrong", said), FINE]


def test_a_defect_is_named_without_its_text() -> None:
    """The text may quote a secret."""
    found = run_checks([("second", lambda: _fail(KeyError("hunter2"))), ("last", lambda: [FINE])])
    assert found[-1] == FINE
    assert "defect in ARI: KeyError at test_check_run.py:" in found[1].message
    assert "hunter2" not in found[1].message


def test_the_same_reason_is_said_once() -> None:
    """The other checks are named."""
    gone = Unavailable("The database is gone.")
    found = run_checks([(name, lambda: _fail(gone)) for name in ("second", "third", "fourth")])
    assert [one for one in found if one.state != "ok"] == [
        Finding("second", "wrong", "The database is gone."),
        Finding("not checked", "note", "third, fourth: for the same reason"),
    ]
