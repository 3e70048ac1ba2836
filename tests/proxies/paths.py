"""Checks of the proxies with a configuration or script in this repository: odd paths, heads and keys."""

import http.client

import pytest

from tests.proxies.harness import Proxied

SPELLINGS = (
    "/\\reports/1",
    "/reports\\1",
    "/%5creports/1",
    "/orders/..\\reports/1",
    "/%2freports/1",
    "/reports/%2e%2e/reports/1",
)
"""Spellings of ``/reports/1`` beyond those of ``behavior.py``, as some app or framework reads them."""


class PathBehavior:
    """The checks; a subclass's module has the fixture ``proxied``."""

    @pytest.mark.parametrize("path", SPELLINGS)
    def test_no_backslash_avoids_the_scope_of_a_path(self, proxied: Proxied, path: str) -> None:
        """A key without the scope of ``/reports/`` gets nothing there: 403, or 400 and 404 by the proxy itself."""
        _, secret = proxied.create_key("orders only")
        try:
            status = proxied.caller()("GET", path, secret).status
        except http.client.HTTPException:
            status = 400
        assert status in (400, 403, 404)
        assert proxied.upstream.received == []

    def test_a_refused_head_has_no_body(self, proxied: Proxied) -> None:
        """So that the connection's next response is the next request's."""
        call = proxied.caller()
        assert call("HEAD", "/orders", "ari_k_nonsense").status == 401
        assert call("GET", "/orders", proxied.create_key("head")[1]).status == 200

    def test_two_keys_or_a_key_in_the_url_are_refused(self, proxied: Proxied) -> None:
        """400, as everywhere in ARI; the API sees neither."""
        _, secret = proxied.create_key("first")
        _, other = proxied.create_key("second")
        call = proxied.caller()
        assert call("GET", "/orders", secret, ("Authorization", f"Bearer {other}")).status == 400
        assert call("GET", "/orders", secret, ("x-api-key", other)).status == 400
        response = call("GET", f"/orders?key={secret}", None)
        assert response.status == 400
        assert b"key_in_url" in response.body
        assert proxied.upstream.received == []

    def test_heads_that_are_too_large_are_refused(self, proxied: Proxied) -> None:
        """By the proxy, or by ARI, which takes 32 KiB; a smaller one passes."""
        _, secret = proxied.create_key("large head")
        lines = [(f"x-pad-{number}", "x" * 3_000) for number in range(11)]
        try:
            status = proxied.caller()("GET", "/orders", secret, *lines).status
        except (OSError, http.client.HTTPException):
            status = 400
        assert (status == 200) == bool(proxied.upstream.received)
        assert status in (200, 400, 413, 431, 503)
        assert proxied.caller()("GET", "/orders", secret, *lines[:2]).status == 200

    def test_ari_itself_is_not_behind_the_proxy(self, proxied: Proxied) -> None:
        """Its own paths are the API's paths here, and the place of the question is no path of the proxy."""
        _, secret = proxied.create_key("inside", "*")
        for path in ("/api/me", "/api/forward-auth?any_key=true"):
            proxied.upstream.reset()
            assert proxied.caller()("GET", path, secret).status == 200
            assert proxied.upstream.targets() == [path]
        proxied.upstream.reset()
        assert proxied.caller()("GET", "/_ari", secret).status in (200, 404)
        assert all(one.target == "/_ari" for one in proxied.upstream.received)
