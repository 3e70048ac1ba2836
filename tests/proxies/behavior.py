"""What every proxy in front of an API must do with ARI's verdict; one subclass for each proxy.

A subclass states where its proxy differs from the usual: ``limits_on_success`` (whether RateLimit reaches clients of
accepted requests), ``http2`` (curl's option for it), ``reuses_connections`` (to ARI), ``removes_by_prefix`` (whether it
removes headers like ARI's that ARI never sends).
"""

import base64
import hashlib
import json
import os
import posixpath
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException
from typing import Any, ClassVar
from urllib.parse import unquote

import pytest
from sqlalchemy import select

from ari.keys import token
from ari.storage.tables import usage_rows
from tests.proxies.harness import SCOPES, Proxied, ProxyResponse, find_program
from tests.proxies.load import Load, LoadBehavior
from tests.support.missing import skip_missing
from tests.support.processes import eventually
from tests.support.upstream import FIRST_PIECE, LAST_PIECE, WEBSOCKET_GUID
from tests.support.usage import log_of

IDENTITY = ("X-Ari-Key-Id", "X-Ari-Key-Name", "X-Ari-Key-Consumer", "X-Ari-Key-Scopes")
LARGE = 10 * 1024 * 1024
SPELLINGS = (
    "//reports/1",
    "/./reports/1",
    "/orders/../reports/1",
    "/orders//../reports/1",
    "/orders/%2e%2e/reports/1",
    "/orders/.%2E/reports/1",
    "/orders/..%2freports/1",
    "/%72eports/1",
    "/reports%2f1",
    "///reports///1",
)
WEBSOCKET_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
FRAME = bytes([0x81, 0x85, 1, 2, 3, 4]) + bytes(
    byte ^ mask for byte, mask in zip(b"hello", (1, 2, 3, 4, 1), strict=True)
)
"""A masked text frame of a client."""


def normalize(target: str) -> str:
    """The path as lenient apps see it: decoded, with ``..`` resolved and slashes merged."""
    path = unquote(target.partition("?")[0])
    return posixpath.normpath("/" + path.lstrip("/"))


def check_problem(response: ProxyResponse, status: int, code: str) -> None:
    """The client gets ARI's status, its problem document and nothing that could be cached."""
    assert response.status == status, response
    assert response.headers["content-type"].startswith("application/problem+json")
    problem = json.loads(response.body)
    assert (problem["status"], problem["code"]) == (status, code)
    assert "no-store" in response.headers["cache-control"]


class ProxyBehavior(LoadBehavior):
    """The checks; a subclass's module has the fixture ``proxied``."""

    limits_on_success: ClassVar[bool] = True
    reuses_connections: ClassVar[bool] = True
    removes_by_prefix: ClassVar[bool] = True
    http2: ClassVar[str] = "--http2"

    @pytest.fixture(autouse=True)
    def _begin_again(self, proxied: Proxied) -> Iterator[None]:
        proxied.reset()
        yield
        proxied.reset()

    def test_a_good_key_reaches_the_api_with_its_identity(self, proxied: Proxied) -> None:
        """The request arrives unchanged, with one line for each fact about the key."""
        key_id, secret = proxied.create_key("Nightly export")
        response = proxied.caller()("PUT", "/orders/42?fields=id%2Cname", secret, ("x-other", "kept"), body=b"{}")
        assert response.status == 200, response
        got = proxied.upstream.last
        assert (got.method, got.target, got.body_length) == ("PUT", "/orders/42?fields=id%2Cname", 2)
        assert got.values("x-other") == ["kept"]
        assert got.values("X-Ari-Key-Id") == [key_id]
        assert got.values("X-Ari-Key-Scopes") == ["orders:read"]
        assert got.values("X-Ari-Key-Name")[0].replace("%20", " ") == "Nightly export"

    def test_a_bearer_token_is_a_key_too(self, proxied: Proxied) -> None:
        """``Authorization`` reaches ARI as well as ``x-api-key``."""
        key_id, secret = proxied.create_key("bearer")
        assert proxied.caller()("GET", "/orders", None, ("Authorization", f"Bearer {secret}")).status == 200
        assert proxied.upstream.last.values("X-Ari-Key-Id") == [key_id]

    def test_identity_headers_of_clients_are_removed(self, proxied: Proxied) -> None:
        """In any case, with underscores, and sent twice: the API sees only what ARI said."""
        key_id, secret = proxied.create_key("honest")
        names = [*IDENTITY, "X-Ari-Key-Metadata", "x_ari_key_id", "X-Ari_Key-Id", "X_ARI-KEY-SCOPES"]
        names += ["X-Ari-Other"] if self.removes_by_prefix else []
        lines = [(name, "spoofed") for name in [*names, *(name.upper() for name in names), *map(str.lower, names)]]
        response = proxied.caller()("GET", "/orders", secret, *lines)
        if response.status == 400:
            assert proxied.upstream.received == []
            lines = [(name, value) for name, value in lines if "_" not in name]
            response = proxied.caller()("GET", "/orders", secret, *lines)
        assert response.status == 200, response
        assert "spoofed" not in str(proxied.upstream.last.headers)
        assert [value for name, value in proxied.upstream.last.identity if "id" in name.lower()] == [key_id]

    @pytest.mark.parametrize("name", ["X-Ari-Key-Id", "x-api-key", "X-Forwarded-Uri", "X-Original-URI"])
    def test_connection_headers_remove_no_identity(self, proxied: Proxied, name: str) -> None:
        """Clients can name any header in ``Connection``, and proxies then remove it (RFC 9110 §7.6.1)."""
        key_id, secret = proxied.create_key("hop by hop", *SCOPES)
        for path in ("/orders", "/reports/1"):
            for values in ((f"keep-alive, {name}",), ("keep-alive", name.upper())):
                lines = [("Connection", value) for value in values]
                assert proxied.caller()("GET", path, secret, *lines).status in (200, 400, 401, 403, 503)
        assert all(one.values("X-Ari-Key-Id") == [key_id] for one in proxied.upstream.received)

    def test_clients_cannot_name_another_request(self, proxied: Proxied) -> None:
        """Headers of either family don't change which method and path ARI logs."""
        key_id, secret = proxied.create_key("true path")
        for family in ("X-Forwarded", "X-Original"):
            lines = [
                (f"{family}-Method", "DELETE"),
                (f"{family}-Uri", "/spoofed"),
                (f"{family}-Url", "http://x/spoofed"),
            ]
            proxied.upstream.reset()
            status = proxied.caller()("GET", "/orders/7", secret, *lines).status
            assert (status, proxied.upstream.targets()) in ((200, ["/orders/7"]), (403, []))
        for row in self.rows(proxied, key_id):
            assert (row.method, row.path, row.code) == ("GET", "/orders/7", "ok") or row.code == "proxy_misconfigured"

    def test_no_key_and_a_wrong_key_are_401(self, proxied: Proxied) -> None:
        """With the challenges and ARI's problem; the API sees nothing."""
        call = proxied.caller()
        for secret, code in ((None, "missing"), (token.mint(), "unknown"), ("ari_k_nonsense", "malformed")):
            response = call("GET", "/orders", secret)
            check_problem(response, 401, code)
            assert "ApiKey" in response.headers["www-authenticate"]
        assert proxied.upstream.received == []

    def test_a_missing_scope_is_403(self, proxied: Proxied) -> None:
        """The scope belongs to the path, as the proxy's config says."""
        _, secret = proxied.create_key("orders only")
        call = proxied.caller()
        response = call("GET", "/reports/1", secret)
        check_problem(response, 403, "insufficient_scope")
        assert json.loads(response.body)["scope"] == "reports:read"
        assert proxied.upstream.received == []
        _, other = proxied.create_key("reports only", "reports:read")
        assert call("GET", "/reports/1", other).status == 200
        check_problem(call("GET", "/orders/1", other), 403, "insufficient_scope")

    def test_no_spelling_of_a_path_avoids_its_scope(self, proxied: Proxied) -> None:
        """Whatever the API may take for a path below ``/reports/`` needs the scope of that path."""
        _, secret = proxied.create_key("orders only")
        for target in SPELLINGS:
            call = proxied.caller()
            with suppress(HTTPException):
                assert call("GET", target, secret).status in (200, 301, 307, 308, 400, 403, 404), target
        assert [one for one in proxied.upstream.targets() if normalize(one).startswith("/reports/")] == []

    def test_a_used_up_limit_is_429(self, proxied: Proxied) -> None:
        """With the time to wait and what remains; each request through the proxy is charged once."""
        _, secret = proxied.create_key("limited", limits=[{"name": "default", "limit": 2, "window": "1h"}])
        call = proxied.caller()
        for remaining in (1, 0):
            response = call("GET", "/orders", secret)
            assert response.status == 200
            if self.limits_on_success:
                assert f'"default";r={remaining}' in response.headers["ratelimit"]
        response = call("GET", "/orders", secret)
        check_problem(response, 429, "rate_limited")
        assert int(response.headers["retry-after"]) > 0
        assert '"default";r=0' in response.headers["ratelimit"]
        assert '"default";q=2;w=3600' in response.headers["ratelimit-policy"]
        assert len(proxied.upstream.received) == 2

    def test_a_revoked_key_is_dead_on_the_next_request(self, proxied: Proxied) -> None:
        """On the same connection, for the same request: a verdict that the proxy kept would accept it."""
        key_id, secret = proxied.create_key("revoked")
        call = proxied.caller()
        for _ in range(3):
            assert call("GET", "/orders/same", secret).status == 200
        assert proxied.owner.cli("keys", "revoke", "--yes", key_id).returncode == 0
        check_problem(call("GET", "/orders/same", secret), 401, "revoked")
        assert proxied.upstream.targets() == ["/orders/same"] * 3

    def test_the_log_holds_the_original_request(self, proxied: Proxied) -> None:
        """Method, path, address and user agent of the client, not of the proxy; refused requests too."""
        key_id, secret = proxied.create_key("logged")
        try:
            call = proxied.caller("127.0.0.2")
            agent = ("user-agent", "orders-client/1.2")
            spoofed = ("x-forwarded-for", "203.0.113.99")
            assert call("DELETE", "/orders/42", secret, agent, spoofed).status == 200
        except OSError:
            skip_missing("127.0.0.2 is not an address of this machine")
        assert call("POST", "/reports/9", secret, agent, body=b"{}").status == 403
        rows = self.rows(proxied, key_id)
        assert [(row.method, row.path, row.code) for row in rows] == [
            ("DELETE", "/orders/42", "ok"),
            ("POST", "/reports/9", "insufficient_scope"),
        ]
        assert {(row.client_address, row.user_agent) for row in rows} == {("127.0.0.2", "orders-client/1.2")}
        assert not any(row.route.startswith("/api/forward-auth") for row in rows)

    def test_streams_arrive_in_pieces(self, proxied: Proxied) -> None:
        """The first piece arrives before the API sends the second."""
        _, secret = proxied.create_key("stream")
        response = proxied.caller().begin("GET", "/stream", secret)
        assert response.status == 200
        assert response.read(len(FIRST_PIECE)) == FIRST_PIECE
        assert not proxied.upstream.gate.is_set()
        proxied.upstream.gate.set()
        assert response.read() == LAST_PIECE

    def test_websockets_are_upgraded_for_good_keys_only(self, proxied: Proxied) -> None:
        """The handshake is verified like any request; then bytes pass both ways."""
        key_id, secret = proxied.create_key("websocket")
        upgrade = [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", WEBSOCKET_KEY),
        ]
        check_problem(proxied.caller()("GET", "/orders/live", None, *upgrade), 401, "missing")
        assert proxied.upstream.received == []
        call = proxied.caller()
        response = call.begin("GET", "/orders/live", secret, *upgrade)
        assert response.status == 101
        accept = base64.b64encode(hashlib.sha1((WEBSOCKET_KEY + WEBSOCKET_GUID).encode()).digest()).decode()
        assert response.getheader("Sec-WebSocket-Accept") == accept
        assert proxied.upstream.last.values("X-Ari-Key-Id") == [key_id]
        line: socket.socket = call.connection.sock
        for _ in range(2):
            line.sendall(FRAME)
            assert read_exactly(line, len(FRAME)) == FRAME

    def test_a_large_body_passes_and_does_not_reach_ari(self, proxied: Proxied) -> None:
        """ARI limits bodies to 64 KiB; none of the 10 MiB is sent there."""
        _, secret = proxied.create_key("large")
        body = os.urandom(1024) * (LARGE // 1024)
        response = proxied.caller()("POST", "/orders/import", secret, body=body)
        assert response.status == 200, response
        assert proxied.upstream.last.body_sha256 == hashlib.sha256(body).hexdigest()
        assert len(proxied.tap.sent) < 8_192
        refused = proxied.caller()("POST", "/orders/import", token.mint(), body=b"x" * 1_000)
        assert refused.status == 401
        assert len(proxied.upstream.received) == 1

    def test_connections_are_kept(self, proxied: Proxied) -> None:
        """Accepted and refused requests alternate on one connection of the client, and few connections reach ARI."""
        _, secret = proxied.create_key("keep-alive")
        call = proxied.caller()
        call("GET", "/orders/first", secret)
        line = call.connection.sock
        for number in range(10):
            assert call("GET", f"/orders/{number}", secret).status == 200
            assert call("GET", f"/orders/{number}", "ari_k_nonsense").status == 401
            assert call("HEAD", f"/orders/{number}", secret).status == 200
        assert call.connection.sock is line is not None
        if self.reuses_connections:
            assert proxied.tap.connections < 10

    def test_http_2_in_front(self, proxied: Proxied) -> None:
        """Clients may speak HTTP/2 to the proxy; ARI and the API see the same as always."""
        key_id, secret = proxied.create_key("http/2")
        form = "%{http_version} %{http_code} %{content_type}\n"
        url = f"{'https' if proxied.tls else 'http'}://127.0.0.1:{proxied.port}/orders/2"
        words = [find_program("curl"), "-sk", self.http2, "-o", os.devnull, "-w", form, "-m", "20"]
        found = []
        for secret_sent in (secret, "ari_k_nonsense"):
            done = subprocess.run(
                [*words, "-H", f"x-api-key: {secret_sent}", "-H", "x-ari-key-id: spoofed", url],
                capture_output=True,
                text=True,
                check=True,
            )
            found.append(done.stdout.strip())
        assert found[0] == "2 200 application/json"
        assert found[1].startswith("2 401 application/problem+json")
        assert proxied.upstream.last.values("X-Ari-Key-Id") == [key_id]
        assert [(row.method, row.path) for row in self.rows(proxied, key_id)] == [("GET", "/orders/2")]

    def test_closed_while_ari_is_down_or_silent(self, proxied: Proxied) -> None:
        """Without a verdict nothing passes, whether ARI refuses connections or doesn't respond in time."""
        _, secret = proxied.create_key("down")
        call = proxied.caller()
        assert call("GET", "/orders/before", secret).status == 200
        proxied.tap.close()
        try:
            for _ in range(3):
                assert proxied.caller()("GET", "/orders/down", secret).status == 503
        finally:
            proxied.tap.open()
        proxied.tap.flowing.clear()
        try:
            assert proxied.caller()("GET", "/orders/silent", secret).status == 503
        finally:
            proxied.tap.flowing.set()
        eventually(lambda: proxied.caller()("GET", "/orders/after", secret).status == 200)
        assert set(proxied.upstream.targets()) == {"/orders/before", "/orders/after"}

    def test_nothing_passes_unauthenticated_while_ari_restarts(self, proxied: Proxied) -> None:
        """Killed, started, stopped and started under load: the API sees only requests that are in ARI's log."""
        key_id, secret = proxied.create_key("restart")
        dead_id, dead = proxied.create_key("dead")
        assert proxied.owner.cli("keys", "revoke", "--yes", dead_id).returncode == 0
        load = Load(proxied, {"/orders/good": secret, "/orders/dead": dead, "/orders/none": None})
        with load:
            server = proxied.owner.server
            load.wait_for("/orders/good", 200)
            server.kill()
            load.wait_for("/orders/good", 503)
            server.start()
            load.wait_for("/orders/good", 200)
            server.restart()
            load.wait_for("/orders/good", 200)
        assert load.statuses["/orders/good"] <= {200, 503}
        assert load.statuses["/orders/dead"] <= {401, 503}
        assert load.statuses["/orders/none"] <= {401, 503}
        assert set(proxied.upstream.targets()) == {"/orders/good"}
        assert all(one.values("X-Ari-Key-Id") == [key_id] for one in proxied.upstream.received)
        assert len(self.rows(proxied, key_id)) >= len(proxied.upstream.received)

    @staticmethod
    def rows(proxied: Proxied, key_id: str) -> list[Any]:
        """Rows of the key in the usage log, oldest first."""
        with log_of(proxied.owner.server.data_dir) as connection:
            query = select(usage_rows).where(usage_rows.c.key_id == key_id).order_by(usage_rows.c.id)
            return list(connection.execute(query))


def read_exactly(line: socket.socket, length: int) -> bytes:
    """So many bytes of a socket."""
    found = b""
    while len(found) < length and (piece := line.recv(length - len(found))):
        found += piece
    return found
