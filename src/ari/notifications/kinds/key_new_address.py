"""An API key was used from an address it was never used from before."""

from ari.base.events import Event
from ari.notifications import words
from ari.notifications.model import Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    address = words.addresses([event.detail.get("address", "unknown")])
    return Words(
        subject=f"The API key {words.key_name(event, look)} was used from a new IP address",
        happened="An API key was used from an IP address it hadn't been used from before.",
        facts=(
            words.key_fact(event, look),
            ("New IP address", address),
            ("First seen", words.told_time(event.detail.get("first_seen", event.at_ms), look)),
        ),
        advice="If you recognize the address, no action is needed. If not, revoke the key: it may have leaked.",
        place=words.key_place(event),
        button="View requests",
    )


KIND = Kind(
    name="key_new_address",
    events=("key_new_address",),
    title="API key used from a new IP address",
    says="When a key is used from a new IP address after its first day.",
    words=_words,
)
