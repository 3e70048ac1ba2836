"""Sentences that people read in several places."""

NOTHING_HERE = "Nothing exists at this URL."
EMAIL_IS_OFF = (
    "Email is off. Add a Resend key under Settings > Integrations, or set RESEND_API_KEY or ARI_SMTP_URL "
    "and restart ARI."
)
