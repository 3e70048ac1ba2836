"""OpenTelemetry's variables: a wrong one stops the start, and no credential is quoted."""

import pytest

from ari.base.errors import ConfigurationError
from ari.tracing.exporter import SpanQueue, make_exporter, name_collector, read_queue

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_HEADERS", f"authorization: Bearer {SECRET}"),
        ("OTEL_EXPORTER_OTLP_HEADERS", f"a=b,{SECRET}"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", f"a={SECRET}%0d%0ab: c"),
        ("OTEL_EXPORTER_OTLP_HEADERS", f"a={SECRET}%E2%82%AC"),
        ("OTEL_EXPORTER_OTLP_HEADERS", f"a=€{SECRET}"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:4318/?api_key={SECRET}"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"http://me:{SECRET}@127.0.0.1:4318"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "nan"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "-1"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such/file"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "x"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "abc"),
        ("OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER", SECRET),
    ],
)
def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """Before the fork, where it would end each worker again and again; the value isn't shown."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name) as caught:
        make_exporter({name: value})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("value", ["", "a=b", "authorization=Bearer%20x, b = c==", "authorization=Bearer x"])
def test_sound_headers_are_taken(value: str) -> None:
    """In both spellings that OpenTelemetry reads."""
    assert make_exporter({"OTEL_EXPORTER_OTLP_HEADERS": value}) is not None


def test_the_collector_is_named_by_its_host() -> None:
    """Of the variable that OpenTelemetry reads first, without what a path may hold."""
    both = {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"https://traces.example:4318/{SECRET}",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://other.example",
    }
    assert name_collector(both) == "traces.example:4318"
    assert name_collector({}) == "localhost:4318"


def test_a_small_queue_has_small_batches() -> None:
    """OpenTelemetry's own default batch doesn't fit, and would end each worker."""
    assert read_queue({}) == SpanQueue(2_048, 512, 5_000)
    assert read_queue({"OTEL_BSP_MAX_QUEUE_SIZE": "256"}) == SpanQueue(256, 256, 5_000)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
        ("OTEL_BSP_SCHEDULE_DELAY", "0"),
        ("OTEL_BSP_SCHEDULE_DELAY", "5s"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4096"),
    ],
)
def test_a_wrong_size_is_named(name: str, value: str) -> None:
    """These would end each worker too."""
    with pytest.raises(ConfigurationError, match=name):
        read_queue({name: value})
