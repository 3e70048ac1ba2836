"""Which sender the settings ask for."""

from ari.base.settings import Settings
from ari.notifications.ports import Sender
from ari.outbound.resend import Resend
from ari.outbound.smtp import Smtp


def sender_of(settings: Settings) -> Sender | None:
    """The sender, ``None`` where mail is not set up."""
    if settings.resend_api_key is not None:
        set_by_owner = "resend_url" in settings.model_fields_set
        return Resend(settings.resend_url, settings.resend_api_key.get_secret_value(), set_by_owner=set_by_owner)
    if settings.smtp_url is not None:
        return Smtp(settings.smtp_url.get_secret_value())
    return None
