"""Change the rules for all keys, and carry them out."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from ari.base.errors import Forbidden
from ari.base.transaction import record
from ari.keys.events import record_key
from ari.keys.instance_policy import InstancePolicy, is_unused, parse_days
from ari.keys.model import ApiKey
from ari.keys.ports import KeyTransaction
from ari.keys.unset import UNSET, Unset


@dataclass(frozen=True, slots=True)
class InstancePolicyChange:
    """New rules; ``UNSET`` leaves one as it is, ``None`` removes it."""

    max_lifetime_days: int | Unset | None = UNSET
    disable_unused_days: int | Unset | None = UNSET


def get_instance_policy(tx: KeyTransaction) -> InstancePolicy:
    """The present rules."""
    return tx.instance_policy.get()


def change_instance_policy(tx: KeyTransaction, wanted: InstancePolicyChange) -> InstancePolicy:
    """Change the rules; existing keys keep their expiry. Raises ``Invalid``, or ``Forbidden`` for a key.

    Rules bind keys, so no key may change them, whatever its scopes.
    """
    if tx.caller.key_id is not None:
        raise Forbidden("API keys can't change the rules for API keys. Use a session or the command line.")
    before = tx.instance_policy.get()
    after = apply_policy_change(before, wanted)
    if after == before:
        return before
    tx.caller.require_confirmed(tx.now_ms)
    tx.instance_policy.save(after, tx.caller.actor, tx.now_ms)
    record(tx, "instance_policy_changed", None, {"from": asdict(before), "to": asdict(after)})
    return after


def apply_policy_change(after: InstancePolicy, wanted: InstancePolicyChange) -> InstancePolicy:
    """The rules after the change. Raises ``Invalid``."""
    if wanted.max_lifetime_days is not UNSET:
        after = replace(after, max_lifetime_days=parse_days("max_lifetime_days", wanted.max_lifetime_days))
    if wanted.disable_unused_days is not UNSET:
        after = replace(after, disable_unused_days=parse_days("disable_unused_days", wanted.disable_unused_days))
    return after


def disable_unused(tx: KeyTransaction, key_ids: Sequence[str], cutoff_ms: int) -> list[ApiKey]:
    """Disable these keys that were not used since the cutoff; returns those that it disabled.

    Keys created or enabled since then are left alone, and so are all if the rule is gone by now.
    """
    days = tx.instance_policy.get().disable_unused_days
    disabled: list[ApiKey] = []
    for key_id in sorted(key_ids):
        key = tx.keys.get(key_id)
        if days is None or key is None or key.status(tx.now_ms) != "active":
            continue
        if not is_unused(key, None, cutoff_ms):
            continue
        changed = replace(key, disabled=True)
        tx.keys.save(changed)
        record_key(tx, "key_disabled", changed, {"unused_days": days})
        disabled.append(changed)
    return disabled
