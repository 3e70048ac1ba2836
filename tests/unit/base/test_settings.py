"""Settings: every foreign or hostile value of every setting is used, or refused with one plain sentence."""

import os
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ari.base.errors import ConfigurationError
from ari.base.money import USD, DisplayCurrency
from ari.base.settings import Settings, environment_name, load_settings
from ari.outbound.smtp import Smtp

FOREIGN = [
    "tcp://10.0.0.1:3000",
    "udp://10.0.0.1:53",
    "http://ari.example.net:80:80",
    "https://[::1",
    "https://user:hunter2@host/path?x#y",
    "smtp://u:p@h:99999",
    "'3000'",
    "3000\r",
    " ",
    "-1",
    "0",
    "1e999",
    "nan",
    "inf",
    "9" * 5000,
    "true",
    "null",
    "[]",
    '{"a": 1}',
    "a,b,,c",
    "*",
    "%00",
    "é",
    "\u202e",
    "\udcff",
    "a" * 100_000,
    "../..",
    "~nobody-here/x",
    "/dev/null",
    "1YB",
    "@",
    "ari@bücher.example",
]
LIBRARY = re.compile(
    r"Input should|validation error|Value error|pydantic|type=|unable to parse|Traceback", re.IGNORECASE
)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("ARI_") or name in ("ALLOWED_IPS", "RESEND_API_KEY"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize("field", Settings.model_fields)
def test_foreign_values_are_used_or_refused_in_words(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names the setting, never the value, and is ours."""
    name = environment_name(field)
    for value in FOREIGN:
        monkeypatch.setenv(name, value)
        try:
            settings = load_settings()
        except ConfigurationError as error:
            said = str(error)
            assert said.startswith((f"{name}: ", "ARI_", "RESEND_API_KEY and ")), said
            assert said.endswith(".")
            assert "\n" not in said
            assert len(said) < 300
            assert not LIBRARY.search(said), said
            assert len(value) < 4 or value.strip() in ("true", "null") or value not in said, said
        else:
            assert re.fullmatch(r"https?://[\[\]0-9a-z:._-]+", settings.base_url), (value, settings.base_url)
            if settings.smtp_url is not None:
                Smtp(settings.smtp_url.get_secret_value())


def test_forward_auth_needs_the_addresses_of_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without them it would refuse every request; the start says so instead."""
    monkeypatch.setenv("ARI_FORWARD_AUTH", "nginx")
    with pytest.raises(ConfigurationError, match="ARI_FORWARD_AUTH requires ARI_TRUSTED_PROXIES"):
        load_settings()
    monkeypatch.setenv("ARI_TRUSTED_PROXIES", "127.0.0.1")
    assert load_settings().forward_auth == "nginx"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("ARI_PORT", "http", "must be a whole number between 1 and 65535"),
        ("ARI_WORKERS", "auto", "must be a whole number between 1 and 64"),
        ("ARI_VERIFY_TIMEOUT_SECONDS", "x", "must be a number above 0, at most 60"),
        ("ARI_USAGE_BUFFER_ROWS", "-1", "must be a whole number of at least 1"),
        ("ARI_WATCH", "perhaps", "must be true or false"),
        ("ARI_LOG_LEVEL", "loud", "must be one of debug, info, warning, error"),
        (
            "ARI_FORWARD_AUTH",
            "apache2",
            "must be one of nginx, ingress-nginx, apache, haproxy, caddy, traefik, envoy, apisix",
        ),
        ("ARI_FORWARD_AUTH_ROUTES", "6", "use at most 5 path segments"),
        (
            "ARI_FORWARD_AUTH_ROUTES",
            "orders",
            "use a number of path segments, or comma-separated routes such as /orders/{id},/files/*",
        ),
        ("ARI_MIN_FREE_DISK", "much", "must be a size such as 100MB or 2GB"),
        ("ARI_HOST", "0.0.0.0:3000", "use an address such as 127.0.0.1 or 0.0.0.0; set the port with ARI_PORT"),
        ("ARI_ALLOWED_HOSTS", "*", "use comma-separated host names such as ari.lan, without https:// or *"),
        (
            "ALLOWED_IPS",
            "everyone",
            "use comma-separated addresses or networks such as 192.0.2.7 or 10.0.0.0/8",
        ),
    ],
)
def test_what_a_setting_takes(name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In our words, by the name that was used."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    assert str(refused.value) == f"{name}: {sentence}."


@pytest.mark.parametrize("value", ["tcp://10.0.0.1:3000", "TCP://[fd00::1]:8080", "udp://ari:53"])
def test_the_port_of_a_kubernetes_service_is_no_port(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Service named ari sets ARI_PORT in every pod of its namespace."""
    monkeypatch.setenv("ARI_PORT", value)
    assert load_settings().port == 3000
    assert load_settings(port=4000).port == 4000


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://Ari.Example.net/", "https://ari.example.net"),
        ("https://ari.example.net:443", "https://ari.example.net"),
        ("http://ari.lan:80/", "http://ari.lan"),
        ("http://ari.lan:3000\r", "http://ari.lan:3000"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://[FD00:0:0::1]:3000", "http://[fd00::1]:3000"),
    ],
)
def test_the_public_address_is_what_browsers_make_of_it(given: str, used: str) -> None:
    """Otherwise Host and Origin of a browser would not be ours."""
    assert load_settings(public_url=given).base_url == used


def test_names_of_any_script_and_with_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a browser sends them; email goes from and to their ASCII forms."""
    settings = load_settings(allowed_hosts="Bücher.example, nas.lan:3000 ,[FD00::1]", mail_from="A <a@bücher.example>")
    assert settings.allowed_hosts == ("xn--bcher-kva.example", "nas.lan", "[fd00::1]")
    assert settings.mail_from == "A <a@xn--bcher-kva.example>"
    assert load_settings(host="[::1]").host == "::1"


@pytest.mark.parametrize("home", [None, ""])
def test_a_user_without_a_home_directory_learns_what_to_set(home: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers run as any number, which is in no list of users."""

    def unknown(_: Any) -> Any:
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", unknown)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    if home is None:
        monkeypatch.delenv("HOME", raising=False)
    else:
        monkeypatch.setenv("HOME", home)
    with pytest.raises(ConfigurationError, match=r"no home directory\. Set ARI_DATA_DIR or --data-dir"):
        load_settings()
    assert load_settings(data_dir="/srv/ari").data_dir == Path("/srv/ari")


def test_a_tilde_is_the_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Environment files expand nothing."""
    monkeypatch.setenv("HOME", "/home/ari")
    assert load_settings(data_dir="~/data").data_dir == Path("/home/ari/data")


def test_a_password_keeps_its_spaces() -> None:
    """Every other setting loses the line end of a foreign file."""
    settings = load_settings(admin_email=" a@example.net\r", admin_password=" two words ")
    assert settings.admin_email == "a@example.net"
    assert settings.admin_password is not None
    assert settings.admin_password.get_secret_value() == " two words "


def test_a_display_currency_needs_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Costs in dollars must not be shown as euros."""
    assert load_settings().currency == USD
    monkeypatch.setenv("ARI_DISPLAY_CURRENCY", "eur")
    with pytest.raises(ConfigurationError, match="requires ARI_DISPLAY_CURRENCY_RATE"):
        load_settings()
    monkeypatch.setenv("ARI_DISPLAY_CURRENCY_RATE", "0.92")
    assert load_settings().currency == DisplayCurrency("EUR", Decimal("0.92"))


def test_headers_for_providers_are_names_of_both() -> None:
    """Lower case, as headers are compared; anything else would match no header."""
    given = Settings(ai_request_headers=" LiteLLM/X-Litellm-Tags, openai/x-a ,")
    assert given.ai_request_headers == ("litellm/x-litellm-tags", "openai/x-a")
    for wrong in ("x-a", "/x-a", "openai/", "openai/x_a", "openai/x a", "a/b/c"):
        with pytest.raises(ValueError, match="use names such as litellm/x-litellm-tags"):
            Settings(ai_request_headers=wrong)
