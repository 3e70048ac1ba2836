"""The span of time and the filters in the URL of a usage page; invalid parameters become field messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from starlette.requests import Request

from ari import keys
from ari.base.errors import Invalid
from ari.base.ids import is_id
from ari.deps import Deps
from ari.keys import KeyGroup
from ari.keys.groups import GROUPINGS, GroupBy
from ari.keys.listing import list_named
from ari.usage import spans
from ari.usage.model import ROW_KIND
from ari.usage.search import FILTERS, UsageSearch, parse_search
from ari.usage.spans import DEFAULT_PRESET, UNITS, Span, Unit
from ari.web.navigation import with_query

ZONE_COOKIE = "ari_zone"
KEY_FILTERS = ("consumer", "tag")
"""They narrow all of the page; the filters of the log narrow only the log."""
FILTER_NAMES = ("key", *FILTERS)


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """``values`` are the query parameters of the URL, ``problems`` the messages about them, by parameter.

    ``group`` are the keys of the consumer or tag that the page shows, ``key_id`` the key whose name filters the log.
    """

    url: str
    span: Span
    values: Mapping[str, str]
    problems: Mapping[str, str] = field(default_factory=dict)
    group: KeyGroup | None = None
    key_id: str | None = None

    @property
    def is_live(self) -> bool:
        """Whether the newest rows are shown."""
        return self.span.name != "custom" and "before" not in self.values and not self.filter_problems

    @property
    def filter_problems(self) -> dict[str, str]:
        """The messages about filters of the log, which then has no rows: all others would mislead."""
        return {name: self.problems[name] for name in self.filter_names if name in self.problems}

    @property
    def filters(self) -> dict[str, str]:
        """The filters of the log that are set."""
        return {name: self.values[name] for name in self.filter_names if self.values.get(name)}

    @property
    def group_by(self) -> GroupBy | None:
        """The grouping of the totals; ``None`` = by key."""
        return next((by for by in GROUPINGS if by == self.values.get("group")), None)

    @property
    def filter_names(self) -> tuple[str, ...]:
        return FILTER_NAMES

    @property
    def first_day(self) -> str:
        return self.values.get("from") or spans.local_date(self.span.since_ms, self.span.zone).isoformat()

    @property
    def last_day(self) -> str:
        return self.values.get("to") or spans.local_date(self.span.until_ms - 1, self.span.zone).isoformat()

    @property
    def units(self) -> tuple[Unit, ...]:
        return spans.units_of(self.span)

    def with_range(self, name: str) -> str:
        """The same page for another span."""
        return self._url_with({"range": name}, "from", "to", "per", "before")

    def with_unit(self, unit: str) -> str:
        """The same page by another unit of time."""
        return self._url_with({"per": unit})

    def with_group(self, by: str) -> str:
        """The same page with totals by consumer or tag; empty for keys."""
        return f"{self._url_with({'group': by}, 'before')}#top-title"

    def narrow_to(self, name: str, value: str) -> str:
        """The same page for the keys of a consumer or tag; both empty for all keys."""
        return self._url_with({name: value} if name else {}, "before", *(() if name else KEY_FILTERS))

    def older(self, before: str) -> str:
        """The same page with the rows after this one."""
        return f"{self._url_with({'before': before})}#log"

    def newest(self) -> str:
        """The same page with the newest rows."""
        return f"{self._url_with({}, 'before')}#log"

    def without_filters(self) -> str:
        """The same page without filters."""
        return f"{self._url_with({}, 'before', *FILTER_NAMES)}#log"

    def list_hidden_fields(self, *without: str) -> dict[str, str]:
        """The hidden fields of a form on the page."""
        return {name: value for name, value in self.values.items() if value and name not in {"before", *without}}

    def search(self, key_id: str | None) -> UsageSearch:
        """The search of the log of this key, or of all; filters with a problem are left out."""
        given = {name: value for name, value in self.filters.items() if name not in self.problems}
        until_ms = self.span.until_ms if self.span.name == "custom" else None
        found = parse_search(given, key_id or self.key_id or given.get("key"), self.span.since_ms, until_ms)
        return replace(found, group=self.group)

    def _url_with(self, changes: Mapping[str, str], *without: str) -> str:
        values = {name: value for name, value in self.values.items() if name not in without}
        return with_query(self.url, {**values, **changes})


def parse_usage_query(request: Request, now_ms: int, url: str, given: Mapping[str, str] | None = None) -> UsageQuery:
    """Parse the query of this request, or the fields of its form (``given``)."""
    values = dict(request.query_params) if given is None else dict(given)
    zone = spans.zone_name(request.cookies.get(ZONE_COOKIE))
    known = {
        name: values[name]
        for name in ("range", "from", "to", "per", "group", *KEY_FILTERS, *FILTER_NAMES)
        if values.get(name)
    }
    if is_id(ROW_KIND, values.get("before", "")):
        known["before"] = values["before"]
    problems: dict[str, str] = {}
    unit = next((unit for unit in UNITS if unit == known.get("per")), None)
    try:
        span = _span(known, now_ms, zone, unit)
    except Invalid as error:
        problems.update((problem.location, problem.message) for problem in error.problems)
        span = spans.preset(DEFAULT_PRESET, now_ms, zone, unit)
    query = UsageQuery(url, span, known, problems)
    try:
        parse_search(query.filters)
    except Invalid as error:
        problems.update((problem.location, problem.message) for problem in error.problems)
    return query


async def find_keys(deps: Deps, query: UsageQuery) -> UsageQuery:
    """The query with the keys that it names, of its consumer and tag; with a message if there can't be any."""
    if "key" in query.values and not is_id("key", query.values["key"]):
        query = await _find_key(deps, query)
    consumer, tag = (query.values.get(name) for name in KEY_FILTERS)
    try:
        return replace(query, group=await deps.read(keys.find_group, consumer, tag))
    except Invalid as error:
        problems = {problem.location: problem.message for problem in error.problems}
        return replace(query, group=KeyGroup(()), problems={**query.problems, **problems})


async def _find_key(deps: Deps, query: UsageQuery) -> UsageQuery:
    """The query with the ID of the one key with this name or prefix, or with a message."""
    found = await deps.read(list_named, query.values["key"])
    if len(found) == 1:
        return replace(query, key_id=found[0].id)
    message = f"{len(found)} keys have this name. Use the ID of one." if found else "No key has this name or ID."
    return replace(query, problems={**query.problems, "key": message})


def _span(values: Mapping[str, str], now_ms: int, zone: str, unit: Unit | None) -> Span:
    if values.get("from") or values.get("to"):
        today = spans.local_date(now_ms, zone).isoformat()
        last = values.get("to") or today
        return spans.between_dates(values.get("from") or last, last, now_ms, zone, unit)
    return spans.preset(values.get("range", DEFAULT_PRESET), now_ms, zone, unit)
