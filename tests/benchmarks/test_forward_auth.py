"""The benchmark of forward-auth measures the guides' configs, only without TLS."""

from pathlib import Path

import pytest

from benchmarks import forward_auth


@pytest.mark.parametrize("name", forward_auth.PROXIES)
def test_a_config_without_tls_still_asks_ari(name: str, tmp_path: Path) -> None:
    """A guide whose part about TLS changes fails here, not in the middle of a measurement."""
    server = forward_auth.make_proxy(name, tmp_path / name, 12_345, 23_456)
    text = "".join(path.read_text() for path in server.folder.rglob("*") if path.suffix != ".pem" and path.is_file())
    assert "/api/forward-auth" in text
    assert all(str(port) in text for port in (12_345, 23_456, server.port))
    assert "certificate.pem" not in text


def test_a_comparison_shows_medians_and_ranges() -> None:
    """Of the rounds on both sides, and of their ratios."""
    found = forward_auth.compare([(80.0, 100.0), (60.0, 120.0), (90.0, 100.0)], [0.8, 0.5, 0.9])
    assert (found.with_ari.median, found.with_bare.median) == (80, 100)
    assert (found.ratio.least, found.ratio.median, found.ratio.most) == (0.5, 0.8, 0.9)
