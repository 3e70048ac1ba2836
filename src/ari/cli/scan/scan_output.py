"""Print what a scan found. A key's token is never shown."""

from collections.abc import Mapping
from typing import Any

from ari.cli import output
from ari.cli.scan.locations import ScanReport, TokenLocation, show_path
from ari.cli.scan.owners import TokenOwner
from ari.keys.token import hint

_UNKNOWN = TokenOwner("", "not a key of this instance", "")


def show_report(report: ScanReport, owners: Mapping[str, TokenOwner] | None, as_json: bool) -> None:
    """Print the locations, and on standard error what was searched and left out. ``owners`` is ``None`` offline."""
    if as_json:
        output.as_json(_as_facts(report, owners))
    elif owners is None:
        rows = [(location.describe(), hint(location.token)) for location in report.locations]
        output.table(("PLACE", "PREFIX"), rows, "No keys found.")
    else:
        headers = ("PLACE", "PREFIX", "NAME", "STATUS", "ID")
        output.table(headers, [_row(location, owners) for location in report.locations], "No keys found.")
    for problem in report.problems:
        output.tell(problem)
    output.tell(_summarize(report))


def _row(location: TokenLocation, owners: Mapping[str, TokenOwner]) -> tuple[str, ...]:
    owner = owners.get(location.token, _UNKNOWN)
    return location.describe(), hint(location.token), owner.name, owner.status, owner.id


def _summarize(report: ScanReport) -> str:
    searched = [output.count(report.files, "file")]
    if report.objects:
        searched.append(output.count(report.objects, "git object"))
    keys = len({location.token for location in report.locations})
    found = (
        f"found {output.count(keys, 'key')} in {output.count(len(report.locations), 'place')}" if keys else "no keys"
    )
    skipped = "".join(f", {output.count(number, reason)}" for reason, number in sorted(report.skipped.items()))
    return f"Searched {' and '.join(searched)}: {found}." + (f" Skipped: {skipped[2:]}." if skipped else "")


def _as_facts(report: ScanReport, owners: Mapping[str, TokenOwner] | None) -> dict[str, Any]:
    return {
        "items": [_location_facts(location, owners) for location in report.locations],
        "files": report.files,
        "git_objects": report.objects,
        "skipped": {f"{reason.replace(' ', '_')}s": number for reason, number in report.skipped.items()},
        "problems": report.problems,
        "checked_instance": owners is not None,
    }


def _location_facts(location: TokenLocation, owners: Mapping[str, TokenOwner] | None) -> dict[str, Any]:
    owner = (owners or {}).get(location.token)
    return {
        "path": None if location.path is None else show_path(location.path),
        "line": location.line,
        "commit": location.commit,
        "object": location.object_id,
        "hint": hint(location.token),
        "key": None if owner is None else {"id": owner.id, "name": owner.name, "status": owner.status},
    }
