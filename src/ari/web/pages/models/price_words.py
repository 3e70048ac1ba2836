"""Own prices in words, and the fields of their form."""

from collections.abc import Mapping
from typing import NamedTuple


class PriceField(NamedTuple):
    """A field of the form, and what it is called in a sentence."""

    name: str
    label: str
    words: str


MAIN_FIELDS = (
    PriceField("input_usd", "Input tokens", "input"),
    PriceField("output_usd", "Output tokens", "output"),
)
OTHER_FIELDS = (
    PriceField("cached_input_usd", "Input read from a cache", "cached input"),
    PriceField("cache_write_usd", "Input written to a cache", "cache writes"),
    PriceField("input_audio_usd", "Audio input", "audio input"),
    PriceField("output_audio_usd", "Audio output", "audio output"),
    PriceField("input_image_usd", "Image input", "image input"),
    PriceField("output_image_usd", "Image output", "image output"),
)
PER_REQUEST = PriceField("per_request_usd", "Each request", "each request")
PRICE_NAMES = tuple(field.name for field in (*MAIN_FIELDS, *OTHER_FIELDS, PER_REQUEST))


def describe_price(price: Mapping[str, str | None]) -> str:
    """``Per million tokens: input $0.20, output $0.60. Each request: $0.005.``, for an own price as JSON."""
    tokens = [f"{one.words} ${price[one.name]}" for one in (*MAIN_FIELDS, *OTHER_FIELDS) if price[one.name] is not None]
    sentences = [f"Per million tokens: {', '.join(tokens)}."] if tokens else []
    if price[PER_REQUEST.name] is not None:
        sentences.append(f"Each request: ${price[PER_REQUEST.name]}.")
    return " ".join(sentences)
