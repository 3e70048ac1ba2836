"""URLs of Settings > Integrations > Models."""

from ari.web.navigation import Toast, with_query

MODELS = "/settings/models"
ALIASES = f"{MODELS}/aliases"
PRICES = f"{MODELS}/prices"
DISCOUNTS = f"{MODELS}/discounts"
RETURN_TO = (rf"{MODELS}(?:/(?:aliases|prices|discounts))?",)

ALIAS_SAVED = Toast("alias-saved", "Alias saved. It applies from the next request.")
ALIAS_REMOVED = Toast("alias-removed", "Alias removed.")
PRICE_SAVED = Toast("price-saved", "Price saved. It counts from the next request.")
PRICE_REMOVED = Toast("price-removed", "Price removed.")
DISCOUNT_SAVED = Toast("discount-saved", "Discount saved. It counts from the next request.")
DISCOUNT_REMOVED = Toast("discount-removed", "Discount removed.")


def edit(form_url: str, name: str) -> str:
    """The form of one entry."""
    return with_query(form_url, {"of": name})


def remove(form_url: str, name: str) -> str:
    """The question before one entry is removed."""
    return with_query(f"{form_url}/remove", {"of": name})
