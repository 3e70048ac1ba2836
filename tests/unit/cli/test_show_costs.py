"""Costs on the command line: exact for pipes, in the display currency for people, and unknown as unknown."""

import pytest

from ari.base.errors import ConfigurationError
from ari.cli import output, show_costs


def _sums(cost_usd: str | None, priced: int = 2) -> dict[str, object]:
    return {"cost_usd": cost_usd, "priced_count": priced, "request_count": 2}


def test_pipes_get_exact_dollars(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever people see; a sum that misses unknown costs is marked."""
    monkeypatch.setenv("ARI_DISPLAY_CURRENCY", "EUR")
    monkeypatch.setenv("ARI_DISPLAY_CURRENCY_RATE", "0.5")
    assert show_costs.show_cost(_sums("1234.567890")) == "1234.567890"
    assert show_costs.show_cost(_sums("1.00", priced=1)) == "1.00+"
    assert show_costs.show_cost(_sums(None)) == "unknown"


def test_people_see_the_display_currency(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the fixed rate of the settings."""
    monkeypatch.setattr(output, "at_terminal", lambda: True)
    assert show_costs.show_usd("1234.567890") == "$1,234.57"
    monkeypatch.setenv("ARI_DISPLAY_CURRENCY", "eur")
    monkeypatch.setenv("ARI_DISPLAY_CURRENCY_RATE", "0.5")
    assert show_costs.show_usd("1234.567890") == "€617.28"


@pytest.mark.parametrize(("code", "rate"), [("EUR", ""), ("EURO", "1"), ("EUR", "0"), ("USD", "2")])
def test_an_invalid_currency_is_one_sentence(code: str, rate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong rate must not show wrong amounts."""
    monkeypatch.setattr(output, "at_terminal", lambda: True)
    monkeypatch.setenv("ARI_DISPLAY_CURRENCY", code)
    monkeypatch.setenv("ARI_DISPLAY_CURRENCY_RATE", rate)
    with pytest.raises(ConfigurationError, match=r"^Display currency: [^\n]+\.\Z"):
        show_costs.show_usd("1.00")
