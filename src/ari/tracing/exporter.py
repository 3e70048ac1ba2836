"""Reads OpenTelemetry's standard variables at the start, so that a mistake stops it with one sentence.

The sentence never quotes headers: they have the collector's credential.
"""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.sdk.trace.export import SpanExporter

from ari.base.errors import ConfigurationError
from ari.base.traces import SECRET_VARIABLES
from ari.tracing.collector_session import CollectorSession

_PROTOCOL = "http/protobuf"
_DEFAULT_ENDPOINT = "http://localhost:4318"
_HEADER = re.compile(r"[!#$&'*+.^_`|~0-9A-Za-z-]+[ \t]*=[ !#-+\--:<-\[\]-~\t]*\Z")
_UNFIT_IN_HEADER = re.compile(r"[^\x20-\x7e\xa0-\xff]")
_COMPRESSIONS = ("", "none", "gzip", "deflate")
_FILES = ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")
_PLUGINS = (
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER",
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER",
)
"""They would replace ``CollectorSession``."""
_MAX_NUMBER = 10_000_000


class SpanQueue(msgspec.Struct, frozen=True):
    """How many spans may wait, how many are sent at once, and how many milliseconds they wait."""

    spans: int
    batch: int
    delay_ms: int


def make_exporter(environment: Mapping[str, str]) -> SpanExporter:
    """The sender of spans. Raises ``ConfigurationError`` for a variable that would be misread."""
    _check_destination(environment)
    _check_transfer(environment)
    try:
        SpanLimits()
        return OTLPSpanExporter(session=CollectorSession())
    except (ValueError, RuntimeError, ImportError) as error:
        raise ConfigurationError(f"OpenTelemetry refuses its variables: {error}") from None


def name_collector(environment: Mapping[str, str]) -> str:
    """Host and port of the collector, for the log."""
    found = next(filter(None, (value for _, value in _list_both(environment, "ENDPOINT"))), _DEFAULT_ENDPOINT)
    return urlsplit(found).netloc.rpartition("@")[2]


def read_queue(environment: Mapping[str, str]) -> SpanQueue:
    """The sizes of queue and batches. Raises ``ConfigurationError``."""
    spans = _read_number(environment, "OTEL_BSP_MAX_QUEUE_SIZE", 2_048)
    batch = _read_number(environment, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", min(512, spans))
    if batch > spans:
        raise ConfigurationError("OTEL_BSP_MAX_EXPORT_BATCH_SIZE: must be at most OTEL_BSP_MAX_QUEUE_SIZE.")
    return SpanQueue(spans, batch, _read_number(environment, "OTEL_BSP_SCHEDULE_DELAY", 5_000))


def _check_destination(environment: Mapping[str, str]) -> None:
    for name, value in _list_both(environment, "PROTOCOL"):
        if value not in ("", _PROTOCOL):
            raise ConfigurationError(f"{name}: ARI sends traces as {_PROTOCOL} only.")
    for name, value in _list_both(environment, "ENDPOINT"):
        _check_endpoint(name, value)
    for name in SECRET_VARIABLES:
        _check_headers(name, environment.get(name, ""))


def _check_transfer(environment: Mapping[str, str]) -> None:
    for name in _PLUGINS:
        if environment.get(name):
            raise ConfigurationError(f"{name}: ARI takes the collector's credential from {SECRET_VARIABLES[0]} only.")
    for name, value in _list_both(environment, "TIMEOUT"):
        _check_timeout(name, value)
    for name, value in _list_both(environment, "COMPRESSION"):
        if value.lower() not in _COMPRESSIONS:
            raise ConfigurationError(f"{name}: must be none, gzip or deflate.")
    for kind in _FILES:
        for name, value in _list_both(environment, kind):
            if value and not Path(value).is_file():
                raise ConfigurationError(f"{name}: there is no such file.")


def _list_both(environment: Mapping[str, str], kind: str) -> list[tuple[str, str]]:
    names = (f"OTEL_EXPORTER_OTLP_TRACES_{kind}", f"OTEL_EXPORTER_OTLP_{kind}")
    return [(name, environment.get(name, "").strip()) for name in names]


def _read_number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, "").strip()
    try:
        number = int(text or default)
    except ValueError:
        number = 0
    if not 0 < number <= _MAX_NUMBER:
        raise ConfigurationError(f"{name}: must be a whole number from 1 to {_MAX_NUMBER}.")
    return number


def _check_timeout(name: str, text: str) -> None:
    try:
        seconds = float(text or 10)
    except ValueError:
        seconds = -1.0
    if not (math.isfinite(seconds) and seconds > 0):
        raise ConfigurationError(f"{name}: must be a number of seconds above 0, without a unit.")


def _check_headers(name: str, text: str) -> None:
    """OpenTelemetry's own warning would quote the header in the log, as would the error of each try to send it."""
    for pair in filter(None, map(str.strip, text.split(","))):
        if not _HEADER.match(pair) or _UNFIT_IN_HEADER.search(unquote(pair)):
            raise ConfigurationError(f"{name}: must be pairs such as authorization=Bearer%20…, separated by commas.")


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
    if "@" in parts.netloc or "?" in endpoint or "#" in endpoint:
        raise ConfigurationError(f"{name}: must have no user and no query; {SECRET_VARIABLES[0]} is for credentials.")
