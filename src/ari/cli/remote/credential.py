"""The URL of a remote instance and the key for it, which never appears in an argument (other users can list those)."""

import os
import stat
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from ari.base.errors import ConfigurationError
from ari.client.connection_settings import is_host

MAX_KEY_BYTES = 512
_NO_URL = "The URL of the instance isn't valid. Use one such as https://keys.example.net."
_NO_KEY = "There is no key for the remote instance. Use --key-file or set ARI_KEY_FILE or ARI_KEY."


def parse_url(text: str) -> str:
    """The origin of an instance, such as ``https://keys.example.net``. Raises ``ConfigurationError``.

    Plain http is for loopback addresses, since anyone on the way could read the key, unless ``ARI_INSECURE_HTTP`` is
    set.
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if host is None or not is_host(host):
        raise ConfigurationError(_NO_URL)
    if parts.scheme not in ("http", "https") or not text.isascii() or not text.isprintable():
        raise ConfigurationError(_NO_URL)
    if parts.username is not None or parts.path not in ("", "/") or parts.query or parts.fragment or " " in text:
        raise ConfigurationError("The URL of the instance has more than scheme, host and port.")
    if parts.scheme == "http" and not _is_loopback(host) and not _allows_http():
        raise ConfigurationError(
            f"Use https for {host}: over http, others on the network could read the key. ARI_INSECURE_HTTP=true "
            "allows http."
        )
    return f"{parts.scheme}://{parts.netloc}"


def _allows_http() -> bool:
    return os.environ.get("ARI_INSECURE_HTTP", "").lower() in ("1", "true", "yes", "on")


def _is_loopback(host: str) -> bool:
    """Whether the name or address is this machine's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_key(file: Path | None) -> str:
    """The key from the file of the option, else of ``ARI_KEY_FILE`` or ``ARI_KEY``. Raises ``ConfigurationError``.

    ``ARI_KEY`` is removed from the environment, so that no child process has it.
    """
    given = os.environ.pop("ARI_KEY", None) or None
    named = os.environ.get("ARI_KEY_FILE") or None
    if file is not None:
        return _require_key(_read_file(file), f"The file {file}")
    if named is not None and given is not None:
        raise ConfigurationError("Set ARI_KEY_FILE or ARI_KEY, not both.")
    if named is not None:
        return _require_key(_read_file(Path(named)), f"The file {named}")
    if given is None:
        raise ConfigurationError(_NO_KEY)
    return _require_key(given, "ARI_KEY")


def _read_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            content = file.read(MAX_KEY_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"Can't read the key file {path}: {error.strerror}.") from None
    if stat.S_ISREG(status.st_mode) and stat.S_IMODE(status.st_mode) & 0o077:
        raise ConfigurationError(f"Other users can read the key file {path}. Run: chmod 600 {path}")
    return content.decode("ascii", "replace")


def _require_key(text: str, place: str) -> str:
    """The key without the line's end. The message never shows it."""
    key = text.strip()
    if not 0 < len(key) <= MAX_KEY_BYTES or not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError(f"{place} must have one line with an API key, and nothing else.")
    return key
