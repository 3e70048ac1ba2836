"""ClickHouse's engine behind its HTTP interface, in a process of its own: the real client talks to the real SQL.

``python -m tests.support.clickhouse_engine PORT FOLDER`` serves the data in ``FOLDER`` with the package ``chdb-core``.
The user is ``ari``, and the password is in the variable ``ENGINE_PASSWORD``.
"""

import base64
import os
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from chdb import session

_SERVERS_OWN = {
    "query", "database", "default_format", "session_id", "query_id", "wait_end_of_query", "client_protocol_version",
    "enable_http_compression", "send_progress_in_http_headers", "http_headers_progress_interval_ms", "compress",
}  # fmt: skip
_AUTHORIZATION = "Basic " + base64.b64encode(f"ari:{os.environ.get('ENGINE_PASSWORD', '')}".encode()).decode()


class _Engine:
    """Runs one statement at a time."""

    def __init__(self, folder: str) -> None:
        make: Any = session.Session
        self._session: Any = make(folder)
        self._mutex = threading.Lock()

    def run(self, given: dict[str, str], body: bytes) -> bytes:
        query = given.get("query", "").encode()
        statement = (query + b"\n" + body if query else body).decode()
        settings = [f"{name} = '{value}'" for name, value in given.items() if name not in _SERVERS_OWN]
        with self._mutex:
            self._session.query(f"USE {given.get('database') or 'default'}")
            if settings:
                self._session.query(f"SET {', '.join(settings)}")
            found: bytes = self._session.query(statement, given.get("default_format", "TabSeparated")).bytes()
            return found


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    engine: _Engine

    def do_GET(self) -> None:
        self._respond(200, b"Ok.\n")

    def do_POST(self) -> None:
        body = self._read_body()
        if self.headers.get("Authorization") != _AUTHORIZATION:
            text = b"Code: 516. DB::Exception: ari: Authentication failed. (AUTHENTICATION_FAILED)"
            self._respond(403, text, {"X-ClickHouse-Exception-Code": "516"})
            return
        try:
            found = self.engine.run(dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True)), body)
        except Exception as error:  # noqa: BLE001 - of chdb, which gives no narrower one
            code = re.search(r"Code: (\d+)", str(error))
            headers = {"X-ClickHouse-Exception-Code": code[1]} if code else {}
            self._respond(500, str(error).encode(), headers)
            return
        is_insert = b"INSERT INTO" in body[:4_000] or "INSERT" in urlsplit(self.path).query
        summary = {"X-ClickHouse-Summary": f'{{"written_rows": "{_count_lines(body)}"}}'} if is_insert else {}
        self._respond(200, found, summary)

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _respond(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "X-ClickHouse-Query-Id": "1", "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing: the test shows what fails."""


def _count_lines(body: bytes) -> int:
    """Those with a row."""
    return sum(line.startswith(b"[") for line in body.splitlines())


def main(port: str, folder: str) -> None:
    """Serve until the process is killed."""
    _Handler.engine = _Engine(folder)
    ThreadingHTTPServer(("127.0.0.1", int(port)), _Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
