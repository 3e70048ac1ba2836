"""Find what a text may mean: pages, keys and consumers."""

from typing import NamedTuple

from ari import keys
from ari.keys.listing import KeyFilter, KeyListTransaction, Order
from ari.keys.model import ApiKey, Consumer
from ari.web.pages.api_docs.urls import API_DOCS
from ari.web.pages.audit.urls import AUDIT
from ari.web.pages.consumers.urls import CONSUMERS, NEW_CONSUMER
from ari.web.pages.create_key.urls import NEW_KEY
from ari.web.pages.integrations.urls import INTEGRATIONS
from ari.web.pages.key_rules.urls import RULES
from ari.web.pages.kinds.urls import KINDS
from ari.web.pages.models.urls import MODELS
from ari.web.pages.notifications.urls import NOTIFICATIONS
from ari.web.pages.scopes.urls import SCOPES
from ari.web.pages.security.urls import PASSWORD, SECURITY, TWO_FACTOR
from ari.web.pages.settings_api.urls import HOME
from ari.web.pages.settings_usage.urls import USAGE
from ari.web.pages.usage_ai.urls import BUDGETS, USAGE_AI
from ari.web.pages.webhooks.urls import WEBHOOKS

SHOWN = 8
"""Keys, and as many consumers, that are listed for a text."""
_NEWEST_FIRST = Order("created", descending=True)


class Place(NamedTuple):
    """A page by its name; ``words`` also find it."""

    name: str
    url: str
    words: str = ""


PLACES = (
    Place("API keys", HOME, "settings home"),
    Place("Create API key", NEW_KEY, "new add"),
    Place("Scopes", SCOPES, "permissions presets"),
    Place("Consumers", CONSUMERS, "customers teams services"),
    Place("Create consumer", NEW_CONSUMER, "new add customer team"),
    Place("Kinds of keys", KINDS, "prefix"),
    Place("Rules for keys", RULES, "policy expiry"),
    Place("Usage", USAGE, "requests charts log"),
    Place("AI usage", USAGE_AI, "costs money tokens models"),
    Place("Budgets", BUDGETS, "money costs limits"),
    Place("Integrations", INTEGRATIONS, "providers openai anthropic resend"),
    Place("Models and prices", MODELS, "aliases discounts"),
    Place("Notifications", NOTIFICATIONS, "emails alerts"),
    Place("Webhooks", WEBHOOKS, "events slack discord"),
    Place("Audit", AUDIT, "events history"),
    Place("Security", SECURITY, "sessions account"),
    Place("Change password", PASSWORD, "security account"),
    Place("Two-factor sign-in", TWO_FACTOR, "security totp authenticator"),
    Place("API docs", API_DOCS, "reference endpoints"),
)


class Destinations(NamedTuple):
    """What fits a text."""

    places: list[Place]
    keys: list[ApiKey]
    consumers: list[Consumer]


def find_places(text: str) -> list[Place]:
    """The pages with each word of the text in their name or words; those whose name has them come first."""
    wanted = text.casefold().split()
    found = [place for place in PLACES if all(word in f"{place.name} {place.words}".casefold() for word in wanted)]
    return sorted(found, key=lambda place: not all(word in place.name.casefold() for word in wanted))


def find_destinations(tx: KeyListTransaction, text: str) -> Destinations:
    """All pages and the newest keys without a text, else what fits it, newest first."""
    found = tx.listing.run(KeyFilter(tx.now_ms, text), _NEWEST_FIRST, None, SHOWN)
    return Destinations(find_places(text), found, keys.get_consumers(tx, text, None, SHOWN) if text else [])
