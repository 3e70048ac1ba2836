"""Problems with a request in ARI's own words, never with a value from the request (security.md 7)."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from ari.base.errors import Invalid, Problem
from ari.keys.names import EMPTY_NAME

T = TypeVar("T")
MAX_PROBLEMS = 20
_FIELD = re.compile(r"[a-z][a-z_-]{0,39}|[0-9]{1,5}")
_Context = Mapping[str, Any]


def _amount(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


_SENTENCES: dict[str, Callable[[_Context], str]] = {
    "missing": lambda _: "This field is required.",
    "extra_forbidden": lambda _: "Unknown field.",
    "string_type": lambda _: "Must be a string.",
    "bool_type": lambda _: "Must be true or false.",
    "bool_parsing": lambda _: "Must be true or false.",
    "int_type": lambda _: "Must be a whole number.",
    "int_parsing": lambda _: "Must be a whole number.",
    "int_parsing_size": lambda _: "Use a smaller number.",
    "int_from_float": lambda _: "Must be a whole number.",
    "list_type": lambda _: "Must be a list.",
    "dict_type": lambda _: "Must be a JSON object.",
    "model_type": lambda _: "Must be a JSON object.",
    "model_attributes_type": lambda _: "Must be a JSON object.",
    "none_required": lambda _: "Must be null.",
    "string_too_long": lambda limit: f"Use at most {_amount(limit['max_length'], 'character')}.",
    "string_too_short": lambda limit: f"Use at least {_amount(limit['min_length'], 'character')}.",
    "string_pattern_mismatch": lambda _: "Invalid format. See the API reference.",
    "too_long": lambda limit: f"Specify at most {_amount(limit['max_length'], 'item')}.",
    "too_short": lambda limit: f"Specify at least {_amount(limit['min_length'], 'item')}.",
    "greater_than_equal": lambda limit: f"Must be {limit['ge']} or more.",
    "less_than_equal": lambda limit: f"Must be {limit['le']} or less.",
    "literal_error": lambda choice: f"Choose {choice['expected']}.",
    "json_invalid": lambda _: "Invalid JSON.",
}
DEFAULT_MESSAGE = "Invalid value."


def parse_body(adapter: TypeAdapter[T], sent: Any) -> T:
    """The body of a fast route, which the framework doesn't read. Raises ``Invalid``."""
    try:
        return adapter.validate_python(sent)
    except ValidationError as error:
        errors = [{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_input=False)]
        raise Invalid(*problems_of(errors)) from None


def problems_of(errors: Sequence[Any]) -> list[Problem]:
    """The problems that Pydantic found; each ``loc`` starts with the place of the field (``body``, ``query`` …)."""
    return [Problem(_location(error["loc"]), _message(error)) for error in errors[:MAX_PROBLEMS]]


def _location(loc: Sequence[int | str]) -> str:
    """The path of the field without ``body`` or ``query``; a name that may be a pasted secret is replaced."""
    parts = [str(part) for part in loc[1:]]
    return ".".join(part if _FIELD.fullmatch(part) else "?" for part in parts) or str(loc[0])


def _message(error: Any) -> str:
    if error["type"] == "string_too_short" and error["loc"][-1] == "name":
        return EMPTY_NAME  # the same sentence at every door
    sentence = _SENTENCES.get(error["type"])
    return DEFAULT_MESSAGE if sentence is None else sentence(error.get("ctx", {}))
