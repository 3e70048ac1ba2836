"""The usage log as a file; both HTTP doors offer it."""

from starlette.responses import Response

from ari.base.clock import to_rfc3339
from ari.deps import Deps
from ari.http.file_response import stream_file
from ari.keys.queries import get_names_with_consumers
from ari.usage.reports import export
from ari.usage.reports.export import Format
from ari.usage.reports.queries import complete_until
from ari.usage.search import UsageSearch

ROWS_A_PIECE = 1_000
COMPLETE_UNTIL = "x-ari-complete-until"
"""Before when every logged request is in the file; the header is missing if all are."""


async def export_answer(deps: Deps, search: UsageSearch, form: Format, *, bom: bool = True) -> Response:
    """The file as an attachment with a fixed name. The event is written first; a log that cannot be read is a 503."""
    await deps.do(export.record, form, search)
    until_ms = await deps.report(complete_until)
    batches = deps.instance.reports.pages(search, ROWS_A_PIECE)
    pieces = export.pieces(form, batches, lambda key_ids: deps.read_sync(get_names_with_consumers, key_ids), bom=bom)
    response = await stream_file(pieces, export.MEDIA_TYPES[form], export.FILE_NAMES[form])
    if until_ms is not None:
        response.headers[COMPLETE_UNTIL] = to_rfc3339(until_ms)
    return response
