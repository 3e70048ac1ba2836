"""Checks of every proxy: requests made so that the proxy and the API behind it see different things.

The API is one that resolves nothing in a path, such as one with the route ``/reports/{path:path}``, or one that does.
"""

import http.client
import re

import pytest

from tests.proxies.harness import SCOPES, Proxied
from tests.proxies.http2 import send_open_request

AMBIGUOUS = re.compile(
    r"//|[;\\#\x00-\x20\x7f-\x9f]|%([01].|7f|2f|5c|3b|23)|%c2%[89].|/([.]|%2e){1,2}(/|$)|%(?![0-9a-f]{2})",
    re.IGNORECASE,
)
"""Paths that two programs read differently."""
CONTROLS = (
    "/reports%0a",
    "/reports%0A?x=1",
    "/%0areports",
    "/reports%0d",
    "/reports%09/1",
    "/reports%1F",
    "/reports%7f",
    "/reports%c2%85",
    "/reports%C2%9f/1",
)
TARGETS = (
    "//reports/1",
    "/reports//1",
    "/reports/1/../../orders",
    "/reports/./1",
    "/orders/.",
    "/reports/..",
    "/reports/%2e%2e/orders",
    "/reports/1/.%2E/%2E./orders",
    "/reports/1%2f..%2f..%2forders",
    "/reports/..;/orders",
    "/orders/..;x/reports/1",
    "/reports;x/1",
    "/;/reports/1",
    "/reports%3Bx/1",
    "/reports%5c1",
    "/reports\\1",
    "/reports/1%",
    "/reports/1%zz",
    "/reports/1%2",
    "/reports%00/1",
    *CONTROLS,
    "/reports#/1",
    "/#/../reports/1",
    "/orders/1/..?x=1",
)
UPGRADES = (("h2c",), ("H2C",), ("foo/1",), ("websocket, h2c",), ("websocket", "h2c"), ("h2c", "websocket"))


def read_status(proxied: Proxied, target: str, secret: str, *lines: tuple[str, str], method: str = "GET") -> int:
    """The status of one request on a connection of its own; 400 if the proxy hangs up."""
    try:
        return proxied.caller()(method, target, secret, *lines).status
    except (OSError, http.client.HTTPException):
        return 400


class HostileBehavior:
    """The checks; a subclass's module has the fixture ``proxied``."""

    def test_the_api_sees_no_ambiguous_path(self, proxied: Proxied) -> None:
        """The path that the API gets has one spelling, and its scope is that of the key."""
        for scope, wrong in (("orders:read", True), ("reports:read", False)):
            _, secret = proxied.create_key(f"only {scope}", scope)
            for target in TARGETS:
                proxied.upstream.reset()
                assert read_status(proxied, target, secret) in (200, 400, 403, 404), target
                for got in proxied.upstream.targets():
                    path = got.partition("?")[0]
                    assert AMBIGUOUS.search(path) is None, (target, got)
                    assert re.match("/reports(/|$)", path) is None or not wrong, (target, got)

    def test_control_characters_are_refused_by_the_proxy_itself(self, proxied: Proxied) -> None:
        """Starlette takes ``/reports%0a`` for ``/reports``. ARI would refuse it as well, but isn't asked."""
        _, secret = proxied.create_key("controls", *SCOPES)
        assert {read_status(proxied, target, secret) for target in CONTROLS} == {400}
        assert (proxied.upstream.received, bytes(proxied.tap.sent)) == ([], b"")

    def test_a_query_may_hold_anything(self, proxied: Proxied) -> None:
        """Only paths choose a scope."""
        _, secret = proxied.create_key("query")
        target = "/orders?next=/../reports//1;x%2f%5c%3b\\&y=."
        assert read_status(proxied, target, secret) == 200
        assert proxied.upstream.targets() == [target]

    def test_a_collection_needs_the_scope_of_its_items(self, proxied: Proxied) -> None:
        """``/reports`` without a slash is a part of ``/reports/``, but ``/reportsx`` isn't."""
        _, orders = proxied.create_key("orders only")
        _, reports = proxied.create_key("reports only", "reports:read")
        for target in ("/reports", "/reports?x=1", "/reports/", "/%72eports"):
            assert read_status(proxied, target, orders) == 403, target
        assert proxied.upstream.received == []
        assert read_status(proxied, "/reports?x=1", reports) == 200
        assert read_status(proxied, "/reportsx", reports) == 403
        assert read_status(proxied, "/reportsx", orders) == 200

    def test_a_suffix_needs_the_scope_of_its_path(self, proxied: Proxied) -> None:
        """Rails and Django REST framework serve ``/reports.json`` as ``/reports``."""
        _, orders = proxied.create_key("orders only")
        _, reports = proxied.create_key("reports only", "reports:read")
        for target in ("/reports.json", "/reports.", "/reports.api?x=1", "/reports%2ejson", "/reports/1.json"):
            assert read_status(proxied, target, orders) == 403, target
        assert proxied.upstream.received == []
        assert read_status(proxied, "/reports.json", reports) == 200

    @pytest.mark.parametrize("method", ["CONNECT", "TRACE"])
    def test_no_method_makes_a_tunnel(self, proxied: Proxied, method: str) -> None:
        """A proxy may pass the body of CONNECT on as it came: requests that ARI never sees, in the name of anyone.

        ARI would refuse these methods as well, but isn't asked.
        """
        _, secret = proxied.create_key("tunnel", *SCOPES)
        assert read_status(proxied, "/orders", secret, method=method) in (400, 403, 404, 405)
        authority = f"127.0.0.1:{proxied.port}"
        assert read_status(proxied, authority, secret, method=method) in (400, 403, 404, 405)
        headers = [(b":method", method.encode()), (b":authority", authority.encode()), (b"x-api-key", secret.encode())]
        if method != "CONNECT":
            headers[1:1] = [(b":scheme", b"https"), (b":path", b"/orders")]
        hidden = b"DELETE /reports/1 HTTP/1.1\r\nHost: api\r\nX-Ari-Key-Id: key_of_another\r\n\r\n"
        send_open_request(proxied.port, headers, hidden)
        assert (proxied.upstream.received, bytes(proxied.tap.sent)) == ([], b"")

    def test_a_key_without_limits_has_no_limits_in_its_response(self, proxied: Proxied) -> None:
        """Not even the name of a variable of the configuration."""
        _, secret = proxied.create_key("no limits")
        response = proxied.caller()("GET", "/orders", secret)
        assert response.status == 200
        assert not response.headers.get("ratelimit")
        assert not response.headers.get("ratelimit-policy")

    @pytest.mark.parametrize("values", UPGRADES, ids=", ".join)
    def test_only_websockets_are_upgraded(self, proxied: Proxied, values: tuple[str, ...]) -> None:
        """Over any other protocol, clients could send the API requests that ARI never sees."""
        _, secret = proxied.create_key("upgrade")
        lines = [("Connection", "Upgrade, HTTP2-Settings"), ("HTTP2-Settings", "AAMAAABkAAQAAP__")]
        lines += [("Upgrade", value) for value in values]
        # 502: nginx refuses to upgrade if the client sent two lines.
        assert read_status(proxied, "/orders", secret, *lines) in (101, 200, 400, 403, 426, 502)
        for got in proxied.upstream.received:
            assert [value.lower() for value in got.values("upgrade")] in ([], ["websocket"])
            assert got.values("http2-settings") == []

    def test_connection_names_no_header_to_the_api(self, proxied: Proxied) -> None:
        """A proxy between this one and the API would remove what it names."""
        _, secret = proxied.create_key("hops")
        for name in ("X-Ari-Key-Id", "x-ari-key-scopes", "X_Ari_Key_Id", "Host"):
            read_status(proxied, "/orders", secret, ("Connection", f"keep-alive, {name}"))
        for got in proxied.upstream.received:
            tokens = ",".join(got.values("connection")).lower().replace(" ", "")
            assert set(tokens.split(",")) <= {"", "close", "keep-alive", "upgrade"}

    def test_a_full_head_loses_no_identity(self, proxied: Proxied) -> None:
        """Proxies have room for so many headers; a request whose identity has none must not pass without it."""
        key_id, secret = proxied.create_key("\N{GRINNING FACE}" * 100)
        for size in range(12_800, 15_600, 200):
            assert read_status(proxied, "/orders", secret, ("X-Pad", "x" * size)) in (200, 400, 413, 431, 494, 503)
        for got in proxied.upstream.received:
            assert got.values("X-Ari-Key-Id") == [key_id]
            assert got.values("X-Ari-Key-Scopes") == [SCOPES[0]]
            assert len(got.values("X-Ari-Key-Name")) == 1

    def test_identity_headers_with_dots_are_removed(self, proxied: Proxied) -> None:
        """Some apps take any sign in a header's name for a hyphen."""
        _, secret = proxied.create_key("dots")
        for name in ("X.Ari.Key.Id", "x.ari-key-id", "X-Ari.Key.Id", "X_Ari.Key_Id"):
            read_status(proxied, "/orders", secret, (name, "spoofed"))
        assert all("spoofed" not in str(got.headers) for got in proxied.upstream.received)

    def test_an_address_has_one_spelling(self, proxied: Proxied) -> None:
        """Apps that read headers from CGI variables would take another spelling for the client's address, to which keys
        may be bound."""
        _, secret = proxied.create_key("addresses")
        for name in ("X_Forwarded_For", "x-forwarded_for", "X.Forwarded.For", "X_FORWARDED-FOR", "X-Forwarded-For"):
            read_status(proxied, "/orders", secret, (name, "198.51.100.77"))
        for got in proxied.upstream.received:
            lines = [(name, value) for name, value in got.headers if re.fullmatch("(?i)x.forwarded.for", name)]
            assert len(lines) <= 1, lines
            # Envoy appends the address that it sees, which an app finds by the proxies that it trusts.
            assert not any(value.endswith("198.51.100.77") for _, value in lines), lines
        assert proxied.upstream.received

    def test_no_header_names_another_path(self, proxied: Proxied) -> None:
        """Some frameworks take these for the path, so a key with one scope could reach the paths of another."""
        _, secret = proxied.create_key("one path")
        for name in ("X-Original-URL", "X-Rewrite-URL", "x_rewrite_url", "X_Original_Url"):
            assert read_status(proxied, "/orders", secret, (name, "/reports")) in (200, 400, 403)
        assert all("/reports" not in str(got.headers) for got in proxied.upstream.received)

    def test_the_headers_of_a_preflight_reach_ari(self, proxied: Proxied) -> None:
        """Without them ``preflight=allow`` would never apply."""
        _, secret = proxied.create_key("preflight")
        lines = [("Origin", "https://shop.example.net"), ("Access-Control-Request-Method", "PUT")]
        assert read_status(proxied, "/orders", secret, *lines, method="OPTIONS") == 200
        sent = proxied.tap.sent.lower()
        assert b"origin: https://shop.example.net" in sent
        assert b"access-control-request-method: put" in sent
