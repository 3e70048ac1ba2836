"""Promise 4: the URL of ClickHouse is parsed strictly, and its password is in no message."""

import pytest

from ari.base.clickhouse_url import ClickHouseUrl
from ari.base.errors import ConfigurationError
from ari.base.settings import load_settings


def test_all_parts() -> None:
    """The host, port, user, password, database and options are read; the password is in no text."""
    found = ClickHouseUrl.parse(
        "clickhouse://ari:p%40ss%2F%3A@ch.example.net:9440/logs?secure=true&ca_cert=/etc/ca.pem"
    )
    assert found == ClickHouseUrl("ch.example.net", 9440, "ari", "p@ss/:", "logs", True, "/etc/ca.pem")
    assert found.place == "ch.example.net:9440/logs"
    assert "p@ss" not in repr(found)


@pytest.mark.parametrize(
    ("text", "port", "is_secure"),
    [
        ("clickhouse://h/logs", 8443, True),
        ("clickhouse://h/logs?secure=false", 8123, False),
        ("clickhouse://u:p@[2001:db8::1]:1/logs", 1, True),
    ],
)
def test_defaults(text: str, port: int, is_secure: bool) -> None:
    """TLS and its port, unless the URL says otherwise."""
    found = ClickHouseUrl.parse(text)
    assert (found.port, found.is_secure) == (port, is_secure)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://u:hidden@h/logs",
        "clickhouse://u:hidden@h",
        "clickhouse://u:hidden@h/",
        "clickhouse://u:hidden@h/a/b",
        "clickhouse://u:hidden@h/1a",
        "clickhouse://u:hidden@h/a;DROP",
        "clickhouse://u:hidden@h:0/logs",
        "clickhouse://u:hidden@h:99999/logs",
        "clickhouse://u:hidden@h:x/logs",
        "clickhouse://u:hidden@/logs",
        "clickhouse://u:hidden@h/logs#x",
        "clickhouse://u:hidden@h/logs?secure=maybe",
        "clickhouse://u:hidden@h/logs?verify=false",
        "clickhouse://u:hidden%0a@h/logs",
        "clickhouse://u:hidden@[h/logs",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    """The error never quotes the URL."""
    with pytest.raises(ValueError, match=r"\S") as raised:
        ClickHouseUrl.parse(text)
    assert "hidden" not in str(raised.value)


def test_it_needs_postgresql() -> None:
    """SQLite keeps its own rows."""
    with pytest.raises(ConfigurationError, match="requires PostgreSQL"):
        load_settings(usage_log_url="clickhouse://u:hidden@h/logs")
