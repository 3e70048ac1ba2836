"""Texts and attributes that are fit for a span."""

import traceback
from collections.abc import Sequence
from pathlib import PurePath

from ari.base.log import escape_controls
from ari.base.secrets_in_text import cut_secrets
from ari.base.traces import Attributes

MAX_LENGTH = 200
_MAX_FRAMES = 20


def clean_text(text: str) -> str:
    """The text without secrets and control characters, cut to ``MAX_LENGTH``."""
    return escape_controls(cut_secrets(text[: 4 * MAX_LENGTH]))[:MAX_LENGTH]


def clean_attributes(given: Attributes) -> dict[str, str | int | float | bool | tuple[str, ...]]:
    """The attributes that have a value, their texts cleaned."""
    return {name: _clean(value) for name, value in given.items() if value is not None}


def _clean(value: str | float | Sequence[str]) -> str | int | float | bool | tuple[str, ...]:
    if isinstance(value, str):
        return clean_text(value)
    return value if isinstance(value, int | float) else tuple(map(clean_text, value))


def describe_error(error: BaseException) -> dict[str, str]:
    """An error by its type and its functions. Its message may quote a caller, so it is left out."""
    frames = traceback.extract_tb(error.__traceback__)[-_MAX_FRAMES:]
    places = [f"{PurePath(one.filename).name}:{one.lineno} {one.name}" for one in frames]
    return {"exception.type": type(error).__qualname__, "exception.stacktrace": "\n".join(places)}
