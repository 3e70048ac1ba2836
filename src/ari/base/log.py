"""Configure the log: one line per entry, as text or JSON. It never contains secrets or local variables."""

import logging
import logging.config
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog

from ari.base.secrets_in_text import cut_secrets, mask_passwords
from ari.base.settings import Settings

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def escape_controls(text: str) -> str:
    """Escape control and bidi characters as ``\\x1b``, so text stays on its line and can't control a terminal."""
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _safe_values(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return {name: _safe_deep(value) for name, value in event.items()}


def _safe_deep(value: Any) -> Any:
    """Like ``_safe``, for every string in lists and dicts: a JSON traceback is a list of frames."""
    if isinstance(value, str):
        return _safe(value)
    if isinstance(value, list):
        return [_safe_deep(one) for one in value]
    return {name: _safe_deep(one) for name, one in value.items()} if isinstance(value, dict) else value


def _safe(value: str) -> str:
    lines = mask_passwords(cut_secrets(value)).split("\n")
    return (
        "\n".join(escape_controls(line) for line in lines)
        if lines[0].startswith("Traceback")
        else escape_controls("\n".join(lines))
    )


def configure_log(settings: Settings, stream: TextIO = sys.stderr) -> None:
    """Send structlog and standard-library logging to ``stream`` in the configured format."""
    as_text = settings.log_format == "text" or (settings.log_format == "auto" and stream.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    tracebacks = structlog.processors.ExceptionRenderer(
        structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    )
    plain = structlog.processors.format_exc_info
    last: Any = (
        structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)
        if as_text
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, plain if as_text else tracebacks, _safe_values, last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log_level.upper())),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                plain if as_text else tracebacks,
                _safe_values,
                last,
            ],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING if settings.log_level == "info" else settings.log_level.upper())
