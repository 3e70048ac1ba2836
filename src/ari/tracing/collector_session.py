"""Requests to the collector: of its responses nothing is followed, kept, decompressed or read without a bound.

OpenTelemetry counts every status below 400 as a success, also a redirect, whose target never gets the spans.
"""

from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from time import monotonic
from typing import Any

import requests
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from urllib3.exceptions import HTTPError

from ari.tracing.export_deadline import CuttingAdapter, Exchange

MAX_BODY_BYTES = 64 * 1024
"""A response of OTLP has a number and a sentence."""
READ_SECONDS = 2.0
"""How long a body may take."""
DEFAULT_SECONDS = 10.0
"""How long a request may take without a timeout of its own."""
_PROTOBUF, _WEB_PAGE = "application/x-protobuf", "text/html"
_TOO_LATE = "the collector didn't complete its response in time"


class CollectorFault(requests.RequestException):
    """The collector didn't take the spans, although its status is below 400.

    The message is fixed text with numbers, so it can be logged whole.
    """


class CollectorSession(requests.Session):
    """Sends spans. Raises ``CollectorFault`` for a response that only looks like a success."""

    def __init__(self) -> None:
        super().__init__()
        self.headers["accept-encoding"] = "identity"
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))  # else each response could add megabytes
        for scheme in ("http://", "https://"):
            self.mount(scheme, CuttingAdapter())

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: even without following it, the library would decompress a redirect's body to look at its target."""

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send the request and read the start of the response. Other statuses are for the caller to judge.

        The timeout is that of the whole: the library's own begins again with each byte and each ``100 Continue``.
        """
        given = kwargs.get("timeout")
        seconds = given if isinstance(given, int | float) else DEFAULT_SECONDS
        with Exchange(seconds) as exchange:
            try:
                response = self._exchange(request, {**kwargs, "stream": True})
            except Exception:
                if exchange.is_cut:
                    raise CollectorFault(_TOO_LATE) from None
                raise
            if exchange.is_cut:  # what was read until then may look whole
                raise CollectorFault(_TOO_LATE)
        return response

    def _exchange(self, request: requests.PreparedRequest, options: dict[str, Any]) -> requests.Response:
        response = super().send(request, **options)
        try:
            status = response.status_code
            if 300 <= status < 400:
                raise CollectorFault(f"the collector returned {status}, a redirect that ARI doesn't follow")
            if status < 300:
                _judge(response.headers, _read_start(response.raw))
        finally:
            response.close()
        return response


def _read_start(raw: Any) -> bytes:
    """The whole body, as it was sent. Raises ``CollectorFault`` for one that is long, slow or cut off."""
    body, deadline = b"", monotonic() + READ_SECONDS
    try:
        while part := raw.read1(MAX_BODY_BYTES, decode_content=False):
            body += part
            if len(body) > MAX_BODY_BYTES or monotonic() > deadline:
                raise CollectorFault("the collector's response is too long or too slow")
    except HTTPError:
        raise CollectorFault("the collector's response was cut off") from None
    return body


def _judge(headers: Mapping[str, str], body: bytes) -> None:
    """Raise ``CollectorFault`` for a web page, and for a collector that rejected spans."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _WEB_PAGE:
        raise CollectorFault("the collector returned a web page, so this isn't the address of its OTLP endpoint")
    if kind != _PROTOBUF or headers.get("content-encoding", "identity") != "identity":
        return
    try:
        rejected = ExportTraceServiceResponse.FromString(body).partial_success.rejected_spans
    except DecodeError:
        return
    if rejected > 0:
        raise CollectorFault(f"the collector rejected {rejected} spans")
