"""Report the keys that a scan found to their instance, like ``POST /api/leaks``."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ari import keys
from ari.cli import output
from ari.cli.instances import open_deps
from ari.cli.scan.owners import TokenOwner
from ari.cli.scan.places import TokenPlace
from ari.keys import LeakReport

_CAN_BE_USED = ("active", "disabled")
_CONSEQUENCES = {
    "disable": "They are disabled: anything using them stops working immediately.",
    "revoke": "They are revoked: anything using them stops working immediately. This can't be undone.",
}
_RESULTS = {
    "notify": "The owner is notified; the keys still work (ARI_LEAK_ACTION=notify).",
    "disable": "The keys are disabled.",
    "revoke": "The keys are revoked.",
}


def report_places(
    places: Sequence[TokenPlace], owners: Mapping[str, TokenOwner], data_dir: Path | None, *, yes: bool
) -> None:
    """Report each active or disabled key once, with the first place. Asks before it ends their access.

    Raises ``Conflict`` unless confirmed; then nothing was reported.
    """
    first: dict[str, TokenPlace] = {}
    for place in places:
        owner = owners.get(place.token)
        if owner is not None and owner.status in _CAN_BE_USED:
            first.setdefault(place.token, place)
    if not first:
        output.tell("Nothing to report: none of them is an active or disabled key of this instance.")
        return
    counted = output.count(len(first), "key")
    with open_deps(data_dir) as deps:
        action = deps.instance.settings.leak_action
        if action in _CONSEQUENCES:
            output.confirm(f"Report {counted} as leaked? {_CONSEQUENCES[action]}", yes=yes)
        reports = [LeakReport(token, f"Scan of {place.describe()}") for token, place in first.items()]
        deps.do_sync(keys.report_leaks, reports, action)
    output.tell(f"Reported {counted} as leaked. {_RESULTS[action]}")
