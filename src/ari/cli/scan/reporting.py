"""Report the keys that a scan found to their instance, like ``POST /api/leaks``."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ari import keys
from ari.cli import output
from ari.cli.instances import open_deps
from ari.cli.scan.locations import TokenLocation
from ari.cli.scan.owners import TokenOwner
from ari.keys import LeakAction, LeakReport
from ari.keys.ports import KeyTransaction

_CAN_BE_USED = ("active", "disabled")
_RESULTS: dict[LeakAction, str] = {"revoke": "revoked", "disable": "disabled", "notify": "unchanged"}
_WARNINGS = {
    "disable": "Anything using a disabled key stops working immediately.",
    "revoke": "Anything using a revoked key stops working immediately. This can't be undone.",
}


def report_locations(
    locations: Sequence[TokenLocation], owners: Mapping[str, TokenOwner], data_dir: Path | None, *, yes: bool
) -> None:
    """Report each active or disabled key once, with the first location. Asks before it ends their access.

    Raises ``Conflict`` unless confirmed; then nothing was reported.
    """
    first: dict[str, TokenLocation] = {}
    for location in locations:
        owner = owners.get(location.token)
        if owner is not None and owner.status in _CAN_BE_USED:
            first.setdefault(location.token, location)
    if not first:
        output.tell("Nothing to report: none of them is an active or disabled key of this instance.")
        return
    with open_deps(data_dir) as deps:
        default = deps.instance.settings.leak_action
        found = deps.read_sync(_find_actions, {owners[token].id for token in first}, default)
        ending = [_WARNINGS[action] for action in ("disable", "revoke") if action in found.values()]
        if ending:
            counted = output.count(len(found), "key")
            question = f"Report {counted} as leaked ({_summarize(found.values())})?"
            output.confirm(" ".join((question, *ending)), yes=yes)
        reports = [LeakReport(token, f"Scan of {location.describe()}") for token, location in first.items()]
        reported = deps.do_sync(keys.report_leaks, reports, default)
    done = {one.key.id: one for found in reported for one in found if one.action is not None}
    for one in done.values():
        output.tell(f"{one.key.name} ({one.key.id}): {_RESULTS[one.action or 'notify']}")
    results = _summarize(one.action for one in done.values())
    output.tell(f"Reported {output.count(len(done), 'key')} as leaked ({results}). The owner is notified.")


def _find_actions(tx: KeyTransaction, key_ids: Iterable[str], default: LeakAction) -> dict[str, LeakAction]:
    """The action that a report takes on each of these keys, by ID."""
    found = (tx.keys.get(key_id) for key_id in key_ids)
    return {key.id: keys.choose_leak_action(tx, key, default) for key in found if key is not None}


def _summarize(actions: Iterable[LeakAction | None]) -> str:
    counts = Counter(actions)
    return ", ".join(f"{counts[action]:,} {word}" for action, word in _RESULTS.items() if counts[action])
