"""A service that receives ARI's events: verifies each request, ignores repeats, and revokes nothing twice.

Run it with ``WEBHOOK_SECRET=whsec_… uvicorn examples.webhook_receiver.app:app``. With several processes, keep the IDs
in your database, in the transaction of what the event changes.
"""

import os
from collections import OrderedDict
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

MAX_BYTES = 64 * 1024
REMEMBERED = 10_000

app = FastAPI()
alarms: list[str] = []
_seen: OrderedDict[str, None] = OrderedDict()


async def read_event(request: Request) -> dict[str, Any]:
    """The verified message. Responds with 401 to a request that ARI didn't sign, or signed more than 5 minutes ago."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise HTTPException(413)
    try:
        event: dict[str, Any] = Webhook(os.environ["WEBHOOK_SECRET"]).verify(body, dict(request.headers))
    except (WebhookVerificationError, ValueError):
        raise HTTPException(401) from None
    return event


@app.post("/hooks/ari", status_code=204)
async def receive(request: Request, event: Annotated[dict[str, Any], Depends(read_event)]) -> Response:
    """Handle an event once, however often it arrives. A 2xx ends the retries."""
    message_id = request.headers["webhook-id"]
    if message_id not in _seen:
        handle(event["type"], event["data"])
        _seen[message_id] = None  # after it was handled: if that fails, ARI sends it again
        while len(_seen) > REMEMBERED:
            _seen.popitem(last=False)
    return Response(status_code=204)


def handle(event_type: str, data: dict[str, Any]) -> None:
    """Raise an alarm for a leaked key; ignore types and fields that this service doesn't know."""
    if event_type in ("key.leaked", "key.exposed"):
        alarms.append(f"{data['subject']} leaked at {data['time']}")
