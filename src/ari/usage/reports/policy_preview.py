"""The effect that a change to the rules for all keys would have on the keys that there are."""

from dataclasses import dataclass
from typing import Any

from ari.base.clock import DAY_MS
from ari.keys.commands.instance_policy import InstancePolicyChange, apply_policy_change
from ari.keys.instance_policy import InstancePolicy, is_unused
from ari.keys.listing import Cursor, KeyFilter, KeyListTransaction
from ari.keys.model import ApiKey
from ari.usage.reports.listing import Sort, UseListing, page_of_keys

MAX_READ = 10_000
"""The active keys that a preview looks at, least used first."""
MAX_LISTED = 20
_PAGE = 1_000
_LEAST_USED_FIRST = Sort("used", descending=False)


@dataclass(frozen=True, slots=True)
class PolicyPreview:
    """The rules after the change, and the active keys that they concern.

    ``outliving`` keys expire later than the longest lifetime allows a new key, or never. ``unused`` keys would be
    disabled within an hour; if there are more active keys than ``MAX_READ``, there may be more of them.
    """

    policy: InstancePolicy
    outliving: int
    unused: int
    is_complete: bool
    first_unused: list[ApiKey]


def preview_policy(tx: KeyListTransaction, use: UseListing, wanted: InstancePolicyChange) -> PolicyPreview:
    """Look at the active keys. Raises ``Invalid``."""
    policy = apply_policy_change(tx.instance_policy.get(), wanted)
    outliving = 0
    if policy.max_lifetime_days is not None:
        latest_ms = tx.now_ms + policy.max_lifetime_days * DAY_MS
        outliving = tx.listing.count(KeyFilter(tx.now_ms, show="active", outlives_ms=latest_ms))
    if policy.disable_unused_days is None:
        return PolicyPreview(policy, outliving, 0, True, [])
    unused, is_complete = _list_unused(tx, use, tx.now_ms - policy.disable_unused_days * DAY_MS)
    return PolicyPreview(policy, outliving, len(unused), is_complete, unused[:MAX_LISTED])


def preview_facts(preview: PolicyPreview) -> dict[str, Any]:
    """The JSON of a preview, the same at every door."""
    return {
        "max_lifetime_days": preview.policy.max_lifetime_days,
        "disable_unused_days": preview.policy.disable_unused_days,
        "outliving_keys": preview.outliving,
        "unused_keys": preview.unused,
        "complete": preview.is_complete,
    }


def _list_unused(tx: KeyListTransaction, use: UseListing, cutoff_ms: int) -> tuple[list[ApiKey], bool]:
    unused, read = list[ApiKey](), 0
    after: Cursor | None = None
    where = KeyFilter(tx.now_ms, show="active")
    while read < MAX_READ:
        page = page_of_keys(tx.listing, use, where, _LEAST_USED_FIRST, after, _PAGE)
        unused += [row.key for row in page.rows if is_unused(row.key, row.totals.last_used_at_ms, cutoff_ms)]
        read += len(page.rows)
        after = page.after
        if after is None or _is_past(page.rows[-1].totals.last_used_at_ms, cutoff_ms):
            return unused, True
    return unused, False


def _is_past(last_used_at_ms: int | None, cutoff_ms: int) -> bool:
    """Whether all further keys were used since the cutoff."""
    return last_used_at_ms is not None and last_used_at_ms > cutoff_ms
