"""Amounts of money: whole millionths of a US dollar inside, decimal text for people."""

import re
from dataclasses import dataclass
from decimal import Decimal

MICROS_PER_USD = 1_000_000
MAX_USD = 1_000_000_000

_USD = re.compile(r"([0-9]{1,10})(?:\.([0-9]{1,6}))?", re.ASCII)
_OTHER = re.compile(r"[A-Za-z]{3}|[€£¥₹₩₽]")
_RULE = 'Use an amount of US dollars such as "25.00", with at most 6 decimal places.'
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}
_MIN_DECIMALS, _MAX_DECIMALS = 2, 6


@dataclass(frozen=True, slots=True)
class DisplayCurrency:
    """The currency in which people read amounts; one US dollar is ``rate`` of it. It changes nothing that is stored."""

    code: str = "USD"
    rate: Decimal = Decimal(1)


USD = DisplayCurrency()
_CODE = re.compile(r"[A-Z]{3}", re.ASCII)
_RATE = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", re.ASCII)


def parse_currency_code(text: str) -> str:
    """The code in capital letters. Raises ``ValueError`` with the end of a sentence."""
    if not _CODE.fullmatch(text.upper()):
        raise ValueError("use the three letters of a currency, such as EUR")
    return text.upper()


def parse_currency_rate(text: str) -> Decimal:
    """The amount of a currency that one US dollar is. Raises ``ValueError`` with the end of a sentence."""
    if not _RATE.fullmatch(text) or not Decimal(text):
        raise ValueError("use a number above 0 such as 0.92: how much of the currency one US dollar is")
    return Decimal(text)


def make_display_currency(code: str, rate: Decimal | None) -> DisplayCurrency:
    """The currency to show. Raises ``ValueError`` unless a currency other than the US dollar has a rate."""
    if code != USD.code and rate is None:
        raise ValueError("ARI_DISPLAY_CURRENCY requires ARI_DISPLAY_CURRENCY_RATE")
    if code == USD.code and rate not in (None, 1):
        raise ValueError("ARI_DISPLAY_CURRENCY_RATE requires ARI_DISPLAY_CURRENCY, the currency it is for")
    return USD if rate is None else DisplayCurrency(code, rate)


def parse_usd(text: str) -> int:
    """The millionths of a decimal amount such as ``25`` or ``0.50``. Raises ``ValueError`` with a sentence."""
    found = _USD.fullmatch(text)
    if found is None:
        if _OTHER.search(text):
            raise ValueError("Amounts are in US dollars; other currencies can't be used. " + _RULE)
        raise ValueError(_RULE)
    micros = int(found[1]) * MICROS_PER_USD + int((found[2] or "").ljust(6, "0"))
    if micros > MAX_USD * MICROS_PER_USD:
        raise ValueError(f"Use at most {MAX_USD:,} US dollars.")
    return micros


def format_usd(micros: int) -> str:
    """The amount as decimal text with at least two places, such as ``25.00`` or ``0.000125``."""
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    whole, part = divmod(micros, MICROS_PER_USD)
    return f"{sign}{whole}.{f'{part:06}'.rstrip('0').ljust(2, '0')}"


def convert_money(micros: int, currency: DisplayCurrency) -> int:
    """The amount in millionths of the currency."""
    return round(Decimal(micros) * currency.rate)


def format_money(micros: int, currency: DisplayCurrency = USD) -> str:
    """An amount for people, such as ``$1,204.50`` or ``CHF 0.0012``: small amounts get up to 6 decimals."""
    amount = Decimal(micros) * currency.rate / MICROS_PER_USD
    decimals = _MIN_DECIMALS
    while decimals < _MAX_DECIMALS and 0 < abs(amount) < Decimal(10) ** (1 - decimals):
        decimals += 1
    symbol = _SYMBOLS.get(currency.code, f"{currency.code} ")
    return f"{'-' if micros < 0 else ''}{symbol}{abs(amount):,.{decimals}f}"
