"""The response for a fault: problem details for the API, a page elsewhere. It holds no value that the caller sent."""

from ari.http import problem
from ari.http.context import RequestContext
from ari.http.problem import Fault
from ari.http.responses import Response
from ari.http.services import Services


def fault_response(
    context: RequestContext, services: Services, fault: Fault, *, as_problem: bool | None = None
) -> Response:
    """``as_problem`` overrides the choice between problem details and a page."""
    token_sent = bool(context.credentials.tokens)
    for_sdks = context.head.path.startswith("/api/ai/")
    if as_problem is None:
        as_problem = context.head.is_api or context.key is not None or token_sent
    if as_problem:
        content = problem.body(fault, services.settings.base_url, context.request_id, for_sdks=for_sdks)
        media_type = problem.MEDIA_TYPE
    else:
        content, media_type = services.error_page(context, fault), "text/html; charset=utf-8"
    headers = [(b"content-type", media_type.encode()), (b"content-length", str(len(content)).encode())]
    headers += problem.headers(fault, token_sent=token_sent, for_sdks=for_sdks)
    return Response(fault.reason.status, headers, content)
