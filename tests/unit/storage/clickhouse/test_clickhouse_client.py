"""Every fault of ClickHouse is ``Unavailable``, with a reason for the operator."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from ari.base.clickhouse_url import ClickHouseUrl
from ari.base.errors import Unavailable
from ari.storage.clickhouse import clickhouse_client
from ari.storage.clickhouse.clickhouse_client import ClickHouse

pytest.importorskip("clickhouse_connect")
URL = ClickHouseUrl.parse("clickhouse://ari:x@127.0.0.1:1/ari?secure=false")
NAMES = b'["one"]\n'


class _Client:
    """Responds to each query with the same."""

    def __init__(self, respond: Callable[[], bytes], done: Any) -> None:
        self._respond = respond
        self._done = done

    def command(self, *_: Any) -> Any:
        return self._done

    def raw_query(self, *_: Any) -> bytes:
        return self._respond()

    def close(self) -> None:
        pass


def _make(monkeypatch: pytest.MonkeyPatch, respond: Callable[[], bytes], done: Any = None) -> ClickHouse:
    monkeypatch.setattr(clickhouse_client, "connect", lambda *_: _Client(respond, done))
    return ClickHouse(lambda: URL)


@pytest.mark.parametrize(
    "text", [b'["x"</html>', NAMES + b"[1]\n[2", NAMES + b"[1]\nCode: 241. DB::Exception: SECRET", NAMES + b"\xff"]
)
def test_a_response_that_is_cut_or_no_json(monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
    """ClickHouse may send a part of the rows and then an exception, with status 200."""
    with pytest.raises(Unavailable) as raised:
        _make(monkeypatch, lambda: text).read("SELECT 1")
    assert "cut" in str(raised.value.reason)
    assert "SECRET" not in str(raised.value.reason)


def test_no_result_has_no_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """A count that is missing is not 0."""
    with pytest.raises(Unavailable):
        _make(monkeypatch, lambda: NAMES).read_one("SELECT count()")


@pytest.mark.parametrize("text", [b"", b"\n", b"OK", b"<html></html>", b"[1]\n"])
def test_a_response_without_names_is_not_of_clickhouse(monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
    """A proxy in between that responds 200 to everything leaves no log empty, and no statement done."""
    database = _make(monkeypatch, lambda: text)
    for read in (database.read, database.read_rows):
        with pytest.raises(Unavailable, match="can't be read") as raised:
            read("SELECT 1", {})
        assert "isn't one of ClickHouse" in str(raised.value.reason)


def test_a_result_without_rows_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """ClickHouse says the names of its columns."""
    assert _make(monkeypatch, lambda: NAMES).read("SELECT 1") == []


def test_a_change_without_an_id_is_not_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as an address that is to be erased, where a proxy responds with nothing; a result in text has no ID."""
    summary = pytest.importorskip("clickhouse_connect.driver.summary").QuerySummary
    for done in (summary({"query_id": "1"}), "host 0", ""):
        _make(monkeypatch, lambda: b"", done).change("ALTER TABLE x")
    with pytest.raises(Unavailable) as raised:
        _make(monkeypatch, lambda: b"", summary({"query_id": ""})).change("ALTER TABLE x")
    assert "isn't one of ClickHouse" in str(raised.value.reason)


def test_the_reason_names_the_cause() -> None:
    """Nothing listens at port 1."""
    with pytest.raises(Unavailable) as raised:
        ClickHouse(lambda: URL).read("SELECT 1")
    assert "at 127.0.0.1:1/ari has the rows" in str(raised.value.reason)
    assert "nothing listens at this port" in str(raised.value.reason)
    assert "ari:x" not in str(raised.value.reason)
    assert "127.0.0.1" not in str(raised.value)


def test_reads_that_hang_take_few_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others get ``Unavailable`` soon, so that threads are left for what needs no ClickHouse."""
    monkeypatch.setattr(clickhouse_client, "MAX_WAIT_SECONDS", 0.01)
    goes_on, hanging = threading.Event(), threading.Semaphore(0)

    def hang() -> bytes:
        hanging.release()
        goes_on.wait(10)
        return NAMES + b"[1]"

    database = _make(monkeypatch, hang)
    threads = [threading.Thread(target=database.read, args=("SELECT 1",)) for _ in range(clickhouse_client.MAX_READS)]
    for thread in threads:
        thread.start()
    for _ in threads:
        hanging.acquire()
    with pytest.raises(Unavailable) as raised:
        database.read("SELECT 1")
    assert "Other reads" in str(raised.value.reason)
    goes_on.set()
    for thread in threads:
        thread.join()
    assert database.read("SELECT 1") == [[1]]
