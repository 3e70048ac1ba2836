"""What webhooks need from storage, from keys and to send requests."""

from collections.abc import Sequence
from typing import Protocol

from ari.base.events import Event
from ari.base.master_key import MasterKeys
from ari.base.seal import SealedStore
from ari.base.transaction import CommandTransaction
from ari.keys.model import ApiKey, KeySecret
from ari.notifications.model import Subject
from ari.webhooks.model import Delivery, DeliveryState, Webhook


class WebhookFeed(Protocol):
    """Events of the audit log that aren't queued for webhooks yet, by their running numbers."""

    def has_unread(self) -> bool: ...

    def unread_numbered(self, limit: int | None) -> list[tuple[int, Event]]:
        """The next events, oldest first, locked until the transaction ends; ``None`` for all."""

    def mark_read(self, last: Event) -> None:
        """Mark all events up to this one as read."""

    def newest_seq(self) -> int:
        """The number of the newest event; 0 for an empty log."""

    def skip_to_newest(self) -> None:
        """Mark all events as read."""


class WebhookStore(Protocol):
    """Webhooks inside one transaction."""

    def all(self) -> list[Webhook]:
        """Every webhook, oldest first."""

    def any_on(self) -> bool: ...

    def get(self, webhook_id: str) -> Webhook | None: ...

    def save(self, webhook: Webhook) -> None:
        """Add or replace it."""

    def remove(self, webhook_id: str) -> None:
        """Remove it. ``forget_removed`` deletes its deliveries: all of them could keep others waiting for seconds."""

    def any_removed(self) -> bool:
        """Whether there is something for ``forget_removed``."""

    def forget_removed(self, limit: int) -> int:
        """Delete so many deliveries of a removed webhook, after the last ones the webhook; returns how many."""


class DeliveryStore(Protocol):
    """Deliveries inside one transaction. Each webhook has at most one process that sends to it."""

    def add(self, deliveries: Sequence[Delivery]) -> None:
        """Queue deliveries, except of events for which their webhook already has one."""

    def get(self, webhook_id: str, delivery_id: str) -> Delivery | None: ...

    def page(
        self,
        webhook_id: str,
        before_id: str | None,
        limit: int,
        state: DeliveryState | None,
        types: Sequence[str] | None = None,
    ) -> list[Delivery]:
        """Newest first, without their bodies; ``state`` narrows, and ``types`` does all but tests."""

    def list_due(self, now_ms: int, lease_ms: int) -> list[str]:
        """The webhooks that are on and have a delivery to claim."""

    def claim(self, webhook_id: str, now_ms: int, lease_ms: int, holder: str, limit: int) -> list[Delivery]:
        """Lease deliveries that are due; none while another process has a lease on any of this webhook's."""

    def lease(self, delivery_id: str, until_ms: int, holder: str) -> None:
        """Lease a delivery that was just added."""

    def finish(self, delivery: Delivery, holder: str) -> bool:
        """Store the result and end the lease; ``False``, and nothing, if another process has it."""

    def requeue(self, webhook_id: str, delivery_id: str, now_ms: int) -> None:
        """Queue a finished delivery again, as if it were new."""

    def requeue_failed(
        self, webhook_id: str, since_ms: int, now_ms: int, types: Sequence[str] | None, after_id: str, limit: int
    ) -> list[str]:
        """Queue the first failed deliveries after this ID, of events since then, again; returns their IDs in order.

        ``types`` narrows.
        """

    def count_failed(self, webhook_id: str, limit: int) -> int:
        """How many deliveries have failed; counts no further than ``limit``."""

    def count_open(self) -> tuple[int, int | None]:
        """How many deliveries of webhooks that are on wait, and when the oldest of them was queued."""

    def forget_before(self, at_ms: int, limit: int) -> int:
        """Delete so many deliveries of events before then, but none that a webhook which is on has yet to send.

        Returns how many.
        """


class WebhookKeys(Protocol):
    """API keys, as far as webhooks need them."""

    def get(self, key_id: str) -> ApiKey | None: ...


class WebhookKeySecrets(Protocol):
    """Secrets of API keys, as far as webhooks need them."""

    def get_secret(self, key_id: str, number: int) -> KeySecret | None: ...


class WebhookSubjects(Protocol):
    """Keys by ID, also deleted ones, for messages to people."""

    def subject(self, subject_id: str) -> Subject | None: ...


class WebhookTransaction(CommandTransaction, Protocol):
    """One transaction over webhooks, their deliveries and events."""

    @property
    def webhooks(self) -> WebhookStore: ...

    @property
    def deliveries(self) -> DeliveryStore: ...

    @property
    def webhook_feed(self) -> WebhookFeed: ...

    @property
    def keys(self) -> WebhookKeys: ...

    @property
    def key_secrets(self) -> WebhookKeySecrets: ...

    @property
    def feed(self) -> WebhookSubjects: ...

    @property
    def sealed(self) -> SealedStore: ...

    @property
    def master_keys(self) -> MasterKeys: ...


class PostResult(Protocol):
    """The status of a response, or why there is none."""

    @property
    def status(self) -> int | None: ...

    @property
    def fault(self) -> str | None:
        """A sentence."""

    @property
    def wait_seconds(self) -> float:
        """How long the receiver asks to wait."""


class WebhookSender(Protocol):
    """Sends requests to webhooks' URLs."""

    async def post(
        self, url: str, headers: Sequence[tuple[str, str]], body: bytes, *, private: bool, within_seconds: float
    ) -> PostResult:
        """Send one request; ``private``: the owner set the URL, so it may be on a private network.

        Reads nothing of the response but its head, and follows no redirects.
        """
