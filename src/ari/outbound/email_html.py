"""Emails as HTML, from the template ``email.html``. Jinja2 escapes every value."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from ari.notifications.model import EmailContent


def render_html(content: EmailContent, link: str | None, footer: str) -> str:
    """Fulfills ``notifications.ports.HtmlRenderer``."""
    return _template().render(content=content, link=link, footer=footer)


@cache
def _template() -> Template:
    loader = PackageLoader("ari.outbound", "")
    return Environment(autoescape=True, undefined=StrictUndefined, loader=loader).get_template("email.html")
