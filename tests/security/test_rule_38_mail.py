"""Rule 38 for email: to permitted addresses, by no proxy, after no redirect, with TLS that is verified.

The client's own tests are in tests/unit/outbound; here is what the senders make of it.
"""

import asyncio
import socket
from typing import Any

import pytest

from ari.base.errors import ConfigurationError
from ari.base.settings import load_settings
from ari.notifications.model import Accepted, Email, Retry
from ari.outbound.mail import sender_of
from tests.support.resend import KEY, StandIn, stand_in

LETTER = Email("ARI <ari@example.net>", "owner@example.com", "s", "t", "h")


def send(**settings: Any) -> Any:
    sender = sender_of(load_settings(**settings))
    assert sender is not None
    return asyncio.run(sender.send(LETTER, "ntc_1", 5))


@pytest.mark.parametrize("address", ["169.254.169.254", "100.100.100.200", "::ffff:169.254.169.254", "0.0.0.0"])
def test_no_email_goes_to_an_address_that_nobody_may_reach(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the owner set the host: the machine's metadata address is no mail service."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = [(family, socket.SOCK_STREAM, 6, "", (address, 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    by_resend = send(resend_api_key=KEY, resend_url="https://mail.example.net")
    assert by_resend == Retry("Resend's host name resolves to an address ARI isn't allowed to call.")
    by_server = send(smtp_url="smtp://mail.example.net", mail_from="a@example.net")
    assert by_server == Retry("Couldn't reach the mail server (PermissionError).")


def test_the_built_in_address_leads_to_the_internet_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that says api.resend.com is on this network gets no key."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.168.1.9", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert send(resend_api_key=KEY) == Retry("Resend's host name resolves to an address ARI isn't allowed to call.")


def test_no_proxy_of_the_environment_and_no_redirect(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key goes where the setting says and nowhere else."""
    with stand_in() as there, stand_in() as elsewhere:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, elsewhere.url)
        there.faults.append("redirect")
        assert isinstance(send(resend_api_key=KEY, resend_url=there.url), Retry)
        assert isinstance(send(resend_api_key=KEY, resend_url=there.url), Accepted)
        assert _count_requests(there) == 1
        assert _count_requests(elsewhere) == 0


def _count_requests(service: StandIn) -> int:
    return len(service.requests)


@pytest.mark.parametrize(
    "settings",
    [
        {"resend_url": "http://api.example.net"},
        {"resend_url": "https://user:secret@api.example.net"},
        {"resend_url": "https://api.example.net?key=secret"},
        {"resend_url": "ftp://api.example.net"},
        {"resend_api_key": "secret with spaces"},
        {"smtp_url": "http://user:secret@mail.example.net", "mail_from": "a@example.net"},
        {"smtp_url": "smtp://user:secret@mail.example.net/?tls=no", "mail_from": "a@example.net"},
        {"smtp_url": "smtp://user:secret@mail.example.net"},
        {"smtp_url": "smtp://mail.example.net", "mail_from": "a@example.net", "resend_api_key": "secret"},
        {"mail_from": "nobody"},
        {"mail_from": "a@example.net\r\nBcc: secret@example.org"},
        {"time_zone": "../../etc/secret"},
    ],
)
def test_a_bad_setting_stops_the_start_and_is_not_repeated(settings: dict[str, Any]) -> None:
    """One sentence that names the setting; in the clear the key goes to loopback alone."""
    with pytest.raises(ConfigurationError) as refused:
        load_settings(**settings)
    assert "secret" not in str(refused.value)
    assert "ARI_" in str(refused.value) or "RESEND_API_KEY" in str(refused.value)


def test_the_secrets_of_mail_services_leave_the_environment() -> None:
    """And doctor shows that they are set, not what they are (security.md 10)."""
    from ari.cli.checks import describe_settings
    from ari.serving import start

    assert {"RESEND_API_KEY", "ARI_RESEND_API_KEY", "ARI_RESEND_API_KEY_FILE", "ARI_SMTP_URL"} <= set(
        start.SECRET_VARIABLES
    )
    shown = describe_settings(load_settings(resend_api_key=KEY))
    assert shown["RESEND_API_KEY"] == "set"
    by_server = load_settings(smtp_url="smtp://u:hunter2@mail.example.net", mail_from="a@example.net")
    assert describe_settings(by_server)["ARI_SMTP_URL"] == "set"
    assert "hunter2" not in repr(by_server)
