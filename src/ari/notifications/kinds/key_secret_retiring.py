"""The old secret of a rotated API key retires soon and is still in use."""

from ari.base.events import Event
from ari.notifications import facts, text
from ari.notifications.context import NoticeContext
from ari.notifications.kind import NoticeKind
from ari.notifications.model import EmailContent


def _write(event: Event, context: NoticeContext) -> EmailContent:
    detail = event.detail
    addresses = detail.get("addresses")
    return EmailContent(
        subject=f"The old secret of {facts.key_name(event, context)} is still in use",
        summary="You rotated an API key. Its old secret retires soon and is still in use. After that, requests with it "
        "will be refused.",
        facts=(
            facts.key_fact(event, context),
            ("Retires", facts.format_time(detail.get("retires_at"), context)),
            ("Last used", facts.format_time(detail.get("last_used_at"), context)),
            *((("From", text.join_addresses(addresses)),) if addresses else ()),
        ),
        advice="Put the new secret where the old one is still used. If you don't recognize the address, retire the old "
        "secret now.",
        path=facts.key_path(event),
        button="View key",
    )


KIND = NoticeKind(
    name="key_secret_retiring",
    events=("key_secret_retiring",),
    title="Old secret still in use",
    description="The day before the old secret of a rotated key retires, if it's still in use.",
    write=_write,
)
