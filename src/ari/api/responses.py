"""Responses of endpoints. FastAPI's response models only document them."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from ari.base.cursor import encode_cursor


def respond(content: Mapping[str, Any] | Sequence[Any], status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def respond_page(items: list[dict[str, Any]], limit: int) -> Response:
    """A page of at most ``limit`` of the ``limit + 1`` requested items, with the cursor of the next page."""
    shown = items[:limit]
    next_cursor = encode_cursor(shown[-1]["id"]) if len(items) > limit else None
    return respond({"items": shown, "next_cursor": next_cursor})
