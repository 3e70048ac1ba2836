"""An API key was used from an address it was never used from before."""

from ari.base.events import Event
from ari.notifications import words
from ari.notifications.model import Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    address = words.addresses([event.detail.get("address", "unknown")])
    return Words(
        subject=f"The API key {words.key_name(event, look)} was used from a new address",
        happened="An API key was used from an address that it was never used from before.",
        facts=(
            words.key_fact(event, look),
            ("New address", address),
            ("First seen", words.told_time(event.detail.get("first_seen", event.at_ms), look)),
        ),
        advice="If you know the address, there is nothing to do. If not, revoke the key: it may have leaked.",
        place=words.key_place(event),
        button="See its requests",
    )


KIND = Kind(
    name="key_new_address",
    events=("key_new_address",),
    title="API key used from a new address",
    says="When a key is first used from another address after its first day.",
    words=_words,
)
