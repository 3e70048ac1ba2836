"""Which restore an instance began with. A trial has the id of the original, but must not remove its backups."""

from ari.backups.ports import BackupTransaction
from ari.base.ids import new_id
from ari.base.transaction import KeyValueStore

KEY = "backup_lineage"


def read_lineage(tx: BackupTransaction) -> str:
    """The id of the restore; empty if the instance wasn't restored."""
    return tx.key_value.get(KEY) or ""


def begin_lineage(key_value: KeyValueStore, now_ms: int) -> None:
    """Give a restored instance a lineage of its own."""
    key_value.put(KEY, new_id("res", now_ms))
