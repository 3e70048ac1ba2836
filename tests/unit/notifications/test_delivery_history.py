"""The delivery history and the email configuration as JSON."""

from ari.base.clock import to_rfc3339
from ari.notifications.delivery_history import mail_config_facts, notice_facts
from ari.notifications.model import MailConfig, Notice


def test_a_sender_address_is_shown_only_where_email_is_sent() -> None:
    """The API doesn't claim that emails come from an address while none are sent."""
    on = mail_config_facts(MailConfig("resend", "ARI <ari@example.net>", None), "owner@example.com")
    assert (on["on"], on["from"], on["links"]) == (True, "ARI <ari@example.net>", False)
    off = mail_config_facts(MailConfig(None, "ARI <ari@example.net>", None), None)
    assert (off["on"], off["from"], off["recipient"]) == (False, None, None)


def test_a_notice_is_dated_in_rfc_3339_and_lacks_only_what_has_not_happened() -> None:
    """Clients read times as text; the time of a sending that has not happened is null, not zero."""
    facts = notice_facts(Notice("ntc_1", "key_created", "evt_1", 0, 0, "waiting", "A key was created"))
    assert facts["time"] == to_rfc3339(0)
    assert (facts["state"], facts["sent_at"], facts["next_try_at"]) == ("waiting", None, None)
