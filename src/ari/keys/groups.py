"""Groups of keys for reports: by consumer or by tag, as the keys are assigned now."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ari.keys.key_filters import make_filter
from ari.keys.ports import GroupTransaction

GroupBy = Literal["consumer", "tag"]
GROUPINGS: tuple[GroupBy, ...] = ("consumer", "tag")


@dataclass(frozen=True, slots=True)
class KeyGroup:
    """The keys of a consumer with a tag; ``None`` = any."""

    key_ids: tuple[str, ...]
    consumer_id: str | None = None
    tag: str | None = None


def find_group(tx: GroupTransaction, consumer: str | None, tag: str | None) -> KeyGroup | None:
    """The keys of this consumer (ID or external ID) with this tag, deleted ones included; ``None`` without a filter.

    Raises ``Invalid`` for a consumer that doesn't exist, or what can't be a tag.
    """
    if consumer is None and tag is None:
        return None
    where = make_filter(tx, consumer=consumer, tag=tag)
    return KeyGroup(tuple(tx.key_groups.list_ids(where.consumer_id, where.tag)), where.consumer_id, where.tag)


def list_groups_of_keys(tx: GroupTransaction, by: GroupBy) -> dict[str, list[str]]:
    """The tags of each key, or the ID of its consumer; keys without one are absent."""
    found: dict[str, list[str]] = {}
    for key_id, group in tx.key_groups.list_consumers() if by == "consumer" else tx.key_groups.list_tags():
        found.setdefault(key_id, []).append(group)
    return found


def name_groups(tx: GroupTransaction, by: GroupBy, groups: Iterable[str]) -> dict[str, str]:
    """The names of these consumers; a tag is its own name."""
    if by == "tag":
        return {tag: tag for tag in groups}
    return {one: found.name for one in groups if (found := tx.consumers.get(one)) is not None}
