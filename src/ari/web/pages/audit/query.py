"""The filters in the URL of the page; invalid parameters become field messages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ParamSpec

from ari.base.errors import Invalid
from ari.base.event_search import FILTERS, EventSearch, parse_event_search
from ari.base.ids import is_id
from ari.usage import spans
from ari.web.pages.audit import urls

P = ParamSpec("P")
DATES = ("from", "to")
FIELDS = (*FILTERS, *DATES)
RARE = ("actor", "subject", "address", "request_id")
"""Filters that the page shows on demand."""


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """``values`` are the query parameters of the URL, ``problems`` the messages about them, by parameter."""

    values: Mapping[str, str]
    zone: str
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def filters(self) -> dict[str, str]:
        """The filters that are set."""
        return {name: self.values[name] for name in FIELDS if name in self.values}

    @property
    def has_rare_filters(self) -> bool:
        return any(name in self.values for name in RARE)

    def older(self, before: str) -> str:
        """The same page with the events after this one."""
        return urls.filter_with({**self.filters, "before": before})

    def newest(self) -> str:
        """The same page with the newest events."""
        return urls.filter_with(self.filters)

    def search(self) -> EventSearch:
        """The search; filters with a problem are left out."""
        given = {name: value for name, value in self.filters.items() if name not in self.problems}
        since_ms, until_ms = spans.bounds_of_dates(given.get("from"), given.get("to"), self.zone)
        return parse_event_search({name: given[name] for name in FILTERS if name in given}, since_ms, until_ms)


def parse_audit_query(given: Mapping[str, str], zone: str | None) -> AuditQuery:
    """Parse the query of a page, or the fields of its form."""
    values = {name: given[name].strip() for name in FIELDS if given.get(name, "").strip()}
    if is_id("evt", given.get("before", "")):
        values["before"] = given["before"]
    known_zone = spans.zone_name(zone)
    problems = _find_problems(parse_event_search, {name: values.get(name) for name in FILTERS})
    problems |= _find_problems(spans.bounds_of_dates, values.get("from"), None)
    problems |= _find_problems(spans.bounds_of_dates, None, values.get("to"))
    if not problems.keys() & set(DATES):
        problems |= _find_problems(spans.bounds_of_dates, values.get("from"), values.get("to"))
    return AuditQuery(values, known_zone, problems)


def _find_problems(parse: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> dict[str, str]:
    try:
        parse(*args, **kwargs)
    except Invalid as error:
        return {problem.location: problem.message for problem in error.problems}
    return {}
