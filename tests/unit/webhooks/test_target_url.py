"""URLs of webhooks: which are refused, and what of them is shown."""

import pytest

from ari.base.errors import Invalid
from ari.webhooks.target_url import describe_place, parse_url


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hooks?token=a%20b",
        "https://example.com:8443",
        "https://[2606:2800:220:1::1]/x",
        "http://127.0.0.1:8000/",
        "http://tickets.internal/hook",
        "https://10.1.2.3/hook",
    ],
)
def test_the_owner_may_set(url: str) -> None:
    """Public addresses with https, private ones with either."""
    assert parse_url(f" {url} ", by_owner=True) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "ftp://example.com/",
        "https:/example.com/",
        "https://",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://user:secret@example.com/",
        "https://example.com/#fragment",
        "http://example.com/",
        "https://exa mple.com/",
        "https://example.com/\r\nx-evil: 1",
        "https://example.com\\@evil.example/",
        "https://ex\u00e4mple.com/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[fe80::1%25eth0]/",
        "https://100.100.100.200/",
        "https://[::ffff:169.254.169.254]/",
        f"https://example.com/{'x' * 2000}",
    ],
)
def test_nobody_may_set(url: str) -> None:
    """Each with a sentence that doesn't repeat it."""
    with pytest.raises(Invalid) as refused:
        parse_url(url, by_owner=True)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "localhost", "ari", "nas.lan", "[::1]", "[fd00::1]"])
def test_an_api_key_sets_public_addresses_only(host: str) -> None:
    """As with base URLs of providers (decision 26)."""
    parse_url(f"https://{host}/", by_owner=True)
    with pytest.raises(Invalid):
        parse_url(f"https://{host}/", by_owner=False)


def test_only_scheme_and_host_are_shown() -> None:
    """The rest of a chat service's URL is a secret, and so may a query be."""
    assert describe_place("https://hooks.slack.com/services/T0/B0/secret") == "https://hooks.slack.com/…"
    assert describe_place("http://ntfy.lan:8080?auth=secret") == "http://ntfy.lan:8080/…"
