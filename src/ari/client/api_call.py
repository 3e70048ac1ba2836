"""One call of an operation, as data: what is sent, and how its response is read."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import UNSET

from ari.base.token_shape import find_tokens
from ari.client.exceptions import InvalidSettings

T = TypeVar("T")
_SAFE_TO_REPEAT = frozenset(("GET", "HEAD", "PUT", "DELETE"))
"""Idempotent methods: RFC 9110 §9.2.2."""


@dataclass(frozen=True, slots=True)
class ApiCall(Generic[T]):
    """A request and the type of its response. Bodies can contain secrets, so ``repr`` shows neither body nor query."""

    method: str
    path: str
    returns: type[T]
    query: Mapping[str, Any] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    idempotency_key: str | None = field(default=None, repr=False)

    @property
    def target(self) -> str:
        """Path and query. Raises InvalidSettings for values that can't be in a URL."""
        texts = {name: _as_text(value) for name, value in self.query.items() if value is not None}
        for name, text in texts.items():
            _refuse_key(name, text)
        given = [f"{name}={_quote(text)}" for name, text in texts.items()]
        return f"{self.path}?{'&'.join(given)}" if given else self.path

    @property
    def may_repeat(self) -> bool:
        """Whether a second time changes nothing that the first time didn't."""
        return self.method in _SAFE_TO_REPEAT or self.idempotency_key is not None

    def with_cursor(self, cursor: str) -> "ApiCall[T]":
        """The same call for another page."""
        return replace(self, query={**self.query, "cursor": cursor})


def fill_path(template: str, **values: str | int) -> str:
    """The path with its values, percent-encoded.

    Raises InvalidSettings for one that would name another path, or that has a whole key.
    """
    for name, value in values.items():
        text = str(value)
        if text in ("", ".", ".."):
            raise InvalidSettings(f"{name} can't be {text!r}.")
        _refuse_key(name, text)
        template = template.replace(f"{{{name}}}", _quote(text))
    return template


def encode_body(values: Any) -> bytes:
    """JSON without the fields that are unset. Raises InvalidSettings for values that JSON doesn't have."""
    if isinstance(values, dict):
        values = {name: value for name, value in values.items() if value is not UNSET}
    try:
        return msgspec.json.encode(values)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidSettings(f"A value can't be sent as JSON: {type(error).__name__}.") from None


def choose_idempotency_key(given: str | None) -> str:
    """The given Idempotency-Key, or a new one. Raises InvalidSettings for one that can't be sent."""
    if given is None:
        return secrets.token_hex(16)
    if not re.fullmatch(r"[ -~]{1,255}", given) or given != given.strip():
        raise InvalidSettings("idempotency_key must be 1 to 255 printable ASCII characters.")
    return given


def _quote(text: str) -> str:
    try:
        return quote(text, safe=":")
    except UnicodeEncodeError:
        raise InvalidSettings("A value contains a surrogate, which isn't a character.") from None


def _refuse_key(name: str, text: str) -> None:
    """Raise InvalidSettings for a whole key: URLs are in the logs of every proxy on the way."""
    if next(find_tokens(text.encode("utf-8", "replace")), None) is not None:
        raise InvalidSettings(f"{name} has a whole key. Use the key's ID or prefix: URLs end up in logs.")


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    return str(msgspec.to_builtins(value))
