"""Check the URL of a webhook, and shorten it for people: those of chat services contain a secret."""

from urllib.parse import SplitResult, urlsplit

from ari.base.addresses import Reach, reach
from ari.base.errors import Invalid, Problem
from ari.integrations.checks import is_address, is_host, is_private

MAX_URL = 2_000
_FIELD = "url"


def parse_url(text: str, *, by_owner: bool) -> str:
    """The URL as it is called. Raises ``Invalid``, never with the URL itself.

    The owner may set private addresses, and plain http to them; an API key public ones only (decision 26). What a name
    resolves to is checked at every connection.
    """
    url = text.strip()
    parts = _split(url)
    host = parts.hostname or ""
    if parts.username is not None or parts.password is not None or "#" in url:
        raise Invalid(Problem(_FIELD, "A webhook's URL can't contain a user, a password or #."))
    if is_address(host) and reach(host) is Reach.NEVER:
        raise Invalid(
            Problem(_FIELD, "ARI never calls this address: it's link-local, a cloud metadata address or unusable.")
        )
    if is_private(host) and not by_owner:
        raise Invalid(Problem(_FIELD, "An API key can set only a public address. The owner can set a private one."))
    if parts.scheme == "http" and not is_private(host):
        raise Invalid(Problem(_FIELD, "Plain http would send events unencrypted. Use https or a private address."))
    return url


def describe_place(url: str) -> str:
    """Scheme, host and port, such as ``https://hooks.slack.com/…``."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/…"


def _split(url: str) -> SplitResult:
    bad = Invalid(Problem(_FIELD, "Enter a URL such as https://example.com/webhooks/ari."))
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or set(url) & set(' \\"<>^`{|}'):
        raise bad
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise bad from None
    if parts.scheme not in ("http", "https") or not url.startswith(f"{parts.scheme}://") or port == 0:
        raise bad
    if not is_host(host) or parts.netloc.endswith(":"):
        raise bad
    return parts
