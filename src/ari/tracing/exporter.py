"""Reads OpenTelemetry's standard variables at the start, so that a mistake stops it with one sentence."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import SpanExporter

from ari.base.errors import ConfigurationError

_PROTOCOL = "http/protobuf"


def make_exporter(environment: Mapping[str, str]) -> SpanExporter:
    """The sender of spans. Raises ``ConfigurationError`` for a variable that would be misread."""
    for name in ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        if environment.get(name, _PROTOCOL) not in ("", _PROTOCOL):
            raise ConfigurationError(f"{name}: ARI sends traces as {_PROTOCOL} only.")
    for name in ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        _check_endpoint(name, environment.get(name, "").strip())
    return OTLPSpanExporter()


def _check_endpoint(name: str, endpoint: str) -> None:
    if not endpoint:
        return
    try:
        parts = urlsplit(endpoint)
        is_sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_sound = False
    if not is_sound:
        raise ConfigurationError(f"{name}: must be a URL such as http://127.0.0.1:4318.")
