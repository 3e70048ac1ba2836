"""Use of the AI gateway, as both usage pages show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ari.integrations.providers import providers
from ari.usage.ai import AiCount, AiSums
from ari.usage.model import HourCount
from ari.usage.reports.ai_summary import AiSummary
from ari.usage.reports.summary import Counts
from ari.web.charts import BarChart, draw_bars, label_of

SHOWN = 10


@dataclass(frozen=True, slots=True)
class AiRow:
    """A row of a table: its name, a note, the key it links to, its use, and the length of its bar."""

    name: str
    sub: str
    key_id: str | None
    sums: AiSums
    length: int


@dataclass(frozen=True, slots=True)
class AiView:
    """Sums, a chart of succeeded and failed requests, and tables; ``most`` is the full length of their bars.

    ``times`` are the last parts of the span that had requests, the newest first.
    """

    sums: AiSums
    chart: BarChart
    providers: list[AiRow]
    models: list[AiRow]
    keys: list[AiRow]
    consumers: list[AiRow]
    times: list[AiRow]

    @property
    def most(self) -> int:
        """All known costs, or all requests if no cost is known."""
        return self.sums.cost_micros or self.sums.request_count


def build_ai_view(
    found: AiSummary,
    names: Mapping[str, str | None],
    consumers: Sequence[AiCount] = (),
    consumer_names: Mapping[str, str] = MappingProxyType({}),
) -> AiView | None:
    """``None`` if nothing was used; names are those of keys and consumers, by ID."""
    sums = found.sums
    if not sums.request_count:
        return None
    parts = [HourCount(at_ms, one.request_count - one.failed_count, one.failed_count) for at_ms, one in found.parts]

    def make_row(name: str, one: AiSums, sub: str = "", key_id: str | None = None) -> AiRow:
        return AiRow(name, sub, key_id, one, one.cost_micros if sums.cost_micros else one.request_count)

    used_parts = [(at_ms, one) for at_ms, one in reversed(found.parts) if one.request_count]
    return AiView(
        sums,
        draw_bars(Counts(found.span, parts, [])),
        [make_row(_title(one.provider), one.sums) for one in found.providers[:SHOWN]],
        [make_row(one.name, one.sums, _title(one.provider)) for one in found.models[:SHOWN]],
        [
            make_row(name or one.name, one.sums, key_id=None if name is None else one.name)
            for one in found.keys[:SHOWN]
            for name in (names.get(one.name),)
        ],
        [make_row(consumer_names.get(one.name, one.name), one.sums) for one in consumers[:SHOWN]],
        [make_row(label_of(found.span, at_ms), one) for at_ms, one in used_parts[:SHOWN]],
    )


def _title(provider: str) -> str:
    known = providers().get(provider)
    return provider if known is None else known.title
