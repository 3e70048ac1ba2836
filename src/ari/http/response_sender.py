"""Record, then send: the last two stages of a request."""

from ari.base.errors import AriError, LimitExceeded, Unavailable
from ari.http.context import Message, RequestContext, Send
from ari.http.fault_response import fault_response
from ari.http.limit_headers import limit_headers
from ari.http.problem import Fault, Header, fault_of
from ari.http.responses import Response
from ari.http.services import Services


class ResponseSender:
    """An ASGI ``send`` that holds the response until its row is committed.

    Where that fails it sends 503 instead, and 429 where the commit refuses the request.
    """

    __slots__ = ("_context", "_discards_output", "_send", "_services")

    def __init__(self, context: RequestContext, services: Services, send: Send) -> None:
        self._context = context
        self._services = services
        self._send = send
        self._discards_output = False

    async def __call__(self, message: Message) -> None:
        """Send a message of the handler's response."""
        if self._discards_output:
            return
        if message["type"] == "http.response.start":
            await self._start(message["status"], list(message.get("headers", ())))
        elif self._context.head.method != "HEAD":
            await self._send(message)
        elif not message.get("more_body", False):
            await self._send({"type": "http.response.body", "body": b""})

    async def respond(self, response: Response) -> None:
        """Send a whole response."""
        try:
            await self._context.record.commit(response.status, len(response.body))
        except (Unavailable, LimitExceeded) as error:
            response = self._refuse(error)
        await self._send_whole(response)

    async def respond_to_fault(self, fault: Fault) -> None:
        """Send the response for a fault, unless another has begun."""
        if not self._context.started:
            await self.respond(fault_response(self._context, self._services, fault))

    async def _start(self, status: int, headers: list[Header]) -> None:
        length = next((int(value) for name, value in headers if name == b"content-length" and value.isdigit()), None)
        try:
            await self._context.record.commit(status, length)
        except (Unavailable, LimitExceeded) as error:
            self._discards_output = True
            await self._send_whole(self._refuse(error))
        else:
            self._context.served.responded = self._services.clock.monotonic()
            await self._send_head(status, headers)

    def _refuse(self, error: AriError) -> Response:
        return fault_response(self._context, self._services, fault_of(error))

    async def _send_whole(self, response: Response) -> None:
        await self._send_head(response.status, response.headers)
        body = b"" if self._context.head.method == "HEAD" else response.body
        await self._send({"type": "http.response.body", "body": body})

    async def _send_head(self, status: int, headers: list[Header]) -> None:
        context = self._context
        if context.unread_body is not None:
            await context.unread_body.drain()
        context.started = True
        context.served.status = status
        if context.new_cookies:
            headers = [*headers, *context.new_cookies]
        decision = context.record.decision
        if decision is not None:
            headers = [*headers, *limit_headers(decision)]
        full = self._services.security_headers.complete(context, status, headers)
        await self._send({"type": "http.response.start", "status": status, "headers": full})
