"""From an event to a mail: the words of its kind in one frame, as HTML and as plain text."""

import html
import json
import textwrap
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from string import Template

from ari.base.events import Event
from ari.base.user_agent import browser_name
from ari.notifications import words
from ari.notifications.model import Letter, Office, Subject, Words
from ari.notifications.ports import EventFeed

_FRAME = Template((Path(__file__).parent / "frame.html").read_text(encoding="utf-8"))
_FACT = Template('<tr><th scope="row">$name</th><td>$value</td></tr>\n')
_BUTTON = Template('<p class="action"><a class="button" href="$link">$button</a></p>\n')
_WHY = "You receive this because you own this ARI instance. Manage notifications in Settings > Notifications."
_WIDTH = 72


class Desk:
    """What kinds look up while they find words; fulfils ``model.Context``."""

    def __init__(self, feed: EventFeed, zone: str, secret: Mapping[str, str] | None = None) -> None:
        self._feed = feed
        self._zone = zone
        self.secret: Mapping[str, str] = secret or {}

    def when(self, at_ms: int) -> str:
        return words.moment(at_ms, self._zone)

    def who(self, event: Event) -> str:
        actor = event.actor
        if actor.startswith("usr_"):
            return "The owner, signed in"
        if actor.startswith("cli:"):
            return f"{words.quoted(actor.removeprefix('cli:'))} on the command line"
        if actor.startswith("key_"):
            found = self.named(actor)
            return f"The API key {words.quoted(found.name)}" if found else "An API key"
        return "ARI"

    def where(self, event: Event) -> str | None:
        address, agent = event.origin.client_address, event.origin.user_agent
        if address is None:
            return None
        return words.addresses([address]) + (f", {words.broken(browser_name(agent))}" if agent else "")

    def named(self, subject_id: str | None) -> Subject | None:
        return None if subject_id is None else self._feed.subject(subject_id)


def letter_of(said: Words, office: Office, recipient: str) -> Letter:
    """The mail that says this."""
    link = said.link or (f"{office.link_base}{said.place}" if office.link_base else None)
    return Letter(office.mail_from, recipient, said.subject, _as_text(said, link), _as_html(said, link))


def _as_text(said: Words, link: str | None) -> str:
    facts = [textwrap.fill(f"{name}: {value}", _WIDTH, subsequent_indent="  ") for name, value in said.facts]
    parts = [
        textwrap.fill(said.happened, _WIDTH),
        "\n".join(facts),
        textwrap.fill(said.advice, _WIDTH),
        f"{said.button}:\n{link}" if link else f"{said.button}: open ARI in your browser.",
        "-- \n" + textwrap.fill(_WHY, _WIDTH),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _as_html(said: Words, link: str | None) -> str:
    return _FRAME.substitute(
        subject=html.escape(said.subject),
        happened=html.escape(said.happened),
        facts="".join(_FACT.substitute(name=html.escape(name), value=html.escape(value)) for name, value in said.facts),
        advice=html.escape(said.advice),
        action=_BUTTON.substitute(link=html.escape(link), button=html.escape(said.button)) if link else "",
        why=html.escape(_WHY),
    )


def frozen(letter: Letter) -> str:
    """The mail as text to keep."""
    return json.dumps(asdict(letter))


def thawed(text: str) -> Letter:
    """The mail that was kept."""
    return Letter(**json.loads(text))
