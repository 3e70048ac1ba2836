"""Remove the rules that name a provider which is removed, so that another one of the same name doesn't inherit them."""

from ari.integrations.ai_rules.change_aliases import AliasTransaction, get_aliases, set_aliases
from ari.integrations.ai_rules.change_budgets import set_provider_budgets
from ari.integrations.ai_rules.change_prices import set_prices
from ari.integrations.ai_rules.price_fields import describe_price_rules
from ari.integrations.ai_rules.replace_part import get_ai_rules


def drop_provider_rules(tx: AliasTransaction, provider: str) -> None:
    """Remove its budgets, its own prices and discounts, and its models from aliases; an alias of no other model goes.

    Prices with a wildcard as their provider stay. Each part that changes records its event. Raises ``Forbidden`` for
    a key that budgets bind, and ``ReauthRequired``.
    """
    rules, start = get_ai_rules(tx), f"{provider}/"
    budgets = rules.budgets.providers.get(provider)
    if budgets is not None and budgets.budgets:
        set_provider_budgets(tx, provider, [], [provider])
    prices = describe_price_rules(rules.prices)
    kept = {kind: [one for one in entries if not one["model"].startswith(start)] for kind, entries in prices.items()}
    if kept != prices:
        set_prices(tx, kept)
    aliases = get_aliases(tx)
    left = {name: [one for one in targets if not one.startswith(start)] for name, targets in aliases.items()}
    left = {name: targets for name, targets in left.items() if targets}
    if left != {name: list(targets) for name, targets in aliases.items()}:
        set_aliases(tx, left)
