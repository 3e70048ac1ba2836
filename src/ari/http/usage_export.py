"""The usage log as a file; both HTTP doors offer it."""

from starlette.responses import Response

from ari.deps import Deps
from ari.http.file_response import stream_file
from ari.keys.queries import get_names_with_consumers
from ari.usage.reports import export
from ari.usage.reports.export import Format
from ari.usage.search import UsageSearch

ROWS_A_PIECE = 1_000


async def export_answer(deps: Deps, search: UsageSearch, form: Format, *, bom: bool = True) -> Response:
    """The file as an attachment with a fixed name. The event is written first; a log that cannot be read is a 503."""
    await deps.do(export.record, form, search)
    batches = deps.instance.reports.pages(search, ROWS_A_PIECE)
    pieces = export.pieces(form, batches, lambda key_ids: deps.read_sync(get_names_with_consumers, key_ids), bom=bom)
    return await stream_file(pieces, export.MEDIA_TYPES[form], export.FILE_NAMES[form])
