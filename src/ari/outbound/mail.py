"""Choose the mail service."""

from ari.base.settings import Settings
from ari.integrations.model import Credential
from ari.notifications.ports import Sender
from ari.outbound.resend import Resend
from ari.outbound.smtp import Smtp


def sender_of(settings: Settings, stored: Credential | None = None) -> Sender | None:
    """The sender from the settings, or ``None`` if email isn't set up; ``stored`` is a Resend key from the database."""
    if settings.resend_api_key is not None:
        set_by_owner = "resend_url" in settings.model_fields_set
        return Resend(settings.resend_url, settings.resend_api_key.get_secret_value(), set_by_owner=set_by_owner)
    if settings.smtp_url is not None:
        return Smtp(settings.smtp_url.get_secret_value())
    if stored is not None and stored.secret:
        return Resend(stored.base_url, stored.secret, set_by_owner=stored.owner_named)
    return None
