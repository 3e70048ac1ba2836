"""The means of the proxy tests themselves: a check that couldn't fail would prove nothing."""

from contextlib import closing

import pytest

from tests.proxies.harness import Caller, Setup
from tests.support.tap import Tap
from tests.support.upstream import FIRST_PIECE, LAST_PIECE, Upstream


def test_the_tap_sees_refuses_and_holds_back(upstream: Upstream) -> None:
    """The bytes of clients pass and are kept; closed it refuses connections, silent it lets nothing through."""
    upstream.reset()
    tap = Tap(upstream.port)
    tap.open()
    with closing(Caller(tap.port, tls=False)) as caller:
        assert caller("POST", "/through", "ari_k_text", body=b"content").status == 200
        assert caller("GET", "/again").status == 200
        assert (tap.heads(), tap.connections) == (["POST /through HTTP/1.1", "GET /again HTTP/1.1"], 1)
        assert b"content" in tap.sent
    tap.close()
    with closing(Caller(tap.port, tls=False)) as refused, pytest.raises(ConnectionRefusedError):
        refused("GET", "/refused")
    tap.open()
    tap.flowing.clear()
    with closing(Caller(tap.port, tls=False)) as silent:
        silent.connection.timeout = 0.2
        with pytest.raises(TimeoutError):
            silent("GET", "/silent")
    assert upstream.targets() == ["/through", "/again"]
    tap.close()


def test_the_upstream_keeps_lines_as_sent(upstream: Upstream) -> None:
    """Doubled and underscored headers are seen as they came, and those like ARI's are found."""
    upstream.reset()
    lines = [("X-Ari-Key-Id", "one"), ("x_ari_key_id", "two"), ("X-Other", "three"), ("X-Ari-Key-Id", "four")]
    with closing(Caller(upstream.port, tls=False)) as caller:
        caller("PATCH", "/lines?q=%2F", None, *lines, body=b"12345")
    got = upstream.last
    assert (got.method, got.target, got.body_length) == ("PATCH", "/lines?q=%2F", 5)
    assert got.values("x-ari-key-id") == ["one", "four"]
    assert [value for _, value in got.identity] == ["one", "two", "four"]


def test_a_stream_waits_for_its_gate(upstream: Upstream) -> None:
    """A proxy that collects responses would get nothing to pass on before the gate opens."""
    upstream.reset()
    with closing(Caller(upstream.port, tls=False)) as caller:
        response = caller.begin("GET", "/stream")
        assert response.read(len(FIRST_PIECE)) == FIRST_PIECE
        upstream.gate.set()
        assert response.read() == LAST_PIECE


def test_a_config_must_hold_what_is_changed(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A guide that no longer names an address fails instead of reaching whatever listens there."""
    folder = tmp_path_factory.mktemp("setup")
    setup = Setup(folder, 1, 2, 3, folder / "certificate.pem")
    with pytest.raises(AssertionError, match="is not in the block"):
        setup.config("README.md", "sh", {"a text that no README has": ""})
    with pytest.raises(AssertionError, match="no block of"):
        setup.config("README.md", "cobol", {})
