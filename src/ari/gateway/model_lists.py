"""Shows a caller the models that it may use, aliases included, in a provider's list of models.

The provider's page stays a page: its cursors are unchanged, and only entries are removed from it.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from ari.gateway import header_filter
from ari.gateway.provider_response import ProviderResponse
from ari.http.responses import Response
from ari.integrations.model import Provider

MAX_BYTES = 8 * 1024 * 1024
"""The largest list that is read; OpenRouter's has about 1 MB."""
_LISTS = ("/models", "/language-models", "/api/tags", "/api/ps")
_OF_WHOLE_LIST = (b"etag", b"last-modified", b"accept-ranges", b"content-range")
_CURSORS = (b"after", b"before", b"pageToken", b"page_token", b"cursor")
_ARRAYS = ("data", "models")
_NAMES = ("id", "model_id", "model", "name")


class ModelFilter(NamedTuple):
    """``allows`` judges a model. ``aliases`` are those that the caller may use, each with its first model."""

    allows: Callable[[str], bool]
    aliases: Sequence[tuple[str, str]]


def is_list(provider: Provider, method: str, path: str) -> bool:
    """Whether this request reads a list of models."""
    if method != "GET":
        return False
    paths = (one.rstrip("/") for one in header_filter.decodings(path))
    return any(one.endswith(_LISTS) and provider.covers(method, one) for one in paths)


async def read_list(reply: ProviderResponse, query: bytes, models: ModelFilter) -> Response | None:
    """The response with the filtered list; ``None`` if the body is too large or no list. Raises ``OutboundFault``."""
    body = bytearray()
    while chunk := await reply.read():
        body += chunk
        if len(body) > MAX_BYTES:
            return None
    content = filter_list(bytes(body), query, models)
    if content is None:
        return None
    headers = [(name, value) for name, value in header_filter.to_caller(reply.headers) if name not in _OF_WHOLE_LIST]
    headers.append((b"content-length", b"%d" % len(content)))
    return Response(reply.status, headers, content)


def filter_list(body: bytes, query: bytes, models: ModelFilter) -> bytes | None:
    """The list without models that the caller may not use, and with aliases on its first page.

    ``None`` if this is no list of models.
    """
    try:
        found = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None
    field = next((name for name in _ARRAYS if isinstance(found, dict) and isinstance(found.get(name), list)), None)
    entries = found if isinstance(found, list) else found[field] if field is not None else None
    if entries is None or not all(isinstance(entry, dict) for entry in entries):
        return None
    kept = [entry for entry in entries if _may_see(entry, models)]
    if not any(name in query for name in _CURSORS):
        kept += [_make_alias(entries, alias, model) for alias, model in models.aliases]
    return msgspec.json.encode(kept if field is None else {**found, field: kept})


def _may_see(entry: dict[str, Any], models: ModelFilter) -> bool:
    names = [_strip(entry[name]) for name in _NAMES if isinstance(entry.get(name), str)]
    # Some lists have a name for people next to the ID.
    return bool(names) and models.allows(names[0])


def _make_alias(entries: list[dict[str, Any]], alias: str, model: str) -> dict[str, Any]:
    """The entry of an alias: that of its model under another name, or a plain one if the list doesn't have it."""
    for entry in entries:
        named = [name for name in _NAMES if isinstance(entry.get(name), str) and _strip(entry[name]) == model]
        if named:
            return entry | {name: entry[name].removesuffix(model) + alias for name in named}
    if any("id" in entry for entry in entries) or not entries:
        return {"id": alias, "object": "model", "type": "model", "display_name": alias, "created": 0, "owned_by": "ari"}
    named = [name for name in _NAMES if name in entries[0]]
    return {name: f"models/{alias}" if str(entries[0][name]).startswith("models/") else alias for name in named}


def _strip(name: str) -> str:
    return name.removeprefix("models/")
