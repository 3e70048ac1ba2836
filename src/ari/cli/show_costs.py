"""Costs for people: at a terminal in the display currency, otherwise as exact US dollars."""

import os
from collections.abc import Mapping
from typing import Any

from ari.base.errors import ConfigurationError
from ari.base.money import (
    USD,
    DisplayCurrency,
    format_money,
    make_display_currency,
    parse_currency_code,
    parse_currency_rate,
    parse_usd,
)
from ari.cli import output


def show_usd(amount_usd: str) -> str:
    """An amount of the API."""
    return format_money(parse_usd(amount_usd), _currency()) if output.at_terminal() else amount_usd


def show_cost(sums: Mapping[str, Any]) -> str:
    """The cost in a report: ``unknown`` if no cost is known, and marked with ``+`` if some are not."""
    cost_usd = sums["cost_usd"]
    if cost_usd is None:
        return "unknown"
    return show_usd(cost_usd) + ("+" if sums["priced_count"] < sums["request_count"] else "")


def _currency() -> DisplayCurrency:
    """From the environment alone: a remote command loads no settings."""
    code = os.environ.get("ARI_DISPLAY_CURRENCY") or USD.code
    rate = os.environ.get("ARI_DISPLAY_CURRENCY_RATE") or None
    try:
        return make_display_currency(parse_currency_code(code), None if rate is None else parse_currency_rate(rate))
    except ValueError as error:
        raise ConfigurationError(f"Display currency: {error}.") from None
