"""Make a filter for keys from the texts of a caller."""
# Imports inside functions here: a list of all keys needs no command of consumers or kinds.
# ruff: noqa: PLC0415

from ari.base.errors import Invalid, Problem
from ari.base.problems import Problems
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
    kind: str | None = None,
) -> KeyFilter:
    """``consumer`` is an ID, external ID or (for people) name; ``None`` is any.

    Raises ``Invalid`` with the problems of all filters.
    """
    problems = Problems()
    where = KeyFilter(
        tx.now_ms,
        text,
        show,
        activity,
        None if consumer is None else problems.check(None, _find_consumer_id, tx, consumer),
        None if tag is None else problems.check(None, _parse_tag, tag),
        None if environment is None else problems.check(None, parse_environment, environment),
        None if kind is None else problems.check(None, _find_kind_name, tx, kind),
    )
    problems.raise_found()
    return where


def _find_consumer_id(tx: KeyTransaction, reference: str) -> str:
    from ari.keys.commands.consumers import describe_missing, find_consumer

    found = find_consumer(tx, reference)
    if found is None:
        raise Invalid(Problem("consumer", describe_missing(tx)))
    return found.id


def _find_kind_name(tx: KeyTransaction, name: str) -> str | None:
    from ari.keys.commands.kinds import require_kind

    kind = require_kind(tx, name)
    return None if kind is None else kind.name


def _parse_tag(text: str) -> str:
    try:
        return parse_tags([text])[0]
    except Invalid as error:
        raise Invalid(*(Problem("tag", problem.message) for problem in error.problems)) from None
