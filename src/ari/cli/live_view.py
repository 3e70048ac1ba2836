"""``ari doctor --live``: what the processes of a running instance do now, and what they wait for."""

from typing import Any

from ari.base import live_socket
from ari.base.errors import AriError, Conflict, for_operator
from ari.base.settings import Settings
from ari.cli import output
from ari.storage.lock_holders import list_lock_holders

_BLOCKED = "doesn't respond: blocked"


def show_live(settings: Settings, *, as_json: bool) -> None:
    """Print the report of each process on this machine. Raises ``Conflict`` if none runs."""
    try:
        reports = live_socket.read_all(settings.data_dir)
    except OSError as error:
        raise AriError(f"Can't ask the processes: {error.strerror}. Run this as the user of ari serve.") from None
    if not reports:
        raise Conflict("not_running", f"No ari serve runs on {settings.data_dir}.")
    try:
        locks = list_lock_holders(settings)
    except AriError as error:
        locks = [f"The locks of the database can't be read: {for_operator(error)}"]
    if as_json:
        output.as_json({"processes": reports, "locks": locks})
        return
    for process, report in reports.items():
        _show(process, report)
    for sentence in locks:
        output.say(sentence)


def _show(process: str, report: dict[str, Any] | None) -> None:
    if report is None:
        output.say(f"{process}: doesn't respond. It is stopped, or one step of it blocks every thread.")
        return
    said = f"{process}: pid {report['pid']}, running for {report['uptime_seconds']} s"
    if process.startswith("worker"):
        loop = report["loop_seconds"]
        said += f", {output.count(report['requests_in_progress'], 'request')} in progress, event loop "
        said += _BLOCKED if loop is None else f"responds in {loop * 1000:.1f} ms"
    output.say(said)
    for one in report["requests"]:
        output.say(f"  {one['seconds']:>9.3f} s  {one['method']} {one['route']}  {one['id']}")
    for job, attempts in report.get("failing_jobs", {}).items():
        output.say(f"  job fails: {job} ({output.count(attempts, 'attempt')} in a row). The log has the reason.")
    for one in report["threads"]:
        waits = one["waits_for"]
        if waits is not None or (one["name"] == "event loop" and report["loop_seconds"] is None):
            output.say(f"  {one['name']}: at {one['at']}" + (f", waits for {waits}" if waits else ""))
