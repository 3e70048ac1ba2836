"""Browsers in words."""

import pytest

from ari.base.user_agent import browser_name

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox on Windows"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {_WEBKIT} Chrome/131.0.0.0 Safari/537.36", "Chrome on Linux"),
        (f"Mozilla/5.0 (Linux; Android 14) {_WEBKIT} Chrome/131.0 Mobile Safari/537.36 EdgA/131.0", "Edge on Android"),
        (f"Mozilla/5.0 (X11; CrOS x86_64 1) {_WEBKIT} Chrome/131.0 Safari/537.36", "Chrome on ChromeOS"),
        (
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
                "Version/18.1 Safari/605.1.15"
            ),
            "Safari on macOS",
        ),
        (
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
                "Version/18.1 Mobile/15E148 Safari/604.1"
            ),
            "Safari on iPhone",
        ),
        ("curl/8.5.0", "curl/8.5.0"),
        ("x" * 50, f"{'x' * 40}…"),
        ("", "Unknown device"),
        (None, "Unknown device"),
    ],
)
def test_devices(agent: str | None, words: str) -> None:
    """What people call their browser; anything else as it is."""
    assert browser_name(agent) == words
