"""Use of the AI gateway, as the pages of all keys and of one key show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, Protocol

from ari.base.money import USD, DisplayCurrency, convert_money
from ari.integrations.providers import providers
from ari.usage.ai import AiCount, AiSums
from ari.usage.model import HourCount
from ari.usage.reports.ai_summary import TOP, AiSummary
from ari.usage.reports.summary import Counts
from ari.web.charts import BarChart, draw_bars, label_of

SHOWN = 10


class NamedKey(Protocol):
    """The name of a key, and whether it was deleted."""

    @property
    def text(self) -> str: ...
    @property
    def is_deleted(self) -> bool: ...


PageOf = Literal["key", "consumer"]


@dataclass(frozen=True, slots=True)
class AiRow:
    """A row of a table: its name, a note, whose page it links to, its use, and the length of its bar.

    ``id`` is that of a key or consumer, the name of a provider or model, or the time at which a part begins.
    """

    id: str | int
    name: str
    sub: str
    page_of: PageOf | None
    sums: AiSums
    length: int


@dataclass(frozen=True, slots=True)
class AiView:
    """Sums, charts of costs and of requests, and tables; ``most`` is the full length of their bars.

    ``times`` are the parts of the span that had requests, the newest first. Pages show the first ``shown`` rows of
    each table; exports have all. ``parts`` are the sums of the bars. ``modelless_count`` requests named no model.
    """

    sums: AiSums
    parts: list[AiSums]
    costs: BarChart
    requests: BarChart
    keys: list[AiRow]
    consumers: list[AiRow]
    models: list[AiRow]
    providers: list[AiRow]
    times: list[AiRow]
    modelless_count: int
    shown = SHOWN

    @property
    def most(self) -> int:
        """All known costs, or all requests if no cost is known."""
        return self.sums.cost_micros or self.sums.request_count


def build_ai_view(
    found: AiSummary,
    names: Mapping[str, NamedKey],
    consumers: Sequence[AiCount] = (),
    consumer_names: Mapping[str, str] = MappingProxyType({}),
    provider_titles: Mapping[str, str] = MappingProxyType({}),
    currency: DisplayCurrency = USD,
) -> AiView | None:
    """``None`` if nothing was used.

    ``provider_titles`` are those of named upstreams. The chart of costs is in ``currency``, where its scale is round.
    """
    sums, span = found.sums, found.span
    if not sums.request_count:
        return None

    def make_row(
        row_id: str | int, name: str, one: AiSums, *, provider: str | None = None, page_of: PageOf | None = None
    ) -> AiRow:
        sub = "" if provider is None else get_title(provider)
        return AiRow(row_id, name, sub, page_of, one, one.cost_micros if sums.cost_micros else one.request_count)

    def make_key_row(one: AiCount) -> AiRow:
        name = names.get(one.name)
        shown = one.name if name is None else f"{name.text} (deleted)" if name.is_deleted else name.text
        return make_row(one.name, shown, one.sums, page_of=None if name is None else "key")

    def make_consumer_row(one: AiCount) -> AiRow:
        name = consumer_names.get(one.name)
        return make_row(one.name, name or one.name, one.sums, page_of="consumer" if name else None)

    def get_title(provider: str) -> str:
        known = providers().get(provider)
        return provider_titles.get(provider, provider) if known is None else known.title

    costs = [HourCount(at_ms, convert_money(one.cost_micros, currency), 0) for at_ms, one in found.parts]
    counts = [HourCount(at_ms, one.request_count - one.failed_count, one.failed_count) for at_ms, one in found.parts]
    used = [(at_ms, one) for at_ms, one in reversed(found.parts) if one.request_count]
    return AiView(
        sums,
        [one for _, one in found.parts],
        draw_bars(Counts(span, costs, [])),
        draw_bars(Counts(span, counts, [])),
        [make_key_row(one) for one in found.keys],
        [make_consumer_row(one) for one in consumers],
        [make_row(one.name, one.name, one.sums, provider=one.provider) for one in found.models],
        [make_row(one.provider, get_title(one.provider), one.sums) for one in found.providers],
        [make_row(at_ms, label_of(span, at_ms), one) for at_ms, one in used],
        _count_modelless(found),
    )


def _count_modelless(found: AiSummary) -> int:
    """The requests of no model, such as those for a list of models; 0 if only some of the models are listed."""
    counted = sum(one.sums.request_count for one in found.models)
    return 0 if len(found.models) >= TOP else max(0, found.sums.request_count - counted)
