"""The one mail for what was too many mails of a kind on one day."""

from collections.abc import Mapping, Sequence

from ari.notifications import words
from ari.notifications.kinds import KINDS
from ari.notifications.model import Kind, Notice, Words

LISTED = 20


def words_of(counts: Mapping[str, int], first: Sequence[Notice], head: tuple[str, str] | None = None) -> Words:
    """How many notices of each kind it holds, and what the first ones said.

    ``head`` is the id and the hash of the last event: a mailbox keeps it where nobody can change it (security.md 21).
    """
    total = sum(counts.values())
    facts = [(KINDS[kind].title if kind in KINDS else kind, f"{number:,}") for kind, number in sorted(counts.items())]
    facts += [(f"{place}.", notice.subject) for place, notice in enumerate(first, 1)]
    if total > len(first):
        facts.append(("And", f"{total - len(first):,} more"))
    if head is not None:
        facts += [("Last audit event", head[0]), ("Hash of the last audit event", head[1])]
    return Words(
        subject=f"{words.count(total, 'more notification')} in one day",
        happened="We grouped the rest of the day's notifications into this email.",
        facts=tuple(facts),
        advice="This many notifications are unusual. Review recent activity.",
        place="/settings/usage",
        button="View recent activity",
    )


def _never(*_: object) -> Words:
    raise ValueError("a digest is written from notices, not from an event")


KIND = Kind(
    name="digest",
    events=(),
    title="Digest",
    says="The rest of a day's notifications when there are too many of one kind.",
    words=_never,
    fixed=True,
)
