"""An instance with webhooks, and what the job does, step by step, with a stand-in for the receivers."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ari.base.caller import Caller
from ari.base.events import Event, Origin
from ari.base.ids import new_id
from ari.deps import Deps
from ari.instance import Instance
from ari.jobs.webhooks import gather, send_all
from ari.outbound.webhooks import Posted
from ari.webhooks import management, replay
from ari.webhooks.management import NewWebhook, WebhookSecret
from ari.webhooks.model import Delivery, Webhook
from tests.support.clock import FrozenClock

URL = "https://hooks.example.net/T0/secret-path"


@dataclass
class Receivers:
    """Takes requests and returns the status of their host; ``None`` for no response."""

    statuses: dict[str, int | None] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str], bytes, bool]] = field(default_factory=list)
    wait_seconds: float = 0.0

    async def post(
        self, url: str, headers: Sequence[tuple[str, str]], body: bytes, *, private: bool, within_seconds: float
    ) -> Posted:
        self.requests.append((url, dict(headers), body, private))
        status = self.statuses.get(url.split("/")[2], 204)
        return Posted(status, None if status else "Couldn't connect.", self.wait_seconds)

    def take(self) -> list[tuple[str, dict[str, str], bytes, bool]]:
        """The requests since the last call."""
        taken, self.requests = self.requests, []
        return taken


class Hooks:
    """An instance whose webhooks are sent to stand-ins."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        assert isinstance(instance.clock, FrozenClock)
        self.clock = instance.clock
        self.receivers = Receivers()
        instance.webhook_sender = self.receivers

    def happen(self, name: str = "key_created", /, subject: str | None = None, **detail: Any) -> Event:
        """Append an event."""
        now_ms = self.clock.now_ms()
        event = Event(new_id("evt", now_ms), now_ms, name, "system", subject, Origin("system"), detail)
        self.do(lambda tx: tx.events.append(event))
        return event

    def do(self, work: Callable[..., Any], *args: Any, caller: Caller | None = None, **named: Any) -> Any:
        deps = Deps(self.instance) if caller is None else Deps(self.instance, caller)
        return deps.do_sync(work, *args, **named)

    def add(self, events: Sequence[str] = ("key.*",), url: str = URL, caller: Caller | None = None, **more: Any) -> Any:
        """Add a webhook; returns it with its secret."""
        made = self.do(management.add_webhook, NewWebhook("Receiver", url, events, **more), caller=caller)
        assert isinstance(made, WebhookSecret)
        return made

    def get(self, webhook: Webhook) -> Webhook:
        """The webhook as it is now."""
        found = Deps(self.instance).read_sync(management.get_webhook, webhook.id)
        assert isinstance(found, Webhook)
        return found

    def deliveries(self, webhook: Webhook) -> list[Delivery]:
        return list(Deps(self.instance).read_sync(replay.list_deliveries, webhook.id, None, 500))

    def replay_failed(self, webhook: Webhook, since_ms: int | None = None) -> int:
        """Queue failed deliveries again; returns how many."""
        return asyncio.run(replay.replay_failed(Deps(self.instance), webhook.id, since_ms))

    def gather(self) -> list[str]:
        """Queue new events; returns the webhooks with something to send."""
        return asyncio.run(gather(self.instance))

    def round(self) -> list[tuple[str, dict[str, str], bytes, bool]]:
        """The requests of one round of the job."""
        for webhook_id in self.gather():
            asyncio.run(send_all(self.instance, webhook_id))
        return self.receivers.take()
