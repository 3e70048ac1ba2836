"""Settings of a client: the instance's URL, the key, timeout and retries."""

import ipaddress
import os
import re
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from ari.client.exceptions import InvalidSettings

DEFAULT_TIMEOUT_SECONDS = 10.0
DEFAULT_RETRIES = 2
_LONGEST_KEY = 4_096
_KEY = re.compile(r"[!-~]+")
_URL = re.compile(r"[!-\[\]-~]+")
"""Printable ASCII without spaces and backslashes."""
_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
MAX_TIMEOUT_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """Valid settings. ``base_url`` ends without a slash; ``key`` is None for operations that need none."""

    base_url: str
    key: str | None = field(repr=False)
    timeout_seconds: float
    retries: int

    @property
    def is_encrypted(self) -> bool:
        """Whether the URL is https. Only then do proxies from the environment apply: others would see the key."""
        return self.base_url.startswith("https:")


def read_settings(
    base_url: str | None, key: str | None, timeout_seconds: float, retries: int, *, allow_http: bool
) -> ConnectionSettings:
    """Settings from arguments, or for those that are None from ``ARI_URL`` and ``ARI_KEY``.

    Raises InvalidSettings, whose message never contains the key.
    """
    found = os.environ.get("ARI_URL") if base_url is None else base_url
    if not found:
        raise InvalidSettings("Pass base_url, or set ARI_URL, such as https://keys.example.net.")
    sent = (os.environ.get("ARI_KEY") or None) if key is None else key
    url = check_base_url(found, allow_http=allow_http)
    return _check_patience(ConnectionSettings(url, None if sent is None else check_key(sent), timeout_seconds, retries))


def change_settings(
    settings: ConnectionSettings, timeout_seconds: float | None, retries: int | None
) -> ConnectionSettings:
    """The settings with what is not None. Raises InvalidSettings."""
    return _check_patience(
        replace(
            settings,
            timeout_seconds=settings.timeout_seconds if timeout_seconds is None else timeout_seconds,
            retries=settings.retries if retries is None else retries,
        )
    )


def _check_patience(settings: ConnectionSettings) -> ConnectionSettings:
    seconds: object = settings.timeout_seconds
    retries: object = settings.retries
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= MAX_TIMEOUT_SECONDS:
        raise InvalidSettings(f"timeout_seconds must be a positive number, at most {MAX_TIMEOUT_SECONDS}.")
    if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
        raise InvalidSettings("retries must be a whole number that isn't negative.")
    return settings


def check_base_url(base_url: str, *, allow_http: bool = False) -> str:
    """The URL without its last slash. Plain http is for this machine only, unless ``allow_http``."""
    given: object = base_url
    if not isinstance(given, str):
        raise InvalidSettings("base_url must be text.")
    try:
        parts = urlsplit(base_url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise InvalidSettings("base_url isn't a valid URL.") from None
    if parts.scheme not in ("https", "http") or not host or not _URL.fullmatch(base_url) or not is_host(host):
        raise InvalidSettings("base_url must be an https URL, such as https://keys.example.net.")
    if parts.username is not None or parts.query or parts.fragment or "?" in base_url or "#" in base_url:
        raise InvalidSettings("base_url can't contain a user name, query or fragment.")
    if parts.scheme == "http" and not allow_http and not _is_this_machine(host):
        raise InvalidSettings("base_url must be https, or anyone on the way reads the key. allow_http=True permits it.")
    return parts.scheme + base_url[len(parts.scheme) :].rstrip("/")  # in small letters


def check_key(key: str) -> str:
    """The key, if it can be sent in a header."""
    given: object = key
    if not isinstance(given, str) or len(key) > _LONGEST_KEY or not _KEY.fullmatch(key):
        raise InvalidSettings("The key must be printable ASCII without spaces or line breaks.")
    return key


def is_host(host: str) -> bool:
    """Whether this is an ASCII name that can be looked up, or an IP address."""
    try:
        return _HOST.fullmatch(host) is not None or ipaddress.ip_address(host).version == 6
    except ValueError:
        return False


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
