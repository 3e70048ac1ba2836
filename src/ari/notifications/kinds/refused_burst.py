"""Many requests with one key or from one IP address were refused in a short time."""

from collections.abc import Mapping, Sequence

from ari.base.events import Event
from ari.notifications import facts, text
from ari.notifications.context import NoticeContext
from ari.notifications.kind import MAX_PER_DAY_FROM_STRANGERS, NoticeKind
from ari.notifications.model import EmailContent


def _write(event: Event, context: NoticeContext) -> EmailContent:
    detail = event.detail
    number = text.count(int(detail.get("count", 0)), "request" if event.subject else "attempt")
    minutes = text.count(int(detail.get("minutes", 1)), "minute")
    addresses = detail.get("addresses") or [one for one in (detail.get("address"),) if one]
    rows = [facts.key_fact(event, context)] if event.subject else []
    rows.append(("Refused", f"{number} within {minutes}"))
    if addresses:
        rows.append(("From", text.join_addresses(addresses)))
    if detail.get("verified_by"):
        rows.append(("Verified by", text.join(detail["verified_by"])))
    if detail.get("codes"):
        rows.append(("Reasons", text.join(detail["codes"])))
    rows.append(("When", context.format_time(event.at_ms)))
    source = (
        f"with the API key {facts.key_name(event, context)}" if event.subject else _describe_source(addresses, detail)
    )
    return EmailContent(
        subject=f"{number} {source} were refused",
        summary=f"Within {minutes}, {number} {source} were refused. None of them reached your data.",
        facts=tuple(rows),
        advice="This is either a misconfigured client or someone guessing keys. If you recognize the address, fix its "
        "key; if not, block it at your proxy or with ALLOWED_IPS.",
        path=facts.key_path(event) if event.subject else "/settings/usage",
        button="View refused requests",
    )


def _describe_source(addresses: Sequence[object], detail: Mapping[str, object]) -> str:
    """There are no addresses if there were too many or the log doesn't store them."""
    if detail.get("verified_by"):
        return "without a valid key"
    return {0: "without a valid key", 1: "from one IP address"}.get(len(addresses), "from several IP addresses")


KIND = NoticeKind(
    name="refused_burst",
    events=("refused_burst",),
    title="Burst of refused requests",
    description="When many requests with one key or from one IP address are refused within minutes.",
    write=_write,
    max_per_day=MAX_PER_DAY_FROM_STRANGERS,
)
