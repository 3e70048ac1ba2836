"""URLs of Settings > Usage > AI costs, and of Budgets."""

from ari.web.navigation import RANGE_QUERY, with_query

USAGE_AI = "/settings/usage/ai"
EXPORT = f"{USAGE_AI}/export"
BUDGETS = "/settings/usage/budgets"
INSTANCE_BUDGETS = f"{BUDGETS}/instance"
NEW_PROVIDER_BUDGETS = f"{BUDGETS}/providers"
PROVIDER_BUDGETS = f"{NEW_PROVIDER_BUDGETS}/{{provider}}"
_PROVIDER_NAME = "[a-z][a-z0-9_-]{0,40}"
RETURN_TO = (
    f"{USAGE_AI}{RANGE_QUERY}",
    rf"{BUDGETS}(?:/instance(?:/reset)?|/providers(?:/{_PROVIDER_NAME}(?:/reset)?)?)?",
)


def provider_budgets(provider: str) -> str:
    """The form for the budgets of a provider."""
    return f"{NEW_PROVIDER_BUDGETS}/{provider}"


def budgets_after(owner_id: str) -> str:
    """The budgets of keys and consumers from this place on."""
    return with_query(BUDGETS, {"before": owner_id})


def of_consumer(consumer_id: str) -> str:
    """The AI costs of the keys of this consumer."""
    return with_query(USAGE_AI, {"consumer": consumer_id})


def export_url(query: dict[str, str]) -> str:
    """The figures of the page with this query, as a file."""
    return with_query(EXPORT, query)
