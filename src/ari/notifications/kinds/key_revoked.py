"""An API key was revoked."""

from ari.base.events import Event
from ari.notifications import words
from ari.notifications.model import Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    reason = event.detail.get("reason")
    return Words(
        subject=f"The API key {words.key_name(event, look)} was revoked",
        happened="An API key was permanently revoked. Requests with it are now refused.",
        facts=(
            words.key_fact(event, look),
            *((("Reason", words.quoted(str(reason))),) if reason else ()),
            *words.common_facts(event, look),
        ),
        advice="Anything that used it needs a new key. If you didn't expect this, someone else may have access: sign "
        "out everywhere and review keys with keys:write.",
        place=words.key_place(event),
        button="View key",
    )


KIND = Kind(
    name="key_revoked",
    events=("key_revoked",),
    title="API key revoked",
    says="When a key is revoked, who revoked it and why.",
    words=_words,
)
