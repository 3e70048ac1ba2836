"""The checks of ``ari doctor`` on scheduled backups, and on keys that wait since a restore."""

from collections.abc import Iterator

from ari.backups.backup_name import BackupName, find_newest_of_each
from ari.backups.ports import BackupTarget
from ari.backups.state import BackupState
from ari.base.clock import system_clock
from ari.base.errors import AriError
from ari.base.master_key import MasterKeys
from ari.base.settings import Settings
from ari.cli import output
from ari.cli.finding import Finding
from ari.instance import open_backup_target
from ari.keys.restored_keys import RestoredKeys

_CHECK = "backups"


def check_restored(restored: RestoredKeys | None) -> Iterator[Finding]:
    """A note while keys that a restore disabled wait to be enabled."""
    if restored is not None:
        wait = "waits" if restored.count == 1 else "wait"
        said = (
            f"{output.count(restored.count, 'key')} {wait} since a restore, disabled. Review them and revoke each that"
        )
        yield Finding("restored keys", "note", f"{said} must not work again, then run: ari keys enable-restored")


def check_backups(settings: Settings, state: BackupState, keys: MasterKeys) -> Finding:
    """The age of the last verified backup, and the last failure."""
    if settings.backup_to is None:
        return Finding(_CHECK, "ok", "scheduled backups are off. Set ARI_BACKUP_TO, or schedule ari backup FILE")
    now_ms = system_clock(settings.test_clock_file).now_ms()
    try:
        target = open_backup_target(settings, settings.backup_to)
        others = [] if state.verified_ms else find_newest_of_each(_list_names(target))
    except AriError as error:
        return Finding(_CHECK, "wrong", str(error))
    found = describe_state(state, settings, keys, now_ms)
    if not others:
        return found
    there = f" Others are there, the newest of {output.relative(others[0].at_ms, now_ms)}: {others[0]}"
    return Finding(_CHECK, found.state, found.message + there)


def _list_names(target: BackupTarget) -> list[BackupName]:
    return [name for one in target.list_files() if (name := BackupName.parse(one.name)) is not None]


def describe_state(state: BackupState, settings: Settings, keys: MasterKeys, now_ms: int) -> Finding:
    """What ``doctor`` says about this state."""
    failed = ""
    if state.failures:
        failed = f" The last {output.count(state.failures, 'attempt')} failed: {state.error}"
    if state.unremoved:
        old = output.count(state.unremoved, "old backup")
        failed += f" {old} couldn't be removed: {state.removal_error}"
    if not state.verified_ms:
        begins = "ari serve writes the first one when it starts." if not failed else ""
        none = f"this instance wrote none to {settings.backup_to} yet."
        return Finding(_CHECK, "note", f"{none}{failed} {begins}".rstrip())
    size = output.size(state.size_bytes)
    said = f"the last verified one is of {output.relative(state.began_ms, now_ms)} ({size}, in {settings.backup_to})"
    if state.needs_other_key(keys):
        failed = f" It needs an earlier master key, so make a new one: ari backup now.{failed}"
    is_late = state.is_late(settings.backup_schedule, now_ms)
    return Finding(_CHECK, "note", f"{said}.{failed}") if failed or is_late else Finding(_CHECK, "ok", said)
