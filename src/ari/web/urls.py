"""The URLs of all pages by folder, as templates use them, and those that a form may lead back to (security.md 28)."""

import re
from urllib.parse import urlsplit

from ari.web.navigation import Toast
from ari.web.pages.account import urls as account
from ari.web.pages.api_docs import urls as api_docs
from ari.web.pages.audit import urls as audit
from ari.web.pages.bulk import urls as bulk
from ari.web.pages.confirm import urls as confirm
from ari.web.pages.consumers import urls as consumers
from ari.web.pages.create_key import urls as create_key
from ari.web.pages.edit_key import urls as edit_key
from ari.web.pages.integrations import urls as integrations
from ari.web.pages.jump import urls as jump
from ari.web.pages.key import urls as key
from ari.web.pages.key_limits import urls as key_limits
from ari.web.pages.key_options import urls as key_options
from ari.web.pages.key_rules import urls as key_rules
from ari.web.pages.kinds import urls as kinds
from ari.web.pages.mail_links import urls as mail_links
from ari.web.pages.models import urls as models
from ari.web.pages.notifications import urls as notifications
from ari.web.pages.rotate_key import urls as rotate_key
from ari.web.pages.scopes import urls as scopes
from ari.web.pages.security import urls as security
from ari.web.pages.settings_api import urls as settings_api
from ari.web.pages.settings_usage import urls as settings_usage
from ari.web.pages.setup import urls as setup
from ari.web.pages.shortcuts import urls as shortcuts
from ari.web.pages.sign_in import urls as sign_in
from ari.web.pages.usage_ai import urls as usage_ai
from ari.web.pages.webhooks import urls as webhooks

_FOLDERS = (
    account,
    api_docs,
    audit,
    confirm,
    consumers,
    create_key,
    edit_key,
    integrations,
    jump,
    key,
    key_limits,
    key_options,
    key_rules,
    kinds,
    mail_links,
    bulk,
    models,
    notifications,
    rotate_key,
    scopes,
    security,
    settings_api,
    settings_usage,
    setup,
    shortcuts,
    sign_in,
    usage_ai,
    webhooks,
)
_RETURN_TO = re.compile("|".join(pattern for folder in _FOLDERS for pattern in folder.RETURN_TO))
_TOASTS = {value.id: value.text for folder in _FOLDERS for value in vars(folder).values() if isinstance(value, Toast)}


def return_url(text: str | None) -> str:
    """``text`` if a form may lead back to it, else Settings > API."""
    return text if text is not None and _RETURN_TO.fullmatch(text) else settings_api.HOME


def page_behind(current_url: str | None) -> str | None:
    """The page that a dialog covers, from htmx's ``HX-Current-URL``; ``None`` if no form may lead back to it."""
    if current_url is None:
        return None
    try:
        parts = urlsplit(current_url)
    except ValueError:
        return None
    url = parts.path + (f"?{parts.query}" if parts.query else "")
    return url if _RETURN_TO.fullmatch(url) else None


def toast_text(toast_id: str) -> str | None:
    """The text of the toast with this id."""
    return _TOASTS.get(toast_id)
