"""Enable the keys that a restore disabled, in batches of one transaction each."""

from collections.abc import Sequence
from dataclasses import dataclass

from ari.keys.commands.bulk import name_key
from ari.keys.commands.change import KeyChange, change
from ari.keys.model import ApiKey
from ari.keys.ports import KeyTransaction
from ari.keys.restored_keys import RestoredKeys, list_next, read_restored, take_next


@dataclass(frozen=True, slots=True)
class EnabledKeys:
    """The enabled keys of a batch, how many were left as they are, and whether there is another batch."""

    enabled: Sequence[ApiKey]
    left_out: int
    is_more: bool


def find_restored(tx: KeyTransaction) -> RestoredKeys | None:
    """The keys that ``enable_restored`` looks at; ``None`` if there are none."""
    return read_restored(tx.key_value)


def enable_restored(tx: KeyTransaction) -> EnabledKeys:
    """Enable some of the keys that the last restore disabled, with one event each; repeat it while there are more.

    A key that was enabled, disabled, reported as leaked, revoked or deleted since is not among them. Leaves out those
    that have expired.
    """
    tx.keys.stamp_expired(tx.now_ms)  # keys left out as expired stay expired, even if the clock is set back
    for key_id in list_next(tx.key_value):
        tx.keys.get(key_id)
    key_ids = take_next(tx.key_value)
    found = [tx.keys.get(key_id) for key_id in key_ids]
    enabled = []
    for key in found:
        if key is not None and key.disabled and not key.is_inactive(tx.now_ms):
            with name_key(key):
                enabled.append(change(tx, key.id, KeyChange(disabled=False)))
    return EnabledKeys(enabled, len(key_ids) - len(enabled), is_more=read_restored(tx.key_value) is not None)
