"""Send requests to webhooks' URLs; fulfills ``webhooks.ports.WebhookSender``."""

from collections.abc import Sequence
from dataclasses import dataclass

from ari.outbound.http import CONNECT_SECONDS, HttpClient, OutboundFault, Timeouts
from ari.outbound.lookups import LookupThreads
from ari.outbound.retry_after import read_wait_seconds

MAX_KEY_LOOKUPS = 16
_FAULTS = {
    "unreachable": "Couldn't connect.",
    "timed_out": "No response in time.",
    "refused_address": "ARI isn't allowed to call the address of this host: it is private, or no address at all.",
    "tls": "The TLS certificate is invalid.",
    "broken": "The response was cut off or isn't HTTP.",
}


@dataclass(frozen=True, slots=True)
class Posted:
    """The status of the response, or why there is none. Nothing else of it is kept (security.md 41)."""

    status: int | None
    fault: str | None = None
    wait_seconds: float = 0.0


class HttpWebhookSender:
    """Uses a new connection for every request: requests are rare, and receivers close idle connections.

    Names in the owner's webhooks and in those of keys are resolved in separate threads: one that hangs stops no other.
    """

    def __init__(self) -> None:
        self._owner_lookups, self._key_lookups = LookupThreads(), LookupThreads(MAX_KEY_LOOKUPS)

    async def post(
        self, url: str, headers: Sequence[tuple[str, str]], body: bytes, *, private: bool, within_seconds: float
    ) -> Posted:
        timeouts = Timeouts(min(CONNECT_SECONDS, within_seconds), within_seconds, within_seconds)
        try:
            async with (
                HttpClient(self._owner_lookups if private else self._key_lookups) as client,
                client.call("POST", url, headers, body, private=private, timeouts=timeouts) as reply,
            ):
                return Posted(reply.status, None, read_wait_seconds(reply.headers))
        except OutboundFault as fault:
            return Posted(None, _FAULTS[fault.word])
