"""The check of ``ari doctor`` on webhooks."""

from collections.abc import Sequence

from ari.cli import output
from ari.cli.finding import Finding
from ari.webhooks.model import Webhook


def check_webhooks(webhooks: Sequence[Webhook], waiting: int) -> Finding:
    """Whether each webhook works; a note for one that fails or that ARI turned off. ``waiting``: deliveries."""
    check = "webhooks"
    if not webhooks:
        return Finding(check, "ok", "none")
    broken = [one for one in webhooks if one.failing_since_ms is not None or one.off_reason not in (None, "paused")]
    said = f"{output.count(len(webhooks), 'webhook')}, {output.count(waiting, 'event')} to send"
    if not broken:
        return Finding(check, "ok", said)
    named = ", ".join(f"{one.id} ({_describe(one)})" for one in broken)
    return Finding(check, "note", f"{said}. Look at: {named}. Run: ari webhooks deliveries ID")


def _describe(webhook: Webhook) -> str:
    return "failing" if webhook.off_reason is None else f"off: {webhook.off_reason.replace('_', ' ')}"
