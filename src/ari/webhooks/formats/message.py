"""The facts of a message and its sentence, which the formats write down."""

from dataclasses import dataclass

from ari.base.events import EVENT_NAMES, Event
from ari.notifications.text import quote


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """An event, its type, the name of the key it is about, and the public URL of this instance, if it has one."""

    event: Event
    type: str
    subject_name: str | None = None
    link_base: str | None = None

    @property
    def link(self) -> str | None:
        """The page of the event."""
        return None if self.link_base is None else f"{self.link_base}/settings/audit/{self.event.id}"


def write_sentence(facts: MessageFacts) -> str:
    """One line for people; text of callers is quoted, short and no link (``notifications.text``)."""
    event = facts.event
    says = EVENT_NAMES.get(event.name, facts.type).partition(";")[0].rstrip(".")
    name = event.detail.get("name") or facts.subject_name
    return f"{says}: {quote(name)}" if isinstance(name, str) else f"{says}."
