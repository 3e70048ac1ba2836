"""From the content of a notice to its email."""

import json
import textwrap
from dataclasses import asdict

from ari.notifications.model import Email, EmailContent, MailConfig
from ari.notifications.ports import HtmlRenderer

FOOTER = "You receive this because you own this ARI instance. Manage notifications in Settings > Notifications."
_WIDTH = 72


def compose(content: EmailContent, config: MailConfig, recipient: str, render_html: HtmlRenderer) -> Email:
    """The email with this content, as plain text and as HTML."""
    link = content.link or (f"{config.link_base}{content.path}" if config.link_base else None)
    text, html = render_text(content, link), render_html(content, link, FOOTER)
    return Email(config.mail_from, recipient, content.subject, text, html)


def render_text(content: EmailContent, link: str | None) -> str:
    facts = [textwrap.fill(f"{name}: {value}", _WIDTH, subsequent_indent="  ") for name, value in content.facts]
    parts = [
        textwrap.fill(content.summary, _WIDTH),
        "\n".join(facts),
        textwrap.fill(content.advice, _WIDTH),
        f"{content.button}:\n{link}" if link else f"{content.button}: open ARI in your browser.",
        "-- \n" + textwrap.fill(FOOTER, _WIDTH),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def serialize(email: Email) -> str:
    return json.dumps(asdict(email))


def parse(text: str) -> Email:
    """The email that ``serialize`` wrote."""
    return Email(**json.loads(text))
