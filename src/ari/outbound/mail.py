"""The mail service in use: the one that the settings name, else Resend with the stored key."""
# Imports inside functions here: the command line starts without an HTTP client and templates (0.13 s).

from collections.abc import Callable

from ari.base.settings import Settings
from ari.base.transaction import Runner
from ari.integrations.credentials import find_mail_credential
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.model import Credential
from ari.notifications.model import RESEND_FROM, EmailContent, MailConfig
from ari.notifications.ports import Sender


class CurrentMailService:
    """``sender`` is ``None`` where email is off."""

    def __init__(self, settings: Settings, environment: Callable[[], ProviderEnvironment]) -> None:
        self._settings = settings
        self._environment = environment
        self._stored: Credential | None = None
        self.sender = sender_of(settings)
        self.config = mail_config_of(settings)
        self.render_html = _render_html

    async def refresh(self, run: Runner) -> None:
        """Use the stored Resend key, or stop using a removed one, unless the settings name a mail service.

        Their secret is read again if it is in a file that changed.
        """
        if self._settings.resend_api_key is not None or self._settings.smtp_url is not None:
            secrets = {field: self._settings.current(field) for field in ("resend_api_key", "smtp_url")}
            if any(secret != getattr(self._settings, field) for field, secret in secrets.items()):
                self._settings = self._settings.model_copy(update=secrets)
                self.sender = sender_of(self._settings)
            return
        stored = await run.read(find_mail_credential, self._environment())
        if stored != self._stored:
            self._stored = stored
            self.sender = sender_of(self._settings, stored)
            self.config = mail_config_of(self._settings, by_resend=stored is not None)


def _render_html(content: EmailContent, link: str | None, footer: str) -> str:
    from ari.outbound.email_html import render_html  # noqa: PLC0415 - see above

    return render_html(content, link, footer)


def mail_config_of(settings: Settings, *, by_resend: bool = False) -> MailConfig:
    """How this instance sends email; ``by_resend``: with a stored Resend key."""
    sender = "smtp" if settings.smtp_url else "resend" if settings.resend_api_key or by_resend else None
    return MailConfig(sender, settings.mail_from or RESEND_FROM, settings.public_url, settings.time_zone)


def sender_of(settings: Settings, stored: Credential | None = None) -> Sender | None:
    """The sender, ``None`` where email is off; ``stored`` is a Resend key from Settings > Integrations."""
    if settings.resend_api_key is not None:
        set_by_owner = "resend_url" in settings.model_fields_set
        return _resend(settings.resend_url, settings.resend_api_key.get_secret_value(), set_by_owner)
    if settings.smtp_url is not None:
        from ari.outbound.smtp import Smtp  # noqa: PLC0415 - see above

        return Smtp(settings.smtp_url.get_secret_value())
    if stored is not None and stored.secret:
        return _resend(stored.base_url, stored.secret, stored.owner_named)
    return None


def _resend(base_url: str, key: str, set_by_owner: bool) -> Sender:
    from ari.outbound.resend import Resend  # noqa: PLC0415 - see above

    return Resend(base_url, key, set_by_owner=set_by_owner)
