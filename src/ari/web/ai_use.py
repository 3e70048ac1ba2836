"""Use of the AI gateway, as both usage pages show it."""

from collections.abc import Mapping
from dataclasses import dataclass

from ari.integrations.providers import providers
from ari.usage.ai import AiCount, AiSums
from ari.usage.model import HourCount
from ari.usage.reports.ai_summary import AiSummary
from ari.usage.reports.summary import Counts
from ari.web.charts import BarChart, draw_bars

SHOWN = 10


@dataclass(frozen=True, slots=True)
class AiRow:
    """A row of a table: its name, a note, the key it links to, and its use."""

    name: str
    sub: str
    key_id: str | None
    sums: AiSums


@dataclass(frozen=True, slots=True)
class AiView:
    """Sums, a chart of succeeded and failed requests, and tables; ``most`` is the full length of their bars."""

    sums: AiSums
    chart: BarChart
    providers: list[AiRow]
    models: list[AiRow]
    keys: list[AiRow]

    @property
    def most(self) -> int:
        """All requests."""
        return self.sums.request_count


def build_ai_view(found: AiSummary, names: Mapping[str, str | None]) -> AiView | None:
    """``None`` if nothing was used; ``names`` are those of the keys, by ID."""
    sums = found.sums
    if not sums.request_count:
        return None
    parts = [HourCount(at_ms, one.request_count - one.failed_count, one.failed_count) for at_ms, one in found.parts]
    return AiView(
        sums,
        draw_bars(Counts(found.span, parts, [])),
        [AiRow(_title(one.provider), "", None, one.sums) for one in found.providers[:SHOWN]],
        [AiRow(one.name, _title(one.provider), None, one.sums) for one in found.models[:SHOWN]],
        [_key(one, names) for one in found.keys[:SHOWN]],
    )


def _key(one: AiCount, names: Mapping[str, str | None]) -> AiRow:
    name = names.get(one.name)
    return AiRow(name or one.name, "", None if name is None else one.name, one.sums)


def _title(provider: str) -> str:
    known = providers().get(provider)
    return provider if known is None else known.title
