"""The edge checks judge each head on its own."""

from pathlib import Path
from typing import Any

from ari.base.settings import load_settings
from ari.http.edge_checks import EdgeChecks
from ari.http.request_head import read_head

HOST = (b"host", b"127.0.0.1")


def _code(gate: EdgeChecks, *headers: tuple[bytes, bytes], raw_path: bytes = b"/api/me") -> str | None:
    scope: dict[str, Any] = {
        "headers": list(headers),
        "method": "GET",
        "path": raw_path.decode(),
        "raw_path": raw_path,
        "query_string": b"",
    }
    fault = gate.fault(read_head(scope, 1), None)
    return None if fault is None else fault.reason.code


def test_a_sound_path_and_host_do_not_excuse_the_rest_of_a_head(data_dir: Path) -> None:
    """Security rules 1 to 3, for the second request as for the first."""
    gate = EdgeChecks(load_settings(data_dir=data_dir))
    for _ in range(2):
        assert _code(gate, HOST) is None
        assert _code(gate, HOST, (b"origin", b"a"), (b"origin", b"b")) == "invalid_request"
        assert _code(gate, HOST, HOST) == "invalid_request"
        assert _code(gate, HOST, (b"x-a", b"a" * 40_000)) == "too_large"
        assert _code(gate, (b"host", b"evil.example")) == "misdirected"
        assert _code(gate) == "invalid_request"
        assert _code(gate, HOST, raw_path=b"/api//me") == "invalid_request"


def test_an_address_that_is_not_allowed_stays_so(data_dir: Path) -> None:
    """Security rule 8, for the second request as for the first."""
    gate = EdgeChecks(load_settings(data_dir=data_dir, allowed_ips="192.0.2.1"))
    assert [_code(gate, HOST) for _ in range(2)] == ["ip_not_allowed"] * 2
