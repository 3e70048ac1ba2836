"""An API key was used from a new IP address."""

from ari.base.events import Event
from ari.notifications import facts, text
from ari.notifications.context import NoticeContext
from ari.notifications.kind import NoticeKind
from ari.notifications.model import EmailContent


def _write(event: Event, context: NoticeContext) -> EmailContent:
    address = text.join_addresses([event.detail.get("address", "unknown")])
    return EmailContent(
        subject=f"The API key {facts.key_name(event, context)} was used from a new IP address",
        summary="An API key was used from an IP address it hadn't been used from before.",
        facts=(
            facts.key_fact(event, context),
            ("New IP address", address),
            ("First seen", facts.format_time(event.detail.get("first_seen", event.at_ms), context)),
        ),
        advice="If you recognize the address, no action is needed. If not, revoke the key: it may have leaked.",
        path=facts.key_path(event),
        button="View requests",
    )


KIND = NoticeKind(
    name="key_new_address",
    events=("key_new_address",),
    title="API key used from a new network",
    description="When a key is used from a new network after its first day. A setting reports every new IP address.",
    write=_write,
)
