"""The log: one line per entry, without secrets, in the form that is set."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from ari.base.log import configure_log, escape_controls
from ari.base.settings import load_settings

TOKEN = "ari_k_" + "A1b2C3d4E5" * 4 + "xyz" + "000000"


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Any]:
    """Configure a log in some form; returns a function that reads its lines."""
    root = logging.getLogger()
    before = root.handlers[:], root.level

    def start(form: str) -> io.StringIO:
        stream = io.StringIO()
        configure_log(load_settings(data_dir=tmp_path, log_format=form), stream)
        return stream

    yield start
    root.handlers[:], root.level = before[0], before[1]
    structlog.reset_defaults()


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_and_no_second_line(lines: Any, form: str) -> None:
    """Promise 4, for entries of ARI and of libraries: a caller's text cannot forge an entry either."""
    stream = lines(form)
    structlog.get_logger("ari.test").warning("failed", token=TOKEN, text="one\ntwo\x1b[2J", deep=[{"k": TOKEN}])
    logging.getLogger("library").warning("failed with %s", TOKEN)
    found = stream.getvalue().splitlines()
    assert len(found) == 2
    assert TOKEN not in stream.getvalue()
    assert "\x1b[2J" not in stream.getvalue()


def test_json_has_one_object_per_line(lines: Any) -> None:
    """With a time and a level, as collectors expect."""
    stream = lines("json")
    structlog.get_logger("ari.test").error("failed", count=3)
    entry = json.loads(stream.getvalue())
    assert (entry["event"], entry["level"], entry["count"]) == ("failed", "error", 3)
    assert entry["timestamp"].endswith("Z")


def test_a_traceback_shows_no_local_variables(lines: Any) -> None:
    """They hold passwords and keys."""
    stream = lines("json")
    try:
        secret = "hunter2-in-a-local"
        raise ValueError(len(secret))
    except ValueError:
        structlog.get_logger("ari.test").exception("failed")
    assert "ValueError" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


def test_a_file_gets_json_by_default(lines: Any) -> None:
    """Text is for terminals."""
    stream = lines("auto")
    structlog.get_logger("ari.test").warning("x")
    assert json.loads(stream.getvalue())["event"] == "x"


@pytest.mark.parametrize("text", ["\x1b[31m", "a\rb", "\u202e", "\x9b", "\u2028"])
def test_controls_are_escaped(text: str) -> None:
    """A log read in a terminal cannot control it."""
    assert escape_controls(text).isprintable()
