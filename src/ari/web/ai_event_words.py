"""Words for events about budgets, model aliases and prices: what was used, and what changed from what to what.

The detail of an event may lack a fact or have another shape in an older version's log; it is then left out.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ari.base.events import Event

Detail = Mapping[str, Any]

_PERIODS: Final = {"day": "per day", "week": "per week", "month": "per month", "total": "in all"}
_MAX_CHANGES = 6


def describe_budget_use(detail: Detail) -> str:
    """``Budget monthly used to 81 %: 20.40 US dollars of 25.00 US dollars``."""
    percent = detail.get("used_percent") or detail.get("threshold")
    if percent is None:
        return "Budget used to 50, 80 or 100 percent"
    use = _describe_share(percent, is_used_up=detail.get("threshold") == 100)
    used, limit = _describe_amount(detail, "used"), _describe_amount(detail, "limit")
    return f"Budget {detail.get('budget')} {use}" + (f": {used} of {limit}" if used and limit else "")


def _describe_share(percent: object, *, is_used_up: bool) -> str:
    """After a refusal, a budget that isn't used up has too little left."""
    if is_used_up and isinstance(percent, int) and percent < 100:
        return f"has too little left for a request, {percent} % used"
    return f"used up ({percent} %)" if is_used_up else f"used to {percent} %"


def describe_increase(detail: Detail) -> str | None:
    """``Budget monthly increased by 10.00 US dollars``; ``None`` if the detail doesn't say."""
    amount = _describe_amount(detail)
    if amount and not amount.strip("0. USdolartkens"):
        return f"One-time increase of budget {detail.get('budget')} ended"
    return f"Budget {detail.get('budget')} increased by {amount}" if amount else None


def describe_changes(event: Event) -> str | None:
    """Changes of an event about budgets, aliases or prices, for the end of a sentence; ``None`` if it doesn't say."""
    match event.name:
        case "key_budgets_changed" | "consumer_budgets_changed" | "ai_budgets_changed":
            return _describe_budgets(event.detail)
        case "key_budgets_reset" | "consumer_budgets_reset":
            names = event.detail.get("budgets")
            return ", ".join(map(str, names)) if isinstance(names, list) else None
        case "ai_aliases_changed":
            return _describe_aliases(event.detail)
        case "ai_prices_changed":
            return _describe_prices(event.detail)
        case _:
            return None


def _describe_budgets(detail: Detail) -> str | None:
    """``monthly from 25.00 US dollars per month to 30.00 US dollars per month``; ``None`` if the detail doesn't say.

    ``from`` and ``to`` are a list of budgets, or those of the instance and of its providers.
    """
    before, after = _name_budgets(detail.get("from")), _name_budgets(detail.get("to"))
    changes = list[str]()
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if old != new:
            changes.append(f"{name} removed" if new is None else f"{name} {f'from {old} to ' if old else ''}{new}")
    return _shorten(changes)


def _describe_aliases(detail: Detail) -> str | None:
    """``fast from openai/gpt-5-nano to openai/gpt-5-mini``; ``None`` if the detail doesn't say.

    Older events have the new models only, under ``changed``.
    """
    before, after = _read_texts(detail.get("from")), _read_texts(detail.get("changed", detail.get("to")))
    return _shorten(_compare(before, after))


def _describe_prices(detail: Detail) -> str | None:
    """``openai/x from input 1.10, output 8.80 to 15 % off``; ``None`` if the detail doesn't say."""
    before, after = (_read_prices(detail.get(end)) for end in ("from", "to"))
    return _shorten(_compare(before, after))


def _compare(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What changed, by name; an empty text is as none."""
    changes = list[str]()
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if old != new:
            changes.append(f"{name} {f'from {old} ' if old else ''}to {new}" if new else f"{name} removed")
    return changes


def _read_texts(value: object) -> dict[str, str]:
    """The models of each alias, in words."""
    if not isinstance(value, Mapping):
        return {}
    return {str(name): " ".join(map(str, to)) for name, to in value.items() if isinstance(to, list)}


def _read_prices(value: object) -> dict[str, str]:
    """The price and the discount of each pattern, in words."""
    found: dict[str, list[str]] = {}
    for kind in ("prices", "discounts"):
        listed = value.get(kind) if isinstance(value, Mapping) else None
        for one in listed if isinstance(listed, list) else ():
            if isinstance(one, Mapping) and "model" in one:
                found.setdefault(str(one["model"]), []).extend(_list_price_parts(one))
    return {model: ", ".join(parts) for model, parts in found.items()}


def _list_price_parts(entry: Detail) -> Iterator[str]:
    for name, value in entry.items():
        if name == "percent":
            yield f"{value} % off"
        elif name != "model":
            yield f"{name.removesuffix('_usd').replace('_', ' ')} {value}"


def _shorten(changes: list[str]) -> str | None:
    more = len(changes) - _MAX_CHANGES
    return "; ".join([*changes[:_MAX_CHANGES], *([f"and {more} more"] if more > 0 else [])]) or None


def _name_budgets(value: object) -> dict[str, str]:
    return {name: text for name, budget in _list_budgets(value) if (text := _describe_budget(budget))}


def _list_budgets(value: object) -> Iterator[tuple[str, Detail]]:
    if isinstance(value, list):
        yield from ((str(one.get("name")), one) for one in value if isinstance(one, Mapping))
    elif isinstance(value, Mapping):
        yield from ((f"{name} of the instance", one) for name, one in _list_budgets(value.get("instance")))
        providers = value.get("providers")
        for provider, budgets in providers.items() if isinstance(providers, Mapping) else ():
            yield from ((f"{name} of {provider}", one) for name, one in _list_budgets(budgets))


def _describe_budget(budget: Detail) -> str:
    period = _PERIODS.get(str(budget.get("period")), f"in {budget.get('window')}")
    words = f"{_describe_amount(budget)} {period}{'' if budget.get('hard', True) else ' (soft)'}"
    increases = [one for one in budget.get("increases") or () if isinstance(one, Mapping)]
    return words + "".join(f" plus {_describe_amount(one)} once" for one in increases)


def _describe_amount(fields: Detail, name: str = "amount") -> str | None:
    if fields.get(f"{name}_usd") is not None:
        return f"{fields[f'{name}_usd']} US dollars"
    tokens = fields.get(f"{name}_tokens")
    return f"{tokens:,} tokens" if isinstance(tokens, int) else None
