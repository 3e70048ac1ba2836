"""The checks of ``ari doctor`` on copies of the audit log: the file and the syslog collector of the settings."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ari.backups import audit_history
from ari.base.audit_lag import find_waiting
from ari.base.audit_mark import read_mark
from ari.base.clock import MINUTE_MS
from ari.base.settings import Settings
from ari.cli import output
from ari.cli.finding import Finding
from ari.outbound import syslog
from ari.outbound.line_file import AuditFileFailed, describe_original, describe_other_history, find_last_id
from ari.outbound.syslog import SyslogConnection, SyslogFailed
from ari.storage.engine import Database

_LATE_MS = 15 * MINUTE_MS
_REFUSAL_SECONDS = 0.5
"""How long a collector may take to refuse a certificate."""


def check_copies(database: Database, settings: Settings, now_ms: int) -> Iterator[Finding]:
    """A finding for each copy: whether it can be written, and since when events wait for it."""
    with database.reading() as tx:
        waiting = find_waiting(tx, settings)
    for name, since_ms in waiting.items():
        fault = (
            _find_file_fault(settings.audit_file, database)
            if name == "file"
            else _find_syslog_fault(settings, database)
        )
        place = str(settings.audit_file if name == "file" else settings.audit_syslog)
        check = f"audit log to {name}"
        late = "" if since_ms is None else f" Events wait for it, the first of {output.relative(since_ms, now_ms)}."
        if fault is not None:
            yield Finding(check, "wrong", f"{fault}{late}")
        elif since_ms is not None and now_ms - since_ms >= _LATE_MS:
            yield Finding(check, "note", f"{place} can be reached.{late} ari serve delivers them while it runs.")
        else:
            yield Finding(check, "ok", f"{place} is up to date" if since_ms is None else f"{place}.{late}")


def _find_file_fault(path: Path | None, database: Database) -> str | None:
    assert path is not None, "it is set"
    if path.exists():
        if not path.is_file() or path.is_symlink():
            return f"{path} isn't a regular file."
        if not os.access(path, os.R_OK | os.W_OK):
            return f"Can't write {path}: permission denied."
        return _find_end_fault(path, database)
    if not path.parent.is_dir():
        return f"Can't write {path}: its folder doesn't exist."
    with database.reading() as tx:
        if not audit_history.may_write(tx, audit_history.name_file(path), None):
            return describe_original(path)
    return None if os.access(path.parent, os.W_OK | os.X_OK) else f"Can't create {path}: permission denied."


def _find_end_fault(path: Path, database: Database) -> str | None:
    try:
        last_id = find_last_id(path)  # before the database: what it has now, the file may have a moment later
    except AuditFileFailed as error:
        return str(error)
    with database.reading() as tx:
        is_own = audit_history.may_write(tx, audit_history.name_file(path), last_id)
        is_ours = tx.audit_feed.read_after(last_id, 1) is not None
    if not is_own:
        return describe_original(path)
    return None if is_ours else describe_other_history(path)


def _find_syslog_fault(settings: Settings, database: Database) -> str | None:
    url = settings.audit_syslog
    assert url is not None, "it is set"
    with database.reading() as tx:
        if not audit_history.may_write(tx, audit_history.name_collector(url), read_mark(tx, url).last_id):
            return syslog.describe_original(url)
    try:
        files = settings.audit_syslog_ca_file, settings.audit_syslog_client_file
        with closing(SyslogConnection(url, *files)) as connection:
            connection.require_accepted(_REFUSAL_SECONDS)
    except SyslogFailed as error:
        return str(error)
    return None
