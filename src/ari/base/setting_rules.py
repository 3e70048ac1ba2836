"""Settings that require or exclude each other."""

from typing import Any

from ari.base.money import make_display_currency


def check_combinations(settings: Any) -> None:
    """Raise ``ValueError`` with a sentence about the first two settings that don't fit together."""
    if (settings.admin_email is None) != (settings.admin_password is None):
        raise ValueError("ARI_ADMIN_EMAIL and ARI_ADMIN_PASSWORD must be set together")
    if settings.master_key is not None and settings.master_key_file is not None:
        raise ValueError("ARI_MASTER_KEY and ARI_MASTER_KEY_FILE can't both be set")
    if settings.resend_api_key is not None and settings.smtp_url is not None:
        raise ValueError("RESEND_API_KEY and ARI_SMTP_URL can't both be set")
    if settings.smtp_url is not None and settings.mail_from is None:
        raise ValueError("ARI_SMTP_URL requires ARI_MAIL_FROM, the from address")
    if settings.forward_auth is not None and not settings.trusted_proxies:
        raise ValueError("ARI_FORWARD_AUTH requires ARI_TRUSTED_PROXIES, the addresses of the proxy")
    if settings.usage_log_url is not None and settings.database_url is None:
        raise ValueError("ARI_USAGE_LOG_URL requires PostgreSQL: set ARI_DATABASE_URL")
    if settings.audit_file is not None:
        from ari.base.own_files import is_own_file  # noqa: PLC0415 - few commands need it

        if is_own_file(settings.audit_file, settings.data_dir, [settings.master_key_file]):
            raise ValueError(f"ARI_AUDIT_FILE: {settings.audit_file} is a file of ARI's own. Choose another name")
    make_display_currency(settings.display_currency, settings.display_currency_rate)
