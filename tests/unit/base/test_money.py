"""Money: no amount loses a millionth on its way in and out, and no other currency is taken for dollars."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.base.money import (
    MAX_USD,
    MICROS_PER_USD,
    USD,
    DisplayCurrency,
    convert_money,
    format_money,
    format_usd,
    make_display_currency,
    parse_currency_code,
    parse_currency_rate,
    parse_usd,
)


@given(st.integers(0, MAX_USD * MICROS_PER_USD))
def test_every_amount_survives(micros: int) -> None:
    """Text and amount are the same; nothing is rounded."""
    assert parse_usd(format_usd(micros)) == micros


@pytest.mark.parametrize(
    ("text", "micros"), [("25", 25_000_000), ("25.0", 25_000_000), ("0.000001", 1), ("007.5", 7_500_000)]
)
def test_amounts_are_decimal_text(text: str, micros: int) -> None:
    """With or without decimals."""
    assert parse_usd(text) == micros


def test_amounts_are_shown_with_two_places_or_more() -> None:
    """And with as many as the amount needs."""
    assert [format_usd(one) for one in (0, 25_000_000, 125, -1_500_000)] == ["0.00", "25.00", "0.000125", "-1.50"]


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1\n", "-1", "+1", "1e3", "1,000", ".5", "1.", "0.0000001", "NaN", "٣", "1" * 11, "1000000000.01"],
)
def test_other_text_is_refused(text: str) -> None:
    """Nothing that could be read in two ways."""
    with pytest.raises(ValueError, match="US dollars"):
        parse_usd(text)


@pytest.mark.parametrize("text", ["25 EUR", "€25", "25.00 gbp"])
def test_another_currency_is_named_as_the_reason(text: str) -> None:
    """Amounts in two currencies could not be added up."""
    with pytest.raises(ValueError, match="other currencies can't be used"):
        parse_usd(text)


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "$0.00"),
        (1_204_500_000, "$1,204.50"),
        (1_239_999, "$1.24"),
        (54_321, "$0.054"),
        (1_200, "$0.0012"),
        (1, "$0.000001"),
        (-2_000_000, "-$2.00"),
    ],
)
def test_people_read_short_amounts(micros: int, text: str) -> None:
    """Cents for large amounts; a small one never looks like nothing."""
    assert format_money(micros) == text


def test_the_display_currency_changes_only_what_is_shown() -> None:
    """At its fixed rate; a currency without a symbol has its code."""
    assert format_money(10_000_000, DisplayCurrency("EUR", Decimal("0.92"))) == "€9.20"
    assert format_money(10_000_000, DisplayCurrency("CHF", Decimal("0.9"))) == "CHF 9.00"


def test_a_currency_needs_a_rate() -> None:
    """Amounts in one currency must not be shown as another's."""
    assert make_display_currency("USD", None) == make_display_currency("USD", Decimal(1)) == USD
    assert make_display_currency("EUR", Decimal("0.92")) == DisplayCurrency("EUR", Decimal("0.92"))
    for code, rate in (("EUR", None), ("USD", Decimal(2))):
        with pytest.raises(ValueError, match="requires"):
            make_display_currency(code, rate)


def test_money_is_converted() -> None:
    """To whole millionths of the other currency."""
    assert convert_money(12_345_678, DisplayCurrency("EUR", Decimal("0.92"))) == 11_358_024
    assert convert_money(0, DisplayCurrency("JPY", Decimal(150))) == 0


@pytest.mark.parametrize("text", ["", "E", "EURO", "E1R", "€"])
def test_a_currency_has_three_letters(text: str) -> None:
    """Small letters will do."""
    assert parse_currency_code("eur") == "EUR"
    with pytest.raises(ValueError, match="three letters"):
        parse_currency_code(text)


@pytest.mark.parametrize("text", ["", "0", "0.0", "-1", "1,5", "NaN", "1e3", "inf"])
def test_a_rate_is_above_0(text: str) -> None:
    """And exact."""
    assert parse_currency_rate("0.92") == Decimal("0.92")
    with pytest.raises(ValueError, match="above 0"):
        parse_currency_rate(text)
