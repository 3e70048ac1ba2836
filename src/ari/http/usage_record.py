"""The row of a request in the usage log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ari.keys.model import ApiKey
from ari.usage.model import UsageRow

if TYPE_CHECKING:
    from ari.http.request_handler import RequestHandler


def new_row(exchange: RequestHandler, key: ApiKey, code: str) -> UsageRow:
    """What the log keeps of this request for ``key``; ``code`` is ``ok`` or the reason of the refusal."""
    incoming = exchange.incoming
    return UsageRow(
        incoming.id,
        incoming.at_ms,
        incoming.request_id,
        key.id,
        key.hint,
        code,
        incoming.method,
        exchange.matched.template,
        incoming.raw_path.decode("latin-1"),
        exchange.client.text,
        incoming.user_agent,
    )
