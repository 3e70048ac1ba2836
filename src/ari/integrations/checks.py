"""What may be a provider key and what a base URL; refusals never repeat what was given."""

import ipaddress
import re
from urllib.parse import urlsplit

from ari.base.errors import Invalid, Problem
from ari.integrations.model import Provider
from ari.integrations.providers import providers

MAX_KEY = 512
MAX_BASE_URL = 500
_QUOTES = "\"'`“”‘’«»"
_ARI_KEY = "ari_k_"
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")


def checked_key(provider: Provider, text: str, *, owner_named: bool) -> str:
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
    looks = f" A key of {provider.title} {shape.hint}." if shape else ""
    if not key:
        return f"Paste the key.{looks}"
    if len(key) > MAX_KEY:
        return f"A key has at most {MAX_KEY} characters.{looks}"
    if key[0] in _QUOTES or key[-1] in _QUOTES:
        return "Paste the key without quotes around it."
    if key.lower().startswith(("bearer ", "authorization:", f"{provider.key_header}:")):
        return "Paste the key alone, without the header or the word Bearer before it."
    if "=" in key[:-2] and key.partition("=")[0].removeprefix("export ").strip().isidentifier():
        return f"Paste the key alone, without {provider.variable}= before it."
    if not key.isascii() or not key.isprintable() or " " in key:
        return "A key has no spaces, line breaks or letters beyond ASCII; copy it again, whole and alone."
    return f"This is an API key of ARI; {provider.title} does not know it." if key.startswith(_ARI_KEY) else None


def _wrong_shape(provider: Provider, key: str) -> str | None:
    for other in providers().values():
        if other.name != provider.name and other.shape is not None and other.shape.telling and other.shape.fits(key):
            return f"This looks like a key of {other.title}, not of {provider.title}."
    if provider.shape is None or provider.shape.fits(key):
        return None
    return f"This does not look like a key of {provider.title}, which {provider.shape.hint}."


def checked_base_url(provider: Provider, text: str) -> str:
    """The base URL without a slash at its end. Raises ``Invalid``.

    http only for loopback and private addresses and for names without a dot or under .local, .lan, .internal and
    .home.arpa, since the key travels in the clear. What a name resolves to is checked at every connection.
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
        raise Invalid(Problem("base_url", "A base URL has no user, password, ? or #."))
    literal = f"[{host}]" if ":" in host else host
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(literal) or not _is_path(parts.path):
        raise _bad(provider)
    if _is_barred(host):
        raise Invalid(Problem("base_url", "No call may go to this address."))
    if parts.scheme == "http" and not is_near(host):
        raise Invalid(Problem("base_url", "Plain http sends the key in the clear; use https, or a private address."))
    path = parts.path.removesuffix(provider.dropped_ending)
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{literal}{f':{port}' if port not in (None, default) else ''}{path}"


def _is_path(path: str) -> bool:
    return _PATH.fullmatch(path) is not None and not any(part.strip(".") == "" for part in path.split("/")[1:])


def _bad(provider: Provider) -> Invalid:
    example = provider.base_url_example or provider.base_url
    return Invalid(Problem("base_url", f"Give an address such as {example}."))


def _is_barred(host: str) -> bool:
    """Whether this is an address where no provider is, such as the link-local one that tells a cloud's secrets."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_link_local or address.is_unspecified or address.is_multicast


def is_near(host: str) -> bool:
    """Whether a host is on this machine or in a private network, as far as its name tells."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".local", ".lan", ".internal", ".home.arpa", ".localhost"))
    return address.is_loopback or address.is_private
