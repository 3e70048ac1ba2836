"""Validate provider keys and base URLs; errors never repeat the rejected value."""

import ipaddress
import re
from urllib.parse import urlsplit

from ari.base.addresses import HOST_NAME, NO_ADDRESSES, AddressList, Reach, is_number, reach
from ari.base.errors import Invalid, Problem
from ari.base.token_shape import PREFIX, is_token
from ari.integrations.model import Provider
from ari.integrations.providers import providers

MAX_KEY = 512
MAX_BASE_URL = 500
_QUOTES = "\"'`“”‘’«»"
_PRIVATE_ENDINGS = (
    ".beta.tailscale.net",
    ".corp",
    ".home",
    ".home.arpa",
    ".internal",
    ".intranet",
    ".lan",
    ".local",
    ".localdomain",
    ".localhost",
    ".private",
    ".svc",
    ".ts.net",
)
"""Names of private networks: RFC 6761, RFC 6762, RFC 8375, what routers use, Kubernetes, Tailscale's MagicDNS."""
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")


def parse_key(provider: Provider, text: str, *, owner_named: bool) -> str:
    """The key as it is sent, without white space around it. Raises ``Invalid`` with a hint for obvious paste errors.

    ``owner_named``: it goes to a base URL of the owner's, where keys of any shape may be right.
    """
    key = text.strip()
    problem = _paste_error(provider, key) or (None if owner_named else _wrong_shape(provider, key))
    if problem is not None:
        raise Invalid(Problem("key", problem))
    return key


def mask(key: str) -> str:
    """The first 4 and last 4 characters; of a short key less, so that most of it stays hidden."""
    shown = 4 if len(key) >= 16 else 1 if len(key) >= 8 else 0
    return f"{key[:shown]}…{key[len(key) - shown :]}" if shown else "…"


def _paste_error(provider: Provider, key: str) -> str | None:
    shape = provider.shape
    looks = f" {provider.title} keys {shape.hint}." if shape else ""
    if not key:
        return f"Paste the key.{looks}"
    if len(key) > MAX_KEY:
        return f"Keys have at most {MAX_KEY} characters.{looks}"
    if key[0] in _QUOTES or key[-1] in _QUOTES:
        return "Paste the key without quotes."
    if key.lower().startswith(("bearer ", "authorization:", f"{provider.key_header}:")):
        return "Paste only the key, without the header name or the word Bearer."
    if "=" in key[:-2] and key.partition("=")[0].removeprefix("export ").strip().isidentifier():
        return f"Paste only the key, without {provider.variable or 'NAME'}= in front."
    if not key.isascii() or not key.isprintable() or " " in key:
        return "Keys contain only ASCII characters, without spaces or line breaks. Copy the whole key again."
    is_ours = key.startswith(PREFIX) or is_token(key.encode())
    return f"This is an ARI API key. Paste your {provider.title} key instead." if is_ours else None


def _wrong_shape(provider: Provider, key: str) -> str | None:
    for other in providers().values():
        if other.name != provider.name and other.shape is not None and other.shape.telling and other.shape.fits(key):
            return f"This looks like a key for {other.title}, not for {provider.title}."
    if provider.shape is None or provider.shape.fits(key):
        return None
    return f"This doesn't look like a key for {provider.title}. {provider.title} keys {provider.shape.hint}."


def parse_base_url(provider: Provider, text: str, listed: AddressList = NO_ADDRESSES) -> str:
    """The base URL without a slash at its end. Raises ``Invalid``.

    http only for addresses that are private, or ``listed``, since the key travels in the clear. What a name resolves to
    is checked at every connection.
    """
    address = text.strip().rstrip("/")
    if len(address) > MAX_BASE_URL or not address.isascii() or not address.isprintable() or " " in address:
        raise _bad(provider)
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _bad(provider) from None
    if parts.username is not None or parts.password is not None or "?" in address or "#" in address:
        raise Invalid(Problem("base_url", "A base URL can't contain a user, a password, ? or #."))
    literal = f"[{host}]" if ":" in host else host
    if parts.scheme not in ("http", "https") or port == 0 or not is_host(host) or not _is_path(parts.path):
        raise _bad(provider)
    path = parts.path.removesuffix(provider.dropped_ending)
    default = {"http": 80, "https": 443}[parts.scheme]
    base_url = f"{parts.scheme}://{literal}{f':{port}' if port not in (None, default) else ''}{path}"
    if is_address(host) and reach(host) is Reach.NEVER:
        raise Invalid(
            Problem("base_url", "ARI never calls this address: it's link-local, a cloud metadata address or unusable.")
        )
    if parts.scheme == "http" and not is_private(host) and not listed.allows(base_url):
        raise Invalid(Problem("base_url", "Plain http would send the key unencrypted. Use https or a private address."))
    return base_url


def is_host(host: str) -> bool:
    """Whether this is an address, or a name that is no address in disguise; underscores only in private names."""
    if is_address(host):
        return "%" not in host
    return HOST_NAME.fullmatch(host) is not None and not is_number(host) and ("_" not in host or is_private(host))


def _is_path(path: str) -> bool:
    return _PATH.fullmatch(path) is not None and not any(part.strip(".") == "" for part in path.split("/")[1:])


def _bad(provider: Provider) -> Invalid:
    example = provider.base_url_example or provider.base_url
    return Invalid(Problem("base_url", f"Enter a URL such as {example}."))


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_private(host: str) -> bool:
    """Whether a host is on this machine or in a private network, as far as its name or address shows."""
    if is_address(host):
        return reach(host) is Reach.PRIVATE
    return "." not in host or host.endswith(_PRIVATE_ENDINGS)
