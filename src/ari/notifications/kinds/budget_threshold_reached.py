"""A budget for AI requests is used to 50, 80 or 100 percent."""

from ari.base.events import Event
from ari.notifications import facts, text
from ari.notifications.context import NoticeContext
from ari.notifications.kind import NoticeKind
from ari.notifications.model import EmailContent


def _write(event: Event, context: NoticeContext) -> EmailContent:
    detail, is_key = event.detail, (event.subject or "").startswith("key_")
    is_used_up, percent = detail.get("threshold") == 100, detail.get("used_percent", detail.get("threshold"))
    name, owner = text.quote(str(detail.get("budget"))), _name_owner(event, context)
    use = _describe_use(percent, is_used_up=is_used_up)
    refused = " If it is a hard budget, requests that don't fit are refused until its period ends."
    return EmailContent(
        subject=f"Budget {name} of {owner} {use}",
        summary=f"A budget for AI requests {use}, in its current period.{refused if is_used_up else ''}",
        facts=(
            ("Budget", name),
            facts.key_fact(event, context) if is_key else ("Of", owner),
            ("Used", _describe(detail.get("used_usd"), detail.get("used_tokens"))),
            ("Budget amount", _describe(detail.get("limit_usd"), detail.get("limit_tokens"))),
        ),
        advice="If this is expected, increase the budget once or change its amount.",
        path=facts.key_path(event) if is_key else "/settings/usage/ai",
        button="View key" if is_key else "View usage",
    )


def _describe_use(percent: object, *, is_used_up: bool) -> str:
    """``is used to 81 %``; after a refusal, a budget that isn't used up has too little left."""
    if is_used_up and isinstance(percent, int) and percent < 100:
        return f"has too little left for a request ({percent} % used)"
    return f"is used up ({percent} %)" if is_used_up else f"is used to {percent} %"


def _name_owner(event: Event, context: NoticeContext) -> str:
    """The name of the key or consumer, or which shared budget it is."""
    subject = event.subject or ""
    if subject == "instance":
        return "the instance"
    if subject.startswith("provider:"):
        return f"the provider {text.quote(subject.removeprefix('provider:'))}"
    return facts.key_name(event, context)


def _describe(usd: object, tokens: object) -> str:
    return f"{usd} US dollars" if usd is not None else f"{tokens:,} tokens" if isinstance(tokens, int) else "unknown"


KIND = NoticeKind(
    name="budget_threshold_reached",
    events=("budget_threshold_reached",),
    title="Budget nearly used up",
    description="When a budget for AI requests is used to 50, 80 or 100 percent, once in each period.",
    write=_write,
)
