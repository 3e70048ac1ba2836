"""The email that replaces further emails of a kind after too many on one day."""

from collections.abc import Mapping, Sequence

from ari.notifications import text
from ari.notifications.kind import NoticeKind
from ari.notifications.kinds import KINDS
from ari.notifications.model import EmailContent, Notice

MAX_LISTED = 20


def write(counts: Mapping[str, int], first: Sequence[Notice], head: tuple[str, str] | None = None) -> EmailContent:
    """The number of notices of each kind, and the subjects of the first ones.

    ``head`` is the id and hash of the last event. In a mailbox, nobody can change it (security.md 21).
    """
    total = sum(counts.values())
    facts = [(KINDS[kind].title if kind in KINDS else kind, f"{number:,}") for kind, number in sorted(counts.items())]
    facts += [(f"{place}.", notice.subject) for place, notice in enumerate(first, 1)]
    if total > len(first):
        facts.append(("And", f"{total - len(first):,} more"))
    if head is not None:
        facts += [("Last audit event", head[0]), ("Hash of the last audit event", head[1])]
    return EmailContent(
        subject=f"{text.count(total, 'more notification')} in one day",
        summary="We grouped the rest of the day's notifications into this email.",
        facts=tuple(facts),
        advice="This many notifications are unusual. Review recent activity.",
        path="/settings/usage",
        button="View recent activity",
    )


def _refuse(*_: object) -> EmailContent:
    raise ValueError("a digest is written from notices, not from an event")


KIND = NoticeKind(
    name="digest",
    events=(),
    title="Digest",
    description="The rest of a day's notifications when there are too many of one kind.",
    write=_refuse,
    fixed=True,
)
