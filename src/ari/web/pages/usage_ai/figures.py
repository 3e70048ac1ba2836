"""The figures of Settings > Usage > AI as a CSV file: the rows of its tables, with all their numbers."""

from collections.abc import Iterator

from ari.base.clock import to_rfc3339
from ari.base.money import format_usd
from ari.base.spreadsheet import write_csv
from ari.usage.ai import AiSums
from ari.usage.cleaning import clean
from ari.usage.spans import Unit
from ari.web.ai_use import AiRow, AiView

FILE_NAME = "ari-ai-costs.csv"
MEDIA_TYPE = "text/csv; charset=utf-8"
_MAX_NAME = 200


def write_figures(view: AiView | None, unit: Unit) -> Iterator[bytes]:
    """The totals, then the rows by key, consumer, model, provider and part of time. Costs are in US dollars."""
    rows = [_describe("total", "", "", "", AiSums() if view is None else view.sums)]
    if view is not None:
        for by, shown in (
            ("key", view.keys),
            ("consumer", view.consumers),
            ("model", view.models),
            ("provider", view.providers),
            (unit, view.times),
        ):
            rows += [_describe_row(by, row) for row in shown]
    return write_csv(tuple(rows[0]), [rows])


def _describe_row(by: str, row: AiRow) -> dict[str, object]:
    row_id = to_rfc3339(row.id) if isinstance(row.id, int) else row.id
    return _describe(by, row_id, row.name, row.sub, row.sums)


def _describe(by: str, row_id: str, name: str, provider: str, sums: AiSums) -> dict[str, object]:
    """An unknown number is an empty cell. ``priced`` are the requests with a known cost, ``counted`` those with known
    token counts."""
    is_priced, is_counted = sums.priced_count or not sums.request_count, sums.told_count or not sums.request_count
    return {
        "by": by,
        "id": clean(row_id, _MAX_NAME),
        "name": clean(name, _MAX_NAME),
        "provider": clean(provider, _MAX_NAME),
        "cost_usd": format_usd(sums.cost_micros) if is_priced else None,
        "requests": sums.request_count,
        "priced": sums.priced_count,
        "estimated": sums.estimated_count,
        "failed": sums.failed_count,
        "counted": sums.told_count,
        "input_tokens": sums.input_tokens if is_counted else None,
        "output_tokens": sums.output_tokens if is_counted else None,
        "cached_tokens": sums.cached_tokens if is_counted else None,
    }
