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
        facts += [("Last event of the audit trail", head[0]), ("Its hash", head[1])]
    return Words(
        subject=f"{words.count(total, 'more notification')} of one day",
        happened="There was more to tell of one kind than a mailbox should get; this mail stands for the rest.",
        facts=tuple(facts),
        advice="Look at what happened; something may be wrong.",
        place="/settings/usage",
        button="See what happened",
    )


def _never(*_: object) -> Words:
    raise ValueError("a digest is written from notices, not from an event")


KIND = Kind(
    name="digest",
    events=(),
    title="Digest",
    says="The rest of a day with too many notices of one kind.",
    words=_never,
    fixed=True,
)
