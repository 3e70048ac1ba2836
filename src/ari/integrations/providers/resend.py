"""Resend: sends emails; not an AI provider."""
# https://resend.com/docs/api-reference/errors: a send-only key gets 401 restricted_api_key, a wrong one 403
# invalid_api_key (once 400), so the name decides and not the status.

from ari.integrations.model import KeyShape, Provider, Trial

PROVIDER = Provider(
    name="resend",
    title="Resend",
    base_url="https://api.resend.com",
    variable="RESEND_API_KEY",
    keys_page="https://resend.com/api-keys",
    shape=KeyShape(r"re_[A-Za-z0-9_]{16,}", "begin with re_", telling=True),
    sends_mail=True,
    trial=Trial("/domains", rejected=(400, 401, 403), restricted=(), restricted_mark="restricted_api_key"),
)
