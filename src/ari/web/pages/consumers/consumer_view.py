"""Read the list of consumers, and one consumer with its newest keys."""

from dataclasses import dataclass

from ari import keys
from ari.keys.model import ApiKey, Consumer
from ari.keys.ports import KeyTransaction

PAGE_SIZE = 25
KEYS_LISTED = 50


@dataclass(frozen=True, slots=True)
class ConsumerList:
    """One page of consumers, each with the number of its keys; ``before`` is the cursor of the next page."""

    rows: list[tuple[Consumer, int]]
    before: str | None


@dataclass(frozen=True, slots=True)
class ConsumerFacts:
    """A consumer, its newest keys, and how many it has."""

    consumer: Consumer
    key_count: int
    newest: list[ApiKey]


def read_consumers(tx: KeyTransaction, text: str, before: str | None) -> ConsumerList:
    """The newest consumers that match the text, before this one."""
    found = keys.get_consumers(tx, text, before, PAGE_SIZE + 1)
    shown = found[:PAGE_SIZE]
    rows = [(one, keys.count_keys_of(tx, one.id)) for one in shown]
    return ConsumerList(rows, shown[-1].id if len(found) > PAGE_SIZE else None)


def read_consumer(tx: KeyTransaction, reference: str) -> ConsumerFacts:
    """Raises ``NotFound``."""
    consumer = keys.get_consumer(tx, reference)
    newest = keys.list_keys_of(tx, consumer.id, KEYS_LISTED)
    return ConsumerFacts(consumer, keys.count_keys_of(tx, consumer.id), newest)
