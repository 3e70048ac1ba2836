"""The benchmark of forward-auth measures the guides' configs, only without TLS."""

from pathlib import Path

import pytest

from benchmarks import forward_auth


@pytest.mark.parametrize("name", forward_auth.PROXIES)
def test_a_config_without_tls_still_asks_ari(name: str, tmp_path: Path) -> None:
    """A guide whose part about TLS changes fails here, not in the middle of a measurement."""
    server = forward_auth.make_proxy(name, tmp_path / name, 12_345, 23_456)
    [config] = [path.read_text() for path in server.folder.iterdir() if path.suffix in ("", ".yaml")]
    assert "/api/forward-auth" in config
    assert all(str(port) in config for port in (12_345, 23_456, server.port))
    assert not any(text in config for text in ("certificate", "https://"))


def test_a_comparison_shows_medians_and_ranges() -> None:
    """Of the rounds on both sides, and of their ratios."""
    found = forward_auth.compare([(80.0, 100.0), (60.0, 120.0), (90.0, 100.0)], [0.8, 0.5, 0.9])
    assert (found.with_ari.median, found.with_bare.median) == (80, 100)
    assert (found.ratio.least, found.ratio.median, found.ratio.most) == (0.5, 0.8, 0.9)
