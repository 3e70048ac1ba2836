"""Queries on the usage log that need no more than its port, for doors to run with ``Deps.report``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ari.keys.model import KeySecret
from ari.usage.model import KeyTotals, SecretUse
from ari.usage.ports import UsageReader

if TYPE_CHECKING:
    from ari.usage.search import SearchPage, UsageSearch


def complete_until(reader: UsageReader) -> int | None:
    """Before when every request is in the reports that are read next, in milliseconds; ``None`` if all are."""
    return reader.complete_until_ms()


def find_rows(reader: UsageReader, search: "UsageSearch", before_id: str | None, limit: int) -> "SearchPage":
    """At most ``limit`` matching rows, newest first."""
    return reader.search(search, before_id, limit)


def last_uses(reader: UsageReader) -> dict[str, int]:
    """When each AI provider was last used, in milliseconds since the epoch."""
    return reader.ai_last_used()


def last_uses_of_secrets(
    reader: UsageReader, key_id: str, secrets: Sequence[KeySecret], totals: KeyTotals
) -> dict[int, int]:
    """When each secret was last used, by number; of a rotated key, since it was first rotated."""
    if len(secrets) > 1:
        return reader.last_uses_of_secrets(key_id, [secret.number for secret in secrets])
    return {secret.number: totals.last_used_at_ms for secret in secrets if totals.last_used_at_ms is not None}


def secret_use(reader: UsageReader, key_id: str, number: int) -> SecretUse:
    """From where and by which programs a secret of a rotated key was used."""
    return reader.secret_use(key_id, number)
