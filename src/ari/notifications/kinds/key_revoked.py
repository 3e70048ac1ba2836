"""An API key was revoked."""

from ari.base.events import Event
from ari.notifications import words
from ari.notifications.model import Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    reason = event.detail.get("reason")
    return Words(
        subject=f"The API key {words.key_name(event, look)} was revoked",
        happened="An API key was revoked for good. Every request with it is refused since.",
        facts=(
            words.key_fact(event, look),
            *((("Reason", words.quoted(str(reason))),) if reason else ()),
            *words.common_facts(event, look),
        ),
        advice="What used the key needs another one. If you did not expect this, somebody else can manage your keys: "
        "end all sessions and look at which keys may write keys.",
        place=words.key_place(event),
        button="See the key",
    )


KIND = Kind(
    name="key_revoked",
    events=("key_revoked",),
    title="API key revoked",
    says="Each time a key is revoked, by whom and why.",
    words=_words,
)
