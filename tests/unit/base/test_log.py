"""The log: one line per entry, without secrets, in the form that is set."""

import asyncio
import io
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog

from ari.base.clock import from_rfc3339
from ari.base.log import configure_log, escape_controls, name_worker
from ari.base.served_request import ServedRequest, set_served_request
from ari.base.settings import load_settings

TOKEN = "ari_k_" + "A1b2C3d4E5" * 4 + "xyz" + "000000"


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Any]:
    """Configure a log in some form; returns a function that reads its lines."""
    root = logging.getLogger()
    before = root.handlers[:], root.level

    def start(form: str, stream: Any = None) -> Any:
        stream = stream or io.StringIO()
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
    assert list(entry)[:4] == ["time", "level", "logger", "message"]
    assert (entry["message"], entry["level"], entry["count"]) == ("failed", "error", 3)
    assert (entry["logger"], entry["pid"]) == ("ari.test", os.getpid())
    assert from_rfc3339(entry["time"]) > 0
    assert entry["time"].endswith("Z")


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


def serve_request(request_id: str) -> ServedRequest:
    trace: Any = SimpleNamespace(find_ids=lambda: ("a" * 32, "b" * 16))
    request = ServedRequest(request_id, trace=trace)
    set_served_request(request)
    return request


def test_entries_have_the_ids_of_the_request_that_is_served(lines: Any) -> None:
    """Also in a thread of the request and in entries of libraries, and no longer after it or in another one."""
    stream, log = lines("json"), structlog.get_logger("ari.test")

    async def serve(request_id: str) -> None:
        request = serve_request(request_id)
        await asyncio.sleep(0)
        log.warning("event loop", of=request_id)
        await asyncio.to_thread(logging.getLogger("library").warning, "thread of %s", request_id)
        request.is_served = False
        log.warning("afterwards")

    async def run() -> None:
        await asyncio.gather(serve("req_1"), serve("req_2"))
        log.warning("no request")

    asyncio.run(run())
    entries = [json.loads(line) for line in stream.getvalue().splitlines()]
    by_message: dict[str, set[Any]] = {}
    for one in entries:
        by_message.setdefault(one["message"], set()).add((one.get("request_id"), one.get("trace_id"), one.get("of")))
    trace = "a" * 32
    assert by_message == {
        "event loop": {("req_1", trace, "req_1"), ("req_2", trace, "req_2")},
        "thread of req_1": {("req_1", trace, None)},
        "thread of req_2": {("req_2", trace, None)},
        "afterwards": {(None, None, None)},
        "no request": {(None, None, None)},
    }


def test_the_text_has_the_ids_too(lines: Any) -> None:
    """People search for the id that an error page shows."""
    stream = lines("text")
    request = serve_request("req_7")
    structlog.get_logger("ari.test").warning("slow")
    request.is_served = False
    assert "request_id=req_7" in stream.getvalue()


class Unwritable:
    """An object of no type that JSON has."""

    def __repr__(self) -> str:
        return f"<{TOKEN}\n>"


@pytest.mark.parametrize("form", ["text", "json"])
def test_every_value_is_safe(lines: Any, form: str) -> None:
    """Bytes, objects, sets, names and numbers that JSON lacks: one line, valid JSON, no secret."""
    stream = lines(form)
    values: dict[str, Any] = {
        "raw": TOKEN.encode(),
        "thing": Unwritable(),
        "tuple": (TOKEN, "a\nb"),
        "set": {TOKEN},
        "number": float("nan"),
        "half": "\ud800",
        "deep": {f"x\n{TOKEN}": [b"\n", (1, None, True)]},
        "stack": "one\ntwo",
        "exception": "one\ntwo",
        "evil\nname": 1,
    }
    structlog.get_logger("ari.test\n").warning("Traceback\nforged", **values)
    (line,) = stream.getvalue().splitlines()
    assert TOKEN not in line
    if form == "json":
        entry = json.loads(line, parse_constant=pytest.fail)
        assert (entry["message"], entry["number"]) == ("Traceback\\nforged", "nan")


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_error_is_one_line(lines: Any, form: str) -> None:
    """The whole traceback, also one that is cut because it is too long, and with a message of several lines."""
    stream = lines(form)

    def fail(depth: int) -> None:
        if depth:
            fail(depth - 1)
        raise ValueError(f"{TOKEN}\nforged {depth}")

    for depth in (0, 200):
        try:
            fail(depth)
        except ValueError:
            structlog.get_logger("ari.test").exception("failed")
            logging.getLogger("library").exception("failed")
    found = stream.getvalue().splitlines()
    assert len(found) == 4
    assert all(len(line) < 4_096 and TOKEN not in line and "ValueError" in line for line in found)
    if form == "json":
        assert all("\nforged 0" in json.loads(line)["exception"] for line in found)


def test_a_worker_names_itself(lines: Any) -> None:
    """Its number is the same after it was replaced; its process id is not."""
    stream = lines("json")
    for number in (3, None):
        name_worker(number)
        structlog.get_logger("ari.test").warning("x")
    worker, parent = map(json.loads, stream.getvalue().splitlines())
    assert worker["worker"] == 3
    assert "worker" not in parent


def test_a_file_gets_json_by_default(lines: Any) -> None:
    """Text is for terminals."""
    stream = lines("auto")
    structlog.get_logger("ari.test").warning("x")
    assert json.loads(stream.getvalue())["message"] == "x"


@pytest.mark.parametrize("text", ["\x1b[31m", "a\rb", "\u202e", "\x9b", "\u2028"])
def test_controls_are_escaped(text: str) -> None:
    """A log read in a terminal cannot control it."""
    assert escape_controls(text).isprintable()


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_line_is_longer_than_a_pipe_takes_at_once(lines: Any, form: str) -> None:
    """A caller's long text would mix with the entries of other processes; the rest of the entry stays."""
    long = "\u20ac\x1b" * 2_000
    for fields in ({"method": long}, {long: 1}, {f"n{number}": long[:99] for number in range(99)}, {"deep": [[long]]}):
        stream = lines(form)
        structlog.get_logger("ari.test").warning("slow", **fields)
        logging.getLogger("library").error("failed: %s", long)
        found = stream.getvalue().splitlines()
        assert len(found) == 2
        assert all(len(line.encode()) < 4_096 for line in found)
        if form == "json":
            assert [json.loads(line)["level"] for line in found] == ["warning", "error"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_log_that_cannot_be_written_stops_nothing(lines: Any, tmp_path: Path, form: str) -> None:
    """Neither for entries of ARI nor for those of libraries; later, an entry says how many are lost."""
    log = structlog.get_logger("ari.test")
    with Path("/dev/full").open("w") as full, (tmp_path / "log").open("w") as disk:
        lines(form, full)
        for write in (log.info, log.warning, log.error, log.exception, logging.getLogger("library").error):
            write("lost")
        os.dup2(disk.fileno(), full.fileno())
        log.warning("kept")
    kept, lost = (tmp_path / "log").read_text().splitlines()
    assert "kept" in kept
    assert ("count=5" if form == "text" else '"count": 5') in lost
