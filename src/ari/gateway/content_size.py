"""Measures what a model reads of a JSON body: its text, and images, sounds and files. No I/O.

A long string is an attachment only where providers read one, and not if it is text: elsewhere, models read each byte.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

_LEAST_BYTES = 4_000
"""Shorter strings count as text."""
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)(?:;[\w.+=-]+)*;base64,", re.ASCII)
_TEXT_TYPES = ("text/", "application/json", "application/xml", "application/x-javascript")
_TYPE_NAMES = ("media_type", "mimeType", "mime_type")
_URL_NAMES = frozenset(("url", "image_url", "file_data", "file_url", "video_url", "image", "document_url"))
_DATA_PARENTS = frozenset(("source", "inlineData", "inline_data", "input_audio"))
_OPAQUE = frozenset(
    ("tools", "functions", "parameters", "input_schema", "args", "arguments", "metadata", "schema", "response_format")
)
"""Members whose content is the caller's own, so that a model reads all of it as text."""
_REFERENCE = re.compile(
    rb'"(?:file_id|file_uri|fileUri|previous_response_id|conversation|container)"\s{0,9}:\s{0,9}["{]'
    rb'|"(?:url|file_url|image_url|video_url|document_url|server_url)"\s{0,9}:\s{0,9}"(?!data:)'
)
"""A member that names input which the body doesn't contain. In text, the quotes of a name are escaped."""


class ContentSize(NamedTuple):
    """``text_bytes`` are without attachments, and without blanks between the values of the JSON.

    ``max_seconds`` is how long the files of a form last at most, if they are recordings. ``has_references``: the model
    also reads what the body only names, such as files that were uploaded before.
    """

    text_bytes: int
    attachments: int
    attached_bytes: int = 0
    max_seconds: int | None = None
    has_references: bool = False


def measure_content(body: bytes, tree: Mapping[str, Any]) -> ContentSize:
    """The size of a body, of which ``tree`` is the value."""
    attachments = attached = 0
    has_references = _REFERENCE.search(body) is not None
    if len(body) <= _LEAST_BYTES:
        return ContentSize(_count_compact(body), 0, has_references=has_references)
    todo: list[tuple[str, Any]] = [("", tree)]
    while todo:
        name, value = todo.pop()
        if isinstance(value, dict):
            is_call = value.get("type") == "tool_use"
            media = _find_media_data(name, value)
            if media is not None:
                attachments, attached = attachments + 1, attached + len(media)
                continue
            todo += [
                (key, inner) for key, inner in value.items() if key not in _OPAQUE and not (is_call and key == "input")
            ]
        elif isinstance(value, list):
            todo += [(name, inner) for inner in value if isinstance(inner, dict | list | str)]
        elif isinstance(value, str) and len(value) > _LEAST_BYTES and _is_attachment(name, value):
            attachments, attached = attachments + 1, attached + len(value)
    return ContentSize(max(1, _count_compact(body) - attached), attachments, attached, None, has_references)


def _find_media_data(name: str, members: dict[str, Any]) -> str | None:
    """The data of an object that holds the bytes of an image, a sound or a file next to their type."""
    data = members.get("data")
    if name not in _DATA_PARENTS or not isinstance(data, str) or len(data) <= _LEAST_BYTES:
        return None
    kind = "audio/" if name == "input_audio" else next((members[one] for one in _TYPE_NAMES if one in members), None)
    if not isinstance(kind, str) or "/" not in kind or kind.lower().startswith(_TEXT_TYPES):
        return None
    return data if _BASE64.fullmatch(data) else None


def _is_attachment(name: str, value: str) -> bool:
    if name == "images":  # Ollama's
        return _BASE64.fullmatch(value) is not None
    if name not in _URL_NAMES:
        return False
    found = _DATA_URL.match(value)
    if found is None or found[1].lower().startswith(_TEXT_TYPES):
        return False
    return _BASE64.fullmatch(value, found.end()) is not None


def _count_compact(body: bytes) -> int:
    try:
        return max(1, len(msgspec.json.format(body, indent=-1)))
    except (msgspec.DecodeError, RecursionError):
        return max(1, len(body))
