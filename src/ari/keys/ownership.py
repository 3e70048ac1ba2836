"""Facts that an operator sets on a key: its environment, tags, consumer and metadata. ARI returns them unread."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from ari.base.errors import Invalid, Problem
from ari.base.problems import Problems
from ari.base.secrets_in_text import looks_like_key
from ari.keys.model import ENVIRONMENTS, Environment

MAX_TAGS = 20
TAG_PATTERN = r"^[a-z0-9][a-z0-9._:/-]{0,39}$"
METADATA_BYTES = 4096
EXTERNAL_ID_LENGTH = 200

_TAG = re.compile(TAG_PATTERN[1:-1])
_EXTERNAL_ID = re.compile(rf"[!-.0-\[\]-~]{{1,{EXTERNAL_ID_LENGTH}}}")
_LARGEST = 2**53
"""Beyond it, JavaScript reads another number."""


def parse_environment(text: str) -> Environment:
    """``live`` or ``test``. Raises ``Invalid``."""
    for known in ENVIRONMENTS:
        if text == known:
            return known
    raise Invalid(Problem("environment", f"Use {' or '.join(ENVIRONMENTS)}."))


def parse_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """The tags sorted, without repetition. Raises ``Invalid`` with the problems of all of them."""
    given = tuple(tags)
    if len(given) > MAX_TAGS:
        raise Invalid(Problem("tags", f"Use at most {MAX_TAGS} tags."))
    unique = sorted(set(given))
    problems = Problems()
    for tag in unique:
        problems.check(None, _check_tag, tag)
    problems.raise_found()
    return tuple(unique)


def _check_tag(tag: str) -> None:
    _refuse_key("tags", tag)
    if not _TAG.fullmatch(tag):
        raise Invalid(
            Problem(
                "tags",
                f"{tag[:50]!r} isn't a tag. Use 1–40 lowercase letters, digits and . _ : / -, and begin with a letter "
                "or digit.",
            )
        )


def parse_metadata(value: Mapping[str, Any] | None) -> str | None:
    """The JSON text to store, ``None`` for an empty object. Raises ``Invalid`` for what JSON cannot hold exactly."""
    if not value:
        return None
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)
        stored = text.encode()
        exact = msgspec.json.decode(stored) == value
    except (ValueError, TypeError, RecursionError, OverflowError):
        exact, stored, text = False, b"", ""
    if not exact or "\0" in text or "\\u0000" in text or not _is_exact(value):
        raise Invalid(Problem("metadata", "Use a JSON object of plain text, whole numbers up to 2^53, and fractions."))
    if len(stored) > METADATA_BYTES:
        raise Invalid(Problem("metadata", f"Metadata can have at most {METADATA_BYTES} bytes; this has {len(stored)}."))
    _refuse_key("metadata", text)
    return text


def parse_external_id(text: str | None) -> str | None:
    """The operator's own id of a consumer. Raises ``Invalid``."""
    if text is None:
        return None
    if not _EXTERNAL_ID.fullmatch(text) or text.startswith("con_") or text in (".", ".."):
        raise Invalid(
            Problem(
                "external_id",
                f"Use 1–{EXTERNAL_ID_LENGTH} visible ASCII characters except / and \\; not con_… and not . or ..",
            )
        )
    _refuse_key("external_id", text)
    return text


def metadata_facts(text: str | None) -> dict[str, Any]:
    """Stored metadata as JSON."""
    facts: dict[str, Any] = {} if text is None else msgspec.json.decode(text)
    return facts


def _refuse_key(field: str, text: str) -> None:
    if looks_like_key(text):
        raise Invalid(Problem(field, "This contains an API key or a provider key. Don't store secrets here."))


def _is_exact(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(name, str) and _is_exact(part) for name, part in value.items())
    if isinstance(value, list):
        return all(map(_is_exact, value))
    return not isinstance(value, int) or isinstance(value, bool) or -_LARGEST <= value <= _LARGEST
