"""The operator's own price of a model, in the form of the library's."""

from decimal import Decimal
from fractions import Fraction

from ari.integrations.ai_rules.prices import OwnPrice
from ari.prices.card import REQUESTS, Price

_TOKENS_PER_PRICE = 1_000_000
_INPUT, _OUTPUT = "input_tokens", "output_tokens"
_WHOLES = (("input", _INPUT), ("output", _OUTPUT))
_PARTS = (
    ("cached_input", "cache_read_tokens", _INPUT),
    ("cache_write", "cache_write_tokens", _INPUT),
    ("input_audio", "input_audio_tokens", _INPUT),
    ("output_audio", "output_audio_tokens", _OUTPUT),
    ("input_image", "input_image_tokens", _INPUT),
    ("output_image", "output_image_tokens", _OUTPUT),
)
_COMMON = (
    ("cached_input", "input_audio", "cache_audio_read_tokens"),
    ("cached_input", "input_image", "cache_image_read_tokens"),
    ("cache_write", "input_audio", "cache_audio_write_tokens"),
    ("cache_write", "input_image", "cache_image_write_tokens"),
)
"""The tokens that two parts have in common. They cost what the first one does."""


def make_prices(own: OwnPrice) -> list[Price]:
    """The prices that ``own`` sets. A part without a price is charged as its whole."""
    given: dict[str, Decimal] = {
        name: price for name in OwnPrice.__struct_fields__[1:] if (price := getattr(own, name)) is not None
    }
    kinds = {name: kind for name, kind in _WHOLES if name in given}
    prices = [Price(kind, _per_token(given[name]), is_required=given[name] > 0) for name, kind in kinds.items()]
    whole_kinds = frozenset(kinds.values())
    for name, kind, whole in _PARTS:
        if name in given:
            kinds[name] = kind
            prices.append(Price(kind, _per_token(given[name]), parents=whole_kinds & {whole}))
    for first, second, kind in _COMMON:
        if first in given and second in given:
            parents = frozenset((kinds[first], kinds[second])) | (whole_kinds & {_INPUT})
            prices.append(Price(kind, _per_token(given[first]), parents=parents))
    if own.per_request is not None:
        prices.append(Price(REQUESTS, Fraction(own.per_request)))
    return prices


def _per_token(price: Decimal) -> Fraction:
    return Fraction(price) / _TOKENS_PER_PRICE
