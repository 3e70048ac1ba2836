"""Make a filter for keys from the texts of a caller."""

from ari.base.errors import Invalid, Problem
from ari.keys.commands.consumers import describe_missing, find_consumer
from ari.keys.listing import KeyFilter, Show
from ari.keys.ownership import parse_environment, parse_tags
from ari.keys.ports import Activity, KeyTransaction


def make_filter(
    tx: KeyTransaction,
    *,
    text: str = "",
    show: Show = "all",
    activity: Activity = "all",
    consumer: str | None = None,
    tag: str | None = None,
    environment: str | None = None,
) -> KeyFilter:
    """``consumer`` is an ID, external ID or (for people) name; ``None`` is any. Raises ``Invalid``."""
    found = None if consumer is None else find_consumer(tx, consumer)
    if consumer is not None and found is None:
        raise Invalid(Problem("consumer", describe_missing(tx)))
    return KeyFilter(
        tx.now_ms,
        text,
        show,
        activity,
        None if found is None else found.id,
        None if tag is None else _parse_tag(tag),
        None if environment is None else parse_environment(environment),
    )


def _parse_tag(text: str) -> str:
    try:
        return parse_tags([text])[0]
    except Invalid as error:
        raise Invalid(*(Problem("tag", problem.message) for problem in error.problems)) from None
