"""Settings with their own syntax: accepted spellings, and errors that never repeat the value."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from ari.base import setting_types as types

SECRET = "hunter2"


def _parse(kind: Any, value: Any) -> Any:
    found = TypeAdapter(kind).validate_python(value)
    return found.get_secret_value() if hasattr(found, "get_secret_value") else found


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (types.Port, "8080", 8080),
        (types.Port, "tcp://10.0.0.1:3000", 3000),
        (types.ListeningHost, "[::1]", "::1"),
        (types.ListeningHost, "0.0.0.0", "0.0.0.0"),
        (types.ListenAddress, "[::1]:9464", "[::1]:9464"),
        (types.ListenAddress, "metrics.lan:9464", "metrics.lan:9464"),
        (types.HostNames, "Ari.LAN, [::1]", ("ari.lan", "[::1]")),
        (types.Days, "7, 1,7", (1, 7)),
        (types.PrivateAddresses, "10.0.0.0/8, 127.0.0.1", ("10.0.0.0/8", "127.0.0.1")),
        (types.Origin, "HTTPS://Ari.Example.net:443/", "https://ari.example.net"),
        (types.Origin, "http://[::1]:3000", "http://[::1]:3000"),
        (types.ResendUrl, "http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
        (types.KeysUrl, "https://api.github.com/meta/public_keys", "https://api.github.com/meta/public_keys"),
        (types.ResendKey, " re_123 ", "re_123"),
        (types.SmtpUrl, "smtps://u:p%40w@mail.example.net", "smtps://u:p%40w@mail.example.net"),
        (types.MailAddress, "ARI <ari@example.net>", "ARI <ari@example.net>"),
        (types.TimeZone, "Europe/Berlin", "Europe/Berlin"),
        (types.Routes, "3", 3),
        (types.Routes, " /orders/{id}, /files/*,/", ("/orders/{id}", "/files/*", "/")),
        (types.RetentionDays, 0, 0),
        (types.PostgresUrl, "postgresql+psycopg://u@h/d", "postgresql+psycopg://u@h/d"),
    ],
)
def test_usual_spellings_are_accepted(kind: Any, value: Any, expected: Any) -> None:
    """As people and platforms write them; Kubernetes sets ``ARI_PORT`` to a URL of its own."""
    assert _parse(kind, value) == expected


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (types.ListenAddress, "127.0.0.1"),
        (types.ListenAddress, "9464"),
        (types.ListenAddress, "127.0.0.1:0"),
        (types.ListenAddress, "127.0.0.1:65536"),
        (types.ListenAddress, ":9464"),
        (types.ListenAddress, "u@127.0.0.1:9464"),
        (types.ListenAddress, "127.0.0.1:9464/metrics"),
        (types.ListenAddress, "::1:9464"),
        (types.Port, "70000"),
        (types.ListeningHost, "127.0.0.1:3000"),
        (types.HostNames, "https://ari.lan"),
        (types.HostNames, "*.lan"),
        (types.Networks, "10.0.0.0/33"),
        (types.Days, "0"),
        (types.Days, "7,x"),
        (types.RetentionDays, 3),
        (types.Origin, f"https://u:{SECRET}@ari.lan"),
        (types.Origin, "https://ari.lan/app"),
        (types.Origin, "ftp://ari.lan"),
        (types.ResendUrl, "http://resend.example.com"),
        (types.KeysUrl, "http://github.example.com/keys"),
        (types.KeysUrl, f"https://u:{SECRET}@github.example.com/keys"),
        (types.KeysUrl, f"https://github.example.com/keys?token={SECRET}"),
        (types.KeysUrl, "file:///etc/passwd"),
        (types.ResendKey, f"{SECRET} {SECRET}"),
        (types.SmtpUrl, f"smtp://u:{SECRET}@host/path"),
        (types.SmtpUrl, f"mail.example.net:{SECRET}"),
        (types.MailAddress, "ari"),
        (types.MailAddress, "a@b\nBcc: x@y"),
        (types.TimeZone, "Europe/Nowhere"),
        (types.Routes, "-1"),
        (types.Routes, "/orders/*/items"),
        (types.Routes, "/orders/{id"),
        (types.Routes, f"/{SECRET}/\x00"),
        (types.Routes, "/" + "a" * 200),
        (types.Routes, ",".join(f"/{number}" for number in range(1_001))),
        (types.PostgresUrl, f"mysql://u:{SECRET}@h/d"),
    ],
)
def test_the_rest_is_refused_with_an_example(kind: Any, value: Any) -> None:
    """Promise 4: the sentence never contains the value, which may be a secret."""
    with pytest.raises(ValidationError) as refused:
        _parse(kind, value)
    for error in refused.value.errors(include_input=False, include_context=False, include_url=False):
        assert SECRET not in error["msg"]
