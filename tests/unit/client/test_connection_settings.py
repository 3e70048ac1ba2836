"""A client sends its key only where that is safe, and says what is wrong without showing the key."""

from typing import Any

import pytest

from ari.client.connection_settings import change_settings, check_base_url, check_key, read_settings
from ari.client.exceptions import InvalidSettings
from ari.client.generated.sync_calls import Calls, Connections
from ari.client.generated.sync_client import AriClient
from ari.client.http_requests import KeyAuth

KEY = "ari_k_secret"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ARI_URL", "ARI_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("base_url", "kept"),
    [
        ("https://keys.example.net/", "https://keys.example.net"),
        ("https://example.net/ari/", "https://example.net/ari"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("HTTPS://keys.example.net/Ari/", "https://keys.example.net/Ari"),
        ("https://keys.example.net.", "https://keys.example.net."),
    ],
)
def test_urls_that_are_safe(base_url: str, kept: str) -> None:
    """https anywhere, http on this machine."""
    assert check_base_url(base_url) == kept


@pytest.mark.parametrize(
    "base_url",
    [
        *("http://keys.example.net", "http://127.0.0.1.example.net", "http://10.0.0.1", "http://localhost.example"),
        *("ftp://h", "keys.example.net", "https://", "https://u:p@h", "https://h?a", "https://h#a", "https://h?", ""),
        *("https://h\n", " https://h", "https://ä.example", "https://h:99999", "https://[::1", r"https:\\h"),
        *("https://h%0aevil", "javascript:alert(1)", "//h", "https:///h"),
        *("https://a..b", "https://.", f"https://{'a' * 64}.example", f"https://{'a.' * 200}b", b"https://h", 5),
    ],
)
def test_urls_that_are_refused(base_url: Any) -> None:
    """Others would see the key, or it isn't a URL of an instance."""
    with pytest.raises(InvalidSettings):
        check_base_url(base_url)


def test_plain_http_can_be_allowed() -> None:
    """Inside a private network."""
    assert check_base_url("http://ari.internal", allow_http=True) == "http://ari.internal"


@pytest.mark.parametrize(
    "key", ["", "ari k", "ari_k_secret\n", "ari_k_secret\r\nx: y", "ari_k_ä", "a" * 5000, b"ari_k_secret", 5]
)
def test_keys_that_cannot_be_sent(key: Any) -> None:
    """They are refused before a library puts them into its own error."""
    with pytest.raises(InvalidSettings) as refused:
        check_key(key)
    assert "secret" not in str(refused.value)


def test_the_environment_fills_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """``ARI_URL`` and ``ARI_KEY``, unless arguments are given; an empty variable is none."""
    with pytest.raises(InvalidSettings, match="ARI_URL"):
        read_settings(None, None, 1, 0, allow_http=False)
    monkeypatch.setenv("ARI_URL", "https://one.example")
    monkeypatch.setenv("ARI_KEY", KEY)
    found = read_settings(None, None, 1, 0, allow_http=False)
    assert (found.base_url, found.key) == ("https://one.example", KEY)
    given = read_settings("https://two.example", "other", 1, 0, allow_http=False)
    assert (given.base_url, given.key) == ("https://two.example", "other")
    monkeypatch.setenv("ARI_KEY", "")
    assert read_settings(None, None, 1, 0, allow_http=False).key is None


@pytest.mark.parametrize(
    "options",
    [
        *({"timeout_seconds": value} for value in (0, float("nan"), float("inf"), 1e12, "5", True)),
        *({"retries": value} for value in (-1, 1.5, "1", True)),
    ],
)
def test_impossible_patience(options: dict[str, Any]) -> None:
    """A client with it would never work."""
    with pytest.raises(InvalidSettings):
        AriClient("https://h", **options)
    with pytest.raises(InvalidSettings):
        AriClient("https://h").with_options(**options)


def test_the_key_is_never_shown() -> None:
    """Not by settings, clients, resources, or anything that a traceback with variables would print."""
    client = AriClient("https://h", key=KEY)
    settings = read_settings("https://h", KEY, 1, 0, allow_http=False)
    connections = Connections(settings, None)
    calls = Calls(settings, connections)
    shown = [client, client.keys, calls, settings, connections, connections.open(), connections.open().auth]
    shown += [change_settings(settings, 1, 1), KeyAuth(KEY)]
    assert not [one for one in shown if KEY in f"{one!r}{one!s}"]
    assert repr(client) == "AriClient('https://h')"
    connections.close()
