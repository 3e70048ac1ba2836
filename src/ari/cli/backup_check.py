"""The check of scheduled backups in ``ari doctor``."""

from ari.backups.state import BackupState
from ari.base.clock import system_clock
from ari.base.errors import AriError
from ari.base.settings import Settings
from ari.cli import output
from ari.cli.finding import Finding
from ari.instance import open_backup_target

_CHECK = "backups"


def check_backups(settings: Settings, state: BackupState) -> Finding:
    """The age of the last verified backup, and the last failure."""
    if settings.backup_to is None:
        return Finding(_CHECK, "ok", "scheduled backups are off. Set ARI_BACKUP_TO, or schedule ari backup FILE")
    try:
        open_backup_target(settings, settings.backup_to)
    except AriError as error:
        return Finding(_CHECK, "wrong", str(error))
    return describe_state(state, settings, system_clock(settings.test_clock_file).now_ms())


def describe_state(state: BackupState, settings: Settings, now_ms: int) -> Finding:
    """What ``doctor`` says about this state."""
    failed = ""
    if state.failures:
        failed = f" The last {output.count(state.failures, 'attempt')} failed: {state.error}"
    if not state.verified_ms:
        begun = "ari serve writes the first one when it starts." if not failed else ""
        return Finding(_CHECK, "note", f"none in {settings.backup_to} yet.{failed} {begun}".rstrip())
    size = output.size(state.size_bytes)
    said = f"the last verified one is of {output.relative(state.began_ms, now_ms)} ({size}, in {settings.backup_to})"
    is_late = state.is_late(settings.backup_schedule, now_ms)
    return Finding(_CHECK, "note", f"{said}.{failed}") if failed or is_late else Finding(_CHECK, "ok", said)
