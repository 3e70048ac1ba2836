"""The URL of a remote instance and its key: never in an argument, in a message or on the network in the clear."""

from pathlib import Path

import pytest

from ari.base.errors import ConfigurationError
from ari.cli.remote.credential import parse_url, read_key

KEY = "ari_k_" + "7" * 49


@pytest.fixture(autouse=True)
def _without_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ARI_KEY", "ARI_KEY_FILE", "ARI_INSECURE_HTTP"):
        monkeypatch.delenv(name, raising=False)


def write(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "key"
    file.touch(mode)
    file.chmod(mode)
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://keys.example.net", "https://keys.example.net"),
        ("https://keys.example.net:8443/", "https://keys.example.net:8443"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("http://localhost:3000/", "http://localhost:3000"),
    ],
)
def test_urls(given: str, origin: str) -> None:
    """Scheme, host and port."""
    assert parse_url(given) == origin


@pytest.mark.parametrize(
    "given",
    [
        "",
        "keys.example.net",
        "ftp://keys.example.net",
        "https://",
        "https://user:secret@keys.example.net",
        "https://keys.example.net/ari",
        "https://keys.example.net?x=1",
        "https://keys.example.net#x",
        "https://keys.example.net:99999",
        "https://keys example.net",
        "https://keys.example.net\n",
        "https://kéys.example.net",
        "http://[::1",
        "http://keys.example.net",
        "http://127.0.0.1.example.net",
        "http://localhost.example.net",
    ],
)
def test_urls_that_are_refused(given: str) -> None:
    """Also plain http to another machine. The message repeats no password."""
    with pytest.raises(ConfigurationError) as refused:
        parse_url(given)
    assert "secret" not in str(refused.value)


def test_plain_http_can_be_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a network that nobody else is on, with the server's own setting."""
    monkeypatch.setenv("ARI_INSECURE_HTTP", "true")
    assert parse_url("http://ari:3000") == "http://ari:3000"


def test_the_file_of_the_option_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then ``ARI_KEY_FILE`` or ``ARI_KEY``, which no child process inherits."""
    file = write(tmp_path, f"{KEY}\n")
    monkeypatch.setenv("ARI_KEY", "other")
    assert read_key(file) == KEY
    monkeypatch.setenv("ARI_KEY", KEY)
    assert read_key(None) == KEY
    with pytest.raises(ConfigurationError, match="There is no key"):
        read_key(None)
    monkeypatch.setenv("ARI_KEY_FILE", str(file))
    assert read_key(None) == KEY
    monkeypatch.setenv("ARI_KEY", KEY)
    with pytest.raises(ConfigurationError, match="not both"):
        read_key(None)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_file_that_others_can_open_is_refused(tmp_path: Path, mode: int) -> None:
    """As a data directory is."""
    with pytest.raises(ConfigurationError, match="chmod 600"):
        read_key(write(tmp_path, KEY, mode))


@pytest.mark.parametrize("text", ["", "\n", "two words", f"{KEY}\n{KEY}", "k" * 600, "schlüssel", "a\x00b"])
def test_a_file_without_one_key_is_refused(tmp_path: Path, text: str) -> None:
    """One line, and the message doesn't show it."""
    with pytest.raises(ConfigurationError) as refused:
        read_key(write(tmp_path, text))
    assert not text.strip() or text not in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """So is why."""
    with pytest.raises(ConfigurationError, match="No such file"):
        read_key(tmp_path / "none")
