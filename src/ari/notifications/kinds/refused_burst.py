"""Many attempts in a short time, all refused: with one key, or from one address."""

from collections.abc import Sequence

from ari.base.events import Event
from ari.notifications import words
from ari.notifications.model import FROM_STRANGERS, Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    detail = event.detail
    number = words.count(int(detail.get("count", 0)), "attempt")
    minutes = words.count(int(detail.get("minutes", 1)), "minute")
    addresses = detail.get("addresses") or [one for one in (detail.get("address"),) if one]
    facts = [words.key_fact(event, look)] if event.subject else []
    facts.append(("Refused", f"{number} within {minutes}"))
    if addresses:
        facts.append(("From", words.addresses(addresses)))
    if detail.get("codes"):
        facts.append(("Reasons", words.listed(detail["codes"])))
    facts.append(("When", look.when(event.at_ms)))
    of = f"with the API key {words.key_name(event, look)}" if event.subject else _from(addresses)
    return Words(
        subject=f"{number} {of} were refused",
        happened=f"Within {minutes}, {number} {of} were refused. None of them reached your data.",
        facts=tuple(facts),
        advice="This is either a misconfigured client or someone guessing keys. If you recognize the address, fix its "
        "key; if not, block it at your proxy or with ALLOWED_IPS.",
        place=words.key_place(event) if event.subject else "/settings/usage",
        button="View refused attempts",
    )


def _from(addresses: Sequence[object]) -> str:
    """None are known where they are too many, or not kept."""
    return {0: "without a valid key", 1: "from one IP address"}.get(len(addresses), "from several IP addresses")


KIND = Kind(
    name="refused_burst",
    events=("refused_burst",),
    title="Burst of refused attempts",
    says="When many attempts with one key or from one IP address are refused within minutes.",
    words=_words,
    per_day=FROM_STRANGERS,
)
