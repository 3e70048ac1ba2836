"""Which mail service sends: the one that the settings name, else Resend with the stored key."""

import asyncio
from pathlib import Path

import pytest

from ari.base.settings import Settings
from ari.deps import Deps
from ari.integrations import commands
from ari.integrations.providers import get_provider
from ari.outbound.mail import CurrentMailService, mail_config_of, sender_of
from ari.outbound.resend import Resend
from ari.outbound.smtp import Smtp
from tests.support.instances import opened

RESEND = get_provider("resend")
STORED = "re_0123456789abcdefABCDEFghijkl"


def _class_of_sender(service: CurrentMailService) -> type[object]:
    return type(service.sender)


def _settings(**given: str) -> Settings:
    return Settings(**given)


def test_without_any_service_nothing_is_sent() -> None:
    """And no page promises an email."""
    assert sender_of(_settings()) is None
    assert not mail_config_of(_settings()).can_send


def test_the_settings_name_the_service() -> None:
    """The configured one, with its own From address."""
    smtp = _settings(smtp_url="smtps://user:hunter2@mail.example.net", mail_from="ARI <ari@example.net>")
    assert isinstance(sender_of(smtp), Smtp)
    assert (mail_config_of(smtp).sender, mail_config_of(smtp).mail_from) == ("smtp", "ARI <ari@example.net>")


def test_a_stored_key_is_used_and_given_up_without_a_restart(data_dir: Path) -> None:
    """In every worker: each asks before it sends, so a removed key sends nothing more."""
    with opened(data_dir, None) as instance:
        deps, service = Deps(instance), CurrentMailService(instance.settings, lambda: instance.provider_environment)
        deps.do_sync(commands.put_key, RESEND, instance.provider_environment, STORED)
        assert _class_of_sender(service) is type(None)
        asyncio.run(service.refresh(deps))
        assert _class_of_sender(service) is Resend
        assert service.config.sender == "resend"
        deps.do_sync(commands.remove, RESEND)
        asyncio.run(service.refresh(deps))
        assert _class_of_sender(service) is type(None)
        assert not service.config.can_send


def test_a_stored_key_does_not_replace_the_configured_service(data_dir: Path) -> None:
    """security.md 40: who can store a provider key must not redirect the owner's email."""
    with opened(
        data_dir, None, smtp_url="smtps://user:hunter2@mail.example.net", mail_from="a@example.net"
    ) as instance:
        deps, service = Deps(instance), CurrentMailService(instance.settings, lambda: instance.provider_environment)
        deps.do_sync(commands.put_key, RESEND, instance.provider_environment, STORED)
        asyncio.run(service.refresh(deps))
        assert isinstance(service.sender, Smtp)


def test_a_password_in_a_file_is_used_without_a_restart(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next email is sent with the new one."""
    path = data_dir.parent / "smtp-url"
    path.write_text("smtps://user:hunter2@mail.example.net\n")
    monkeypatch.setenv("ARI_SMTP_URL_FILE", str(path))
    with opened(data_dir, None, mail_from="a@example.net") as instance:
        service, before = instance.mail, instance.mail.sender
        asyncio.run(service.refresh(Deps(instance)))
        assert service.sender is before
        path.write_text("smtps://user:hunter3@mail.example.net\n")
        asyncio.run(service.refresh(Deps(instance)))
        assert isinstance(service.sender, Smtp)
        assert service.sender is not before
