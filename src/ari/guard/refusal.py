"""Refusals of a request, ready to be sent: problem details (RFC 9457) and headers, the same as ARI's own."""

import msgspec

from ari.http import problem
from ari.http.limit_headers import limit_headers
from ari.http.problem import Fault, Header
from ari.keys.limits.charge import Decision
from ari.keys.reasons import REQUEST_ERRORS

MISCONFIGURED = Fault(REQUEST_ERRORS["internal"])
"""A fault of the service, such as an undeclared scope; the log of the service says which."""


class Refusal(msgspec.Struct, frozen=True):
    """``body`` is the problem document. ``headers`` have its content type and length, and lower-case names."""

    status: int
    code: str
    detail: str
    body: bytes
    headers: tuple[Header, ...]

    @property
    def problem(self) -> dict[str, object]:
        """The document, decoded."""
        document: dict[str, object] = msgspec.json.decode(self.body)
        return document

    @property
    def text_headers(self) -> list[tuple[str, str]]:
        """The headers as text, for frameworks that take it."""
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.headers]


def make_refusal(
    fault: Fault, base_url: str | None, request_id: str, *, token_sent: bool, decision: Decision | None = None
) -> Refusal:
    """The response for a fault. ``decision`` is that about the key's limits, for the RateLimit headers."""
    body = problem.body(fault, base_url, request_id)
    headers = [
        (b"content-type", problem.MEDIA_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        (b"x-request-id", request_id.encode("latin-1", "replace")),
        *problem.headers(fault, token_sent=token_sent),
        *(() if decision is None else limit_headers(decision)),
    ]
    detail = str(msgspec.json.decode(body)["detail"])
    return Refusal(fault.reason.status, fault.reason.code, detail, body, tuple(headers))
