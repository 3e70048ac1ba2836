"""The pages: server-rendered HTML for the owner, which works without JavaScript."""

from starlette.routing import BaseRoute

from ari.http.services import ErrorPage
from ari.instance import Instance
from ari.web import render, urls
from ari.web.pages.account.routes import AccountPages
from ari.web.pages.api_docs.endpoints import Describe, Endpoints
from ari.web.pages.api_docs.routes import ApiDocsPages
from ari.web.pages.audit.routes import AuditPages
from ari.web.pages.bulk.matching import MatchingKeysPages
from ari.web.pages.bulk.routes import BulkPages
from ari.web.pages.confirm.reauth import ReauthGuard
from ari.web.pages.confirm.routes import ConfirmPages
from ari.web.pages.consumers.limit_routes import ConsumerBudgetsPages, ConsumerLimitsPages
from ari.web.pages.consumers.routes import ConsumerPages
from ari.web.pages.create_key.routes import CreateKeyPages
from ari.web.pages.edit_key.routes import EditKeyPages
from ari.web.pages.error_code.routes import ErrorCodePages
from ari.web.pages.integrations.routes import IntegrationsPages
from ari.web.pages.jump.routes import JumpPages
from ari.web.pages.key.routes import KeyPages
from ari.web.pages.key.unused_scope_pages import UnusedScopesPages
from ari.web.pages.key_limits.routes import KeyBudgetsPages, KeyLimitsPages
from ari.web.pages.key_options.routes import KeyOptionsPages
from ari.web.pages.key_rules.routes import KeyRulesPages
from ari.web.pages.kinds.routes import KindPages
from ari.web.pages.mail_links.forgot import ForgotPages
from ari.web.pages.mail_links.routes import MailLinkPages
from ari.web.pages.models.price_routes import DiscountPages, PricePages
from ari.web.pages.models.routes import ModelPages
from ari.web.pages.notifications.routes import NotificationPages
from ari.web.pages.rotate_key.routes import RotateKeyPages
from ari.web.pages.scopes.preset_routes import PresetPages
from ari.web.pages.scopes.routes import ScopesPages
from ari.web.pages.security.address import AddressPages
from ari.web.pages.security.routes import SecurityPages
from ari.web.pages.security.two_factor import TwoFactorPages
from ari.web.pages.settings_api.routes import SettingsApiPages
from ari.web.pages.settings_usage.routes import SettingsUsagePages
from ari.web.pages.setup.routes import SetupPages
from ari.web.pages.shortcuts.routes import ShortcutsPages
from ari.web.pages.sign_in.code import CodePages
from ari.web.pages.sign_in.routes import SignInPages
from ari.web.pages.usage_ai.routes import UsageAiPages
from ari.web.pages.usage_ai.shared_budgets import (
    InstanceBudgetsPages,
    NewProviderBudgetsPages,
    ProviderBudgetsPages,
)
from ari.web.pages.webhooks.form_routes import WebhookFormPages
from ari.web.pages.webhooks.routes import WebhookPages
from ari.web.render import Pages
from ari.web.static_files import StaticFiles

__all__ = ["error_page", "routes"]

_FOLDERS = (
    SignInPages,
    CodePages,
    SetupPages,
    ForgotPages,
    MailLinkPages,
    AccountPages,
    ConfirmPages,
    ShortcutsPages,
    JumpPages,
    CreateKeyPages,
    RotateKeyPages,
    MatchingKeysPages,
    BulkPages,  # before the page of a key, whose URL would match
    KeyPages,
    UnusedScopesPages,
    EditKeyPages,
    KeyLimitsPages,
    KeyBudgetsPages,
    KeyOptionsPages,
    ConsumerPages,
    ConsumerLimitsPages,
    ConsumerBudgetsPages,
    KindPages,
    KeyRulesPages,
    SettingsUsagePages,
    UsageAiPages,
    InstanceBudgetsPages,
    NewProviderBudgetsPages,
    ProviderBudgetsPages,
    AuditPages,
    IntegrationsPages,
    ModelPages,
    PricePages,
    DiscountPages,
    NotificationPages,
    WebhookFormPages,  # before the page of a webhook, whose URL would match
    WebhookPages,
    ScopesPages,
    PresetPages,
    SecurityPages,
    TwoFactorPages,
    AddressPages,
    ErrorCodePages,
)


def error_page(instance: Instance) -> ErrorPage:
    """A function that renders an error of this instance as a page."""
    return render.error_page(instance, urls)


def routes(instance: Instance, describe: Describe) -> list[BaseRoute]:
    """The routes of all pages. Each endpoint declares its policy (``ari.http.route_policy``).

    ``describe`` returns the API's OpenAPI document.
    """
    pages, endpoints = Pages(instance, urls), Endpoints(describe)
    found: list[BaseRoute] = StaticFiles().routes()
    for folder in _FOLDERS:
        found += folder(pages).routes()
    for with_endpoints in (SettingsApiPages, ApiDocsPages):
        found += with_endpoints(pages, endpoints).routes()
    asks_first = ReauthGuard(pages)
    return [asks_first.route(one) for one in found]
