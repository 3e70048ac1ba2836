"""The export buttons of the usage pages: a form that downloads a file, so the browser stays on the page."""

from starlette.requests import Request
from starlette.responses import Response

from ari.base.errors import Invalid, Problem
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.usage_export import export_answer
from ari.instance import Instance
from ari.usage.reports.export import FORMATS
from ari.web.usage_query import find_keys, parse_usage_query


async def export_response(instance: Instance, request: Request, place: str, key_id: str | None) -> Response:
    """The file that the form on ``place`` asks for. Raises ``Invalid``."""
    fields = {name: values[0] for name, values in form_of(request).items() if values}
    query = parse_usage_query(request, instance.now_ms(), place, fields)
    if key_id is None:
        query = await find_keys(deps_of(request), query)
    if query.problems:
        raise Invalid(*(Problem(name, sentence) for name, sentence in query.problems.items()))
    form = next((form for form in FORMATS if form == fields.get("format")), None)
    if form is None:
        raise Invalid(Problem("format", "Choose csv or json."))
    return await export_answer(deps_of(request), query.search(key_id), form)
