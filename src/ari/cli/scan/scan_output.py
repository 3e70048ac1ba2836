"""Print what a scan found. A key's token is never shown."""

from collections.abc import Mapping
from typing import Any

from ari.cli import output
from ari.cli.scan.owners import TokenOwner
from ari.cli.scan.places import ScanReport, TokenPlace, show_path
from ari.keys.token import hint

_UNKNOWN = TokenOwner("", "not a key of this instance", "")


def show_report(report: ScanReport, owners: Mapping[str, TokenOwner] | None, as_json: bool) -> None:
    """Print the places, and on standard error what was searched and left out. ``owners`` is ``None`` offline."""
    if as_json:
        output.as_json(_as_facts(report, owners))
    elif owners is None:
        rows = [(place.describe(), hint(place.token)) for place in report.places]
        output.table(("PLACE", "PREFIX"), rows, "No keys found.")
    else:
        headers = ("PLACE", "PREFIX", "NAME", "STATUS", "ID")
        output.table(headers, [_row(place, owners) for place in report.places], "No keys found.")
    for problem in report.problems:
        output.tell(problem)
    output.tell(_summarize(report))


def _row(place: TokenPlace, owners: Mapping[str, TokenOwner]) -> tuple[str, ...]:
    owner = owners.get(place.token, _UNKNOWN)
    return place.describe(), hint(place.token), owner.name, owner.status, owner.id


def _summarize(report: ScanReport) -> str:
    searched = [output.count(report.files, "file")]
    if report.objects:
        searched.append(output.count(report.objects, "git object"))
    keys = len({place.token for place in report.places})
    found = f"found {output.count(keys, 'key')} in {output.count(len(report.places), 'place')}" if keys else "no keys"
    skipped = "".join(f", {output.count(number, reason)}" for reason, number in sorted(report.skipped.items()))
    return f"Searched {' and '.join(searched)}: {found}." + (f" Skipped: {skipped[2:]}." if skipped else "")


def _as_facts(report: ScanReport, owners: Mapping[str, TokenOwner] | None) -> dict[str, Any]:
    return {
        "items": [_place_facts(place, owners) for place in report.places],
        "files": report.files,
        "git_objects": report.objects,
        "skipped": {f"{reason.replace(' ', '_')}s": number for reason, number in report.skipped.items()},
        "problems": report.problems,
        "checked_instance": owners is not None,
    }


def _place_facts(place: TokenPlace, owners: Mapping[str, TokenOwner] | None) -> dict[str, Any]:
    owner = (owners or {}).get(place.token)
    return {
        "path": None if place.path is None else show_path(place.path),
        "line": place.line,
        "commit": place.commit,
        "object": place.object_id,
        "hint": hint(place.token),
        "key": None if owner is None else {"id": owner.id, "name": owner.name, "status": owner.status},
    }
