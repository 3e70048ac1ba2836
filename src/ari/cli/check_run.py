"""Makes the checks of ``ari doctor``: one that fails is a finding itself, and hides no other."""

import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ari.base.errors import AriError, for_operator
from ari.cli.finding import Finding

Check = tuple[str, Callable[[], Iterable[Finding]]]
"""The name of a check, and what makes its findings. The name is that of the finding if it fails."""


def run_checks(checks: Iterable[Check]) -> list[Finding]:
    """The findings of all checks. What several can't do for the same reason is said once, with their names."""
    findings, reasons = list[Finding](), dict[str, str]()
    unmade = list[str]()
    for name, make in checks:
        try:
            findings.extend(make())
        except Exception as error:  # noqa: BLE001 - whatever it is, the other checks must be made
            reason = describe_failure(error)
            if reason in reasons:
                unmade.append(name)
            else:
                reasons[reason] = name
                findings.append(Finding(name, "wrong", reason))
    if unmade:
        findings.append(skip(unmade, "for the same reason"))
    return findings


def skip(names: Sequence[str], why: str) -> Finding:
    """The finding that says which checks were not made."""
    return Finding("not checked", "note", f"{', '.join(names)}: {why}")


def describe_failure(error: Exception) -> str:
    """Why a check couldn't be made, without a value that an unexpected exception may quote."""
    if isinstance(error, AriError):
        return for_operator(error)
    if isinstance(error, OSError):
        place = "" if error.filename is None else f" ({error.filename})"
        return f"This check couldn't be made: {error.strerror or type(error).__name__}{place}."
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(last.filename).name}:{last.lineno}"
    return f"This check failed because of a defect in ARI: {type(error).__name__} at {place}. Please report it."
