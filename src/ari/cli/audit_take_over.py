"""``ari audit take-over``: a restored instance continues the copies of the audit log that its original made."""
# Imports inside functions here: start-up speed.

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from ari.base.errors import AriError, Conflict
from ari.cli import output
from ari.cli.instances import open_deps
from ari.cli.options import DataDir, Yes

if TYPE_CHECKING:
    from ari.deps import Deps


def take_over(yes: Yes = False, data_dir: DataDir = None) -> None:
    """Continue the copies of the audit log in ARI_AUDIT_FILE and ARI_AUDIT_SYSLOG after a restore.

    Only if the instance that made them will never run again.
    """
    from ari.backups import audit_history
    from ari.backups.backup_lineage import read_lineage

    with open_deps(data_dir) as deps:
        settings, lineage = deps.instance.settings, deps.read_sync(read_lineage)
        file, collector = settings.audit_file, settings.audit_syslog
        if not lineage:
            raise Conflict("not_restored", "This instance wasn't restored, so its copies are its own.")
        if file is None and collector is None:
            raise Conflict("no_copies", "Neither ARI_AUDIT_FILE nor ARI_AUDIT_SYSLOG is set.")
        shown = " and ".join(str(place) for place in (file, collector) if place is not None)
        output.confirm(f"Will the instance that wrote {shown} before the restore never run again?", yes=yes)
        places = [] if collector is None else [audit_history.name_collector(collector)]
        moved = None
        if file is not None:
            places.append(audit_history.name_file(file))
            moved = _move_other_history(deps, file, lineage)
        deps.do_sync(audit_history.take_over, places)
    if moved is not None:
        output.say(f"Moved {file} to {moved}: it has events that this instance doesn't.")
    output.say(f"This instance writes {shown} from now on.")


def _move_other_history(deps: "Deps", path: Path, lineage: str) -> Path | None:
    """Rename a file whose last event the audit log lacks; the new name. Raises ``AriError`` while it is written."""
    from ari.backups import audit_history
    from ari.outbound.line_file import LineFile

    if not path.exists():
        return None
    with closing(LineFile(path)) as file:
        last_id = file.last_id
        if last_id is None or deps.read_sync(audit_history.has_event, last_id):
            return None
        moved = path.with_name(f"{path.name}.before-{lineage}")
        if moved.exists():
            raise AriError(f"{moved} exists already. Move it away.")
        try:
            path.rename(moved)
        except OSError as error:
            raise AriError(f"Can't rename {path}: {error.strerror}.") from None
        return moved
