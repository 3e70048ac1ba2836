"""The one parser of ``ARI_DATABASE_URL``: every connection, of whatever kind, gets its parameters from here.

The grammar is libpq's (PostgreSQL 34.1.1.2), which its own function reads. Added are what is unambiguous and common:
SQLAlchemy's driver names and its repeated ``host=name:port``, ``search_path=…``, and ``=`` inside a value.
"""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import quote, unquote

from ari.base.errors import ConfigurationError

NAME = "ARI_DATABASE_URL"
_SCHEME = re.compile(r"postgres(?:ql)?(?:\+[a-z0-9_]+)?://", re.IGNORECASE)
_HOST = re.compile(r"[^\s@/?#\\]+")
_PORT = re.compile(r"[0-9]{1,5}")
_LARGEST_PORT = 65_535
_CONNECT_SECONDS = 5
_SILENCE_SECONDS = 10
_TLS_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_WRITABLE = ("read-write", "primary")
_SECRET = ("password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
_REFUSED = {
    "replication": "ARI needs an ordinary connection; remove replication",
    "pgbouncer": "PostgreSQL has no parameter pgbouncer; remove it, since ARI detects a pooler",
    "schema": "PostgreSQL has no parameter schema; use search_path",
    "currentschema": "PostgreSQL has no parameter currentSchema; use search_path",
}
"""Known from other programs, by name in lower case, with what to do instead."""
_ENCODE = (
    "it holds a character that must be percent-encoded: in the user name, password and database, "
    "write % as %25, @ as %40, / as %2F, : as %3A, ? as %3F and a space as %20"
)
_SHORTEST_SECRET = 4
"""A shorter one would cut ordinary words, and is none."""


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """The parameters of a URL, for libpq; ``secrets`` must not appear in any message."""

    given: Mapping[str, str]
    secrets: tuple[str, ...]

    def parameters(self, application_name: str, timeout_seconds: float = _CONNECT_SECONDS) -> dict[str, Any]:
        """Keyword arguments for psycopg's ``connect``, sync or async; what the URL says wins where that is safe.

        ``timeout_seconds`` is for each address tried; a longer one in the URL is cut to it.
        """
        own = self.given.get("application_name")
        found: dict[str, Any] = {
            # A server that is gone without a word is noticed in seconds, not in the kernel's quarter of an hour.
            "tcp_user_timeout": _SILENCE_SECONDS * 1000,
            "keepalives_idle": _SILENCE_SECONDS // 2,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "target_session_attrs": "read-write",  # never a standby, whose data may be old
            **{name: value for name, value in self.given.items() if (name, value) != ("target_session_attrs", "any")},
            "client_encoding": "UTF8",
            "connect_timeout": self._connect_seconds(timeout_seconds),
            "application_name": f"{application_name} {own}" if own else application_name,
        }
        return found

    def _connect_seconds(self, most: float) -> int:
        given = int(self.given.get("connect_timeout") or os.environ.get("PGCONNECT_TIMEOUT") or 0)
        return min(given, math.ceil(most)) if given > 0 else math.ceil(most)

    @property
    def credentials(self) -> dict[str, Any]:
        """The user and password, for psycopg's ``connect``."""
        return {name: value for name, value in self.given.items() if name in ("user", "password")}

    @property
    def options(self) -> str:
        """Settings that the session should start with, such as ``-csearch_path=ari``."""
        return self.given.get("options") or os.environ.get("PGOPTIONS", "")

    def mask(self) -> str:
        """The database's address without user, password and options (security.md 10)."""
        hosts = self.given.get("host", self.given.get("hostaddr", "")).split(",")
        ports = self.given.get("port", "").split(",")
        if len(ports) != len(hosts):
            ports = ports[:1] * len(hosts)
        places = [_place(host, port) for host, port in zip(hosts, ports, strict=True)]
        return f"postgresql://***@{','.join(places)}/{quote(self.given.get('dbname', ''))}"

    def without_secrets(self, text: str) -> str:
        """``text`` with every secret of the URL, plain or percent-encoded, cut out."""
        for secret in self.secrets:
            for spelled in {secret, quote(secret), quote(secret, safe="")}:
                text = text.replace(spelled, "***")
        return text


def _place(host: str, port: str) -> str:
    name = "" if host.startswith(("/", "@")) else f"[{host}]" if ":" in host else host
    return f"{name}:{port}" if port else name


def parse(url: str) -> DatabaseUrl:
    """Read ``url``. Raises ``ConfigurationError`` with one sentence that quotes no secret."""
    url = url.strip()
    scheme = _SCHEME.match(url)
    if scheme is None:
        _refuse("use a postgresql:// URL, or leave it unset for SQLite")
    place, query = _split(url[scheme.end() :])
    named, hosts = _parameters_of(query)
    search_path = named.pop("search_path", None)
    text = "&".join(f"{name}={quote(value, safe='')}" for name, value in named.items())
    given = _read_by_libpq(f"postgresql://{place}?{text}" if text else f"postgresql://{place}")
    given |= hosts
    _check(given)
    if search_path is not None:
        before = given.get("options") or os.environ.get("PGOPTIONS", "")
        escaped = re.sub(r"([\\\s])", r"\\\1", search_path)
        given["options"] = f"{before} -csearch_path={escaped}".strip()
    return DatabaseUrl(given, _secrets_of(given))


def _split(rest: str) -> tuple[str, str]:
    """What comes before the query, and the query; the user's part ends at the first ``@`` before any slash."""
    authority = rest.partition("/")[0]
    user, at, _ = authority.partition("@")
    user += at
    if not at:
        user = ""
    place, _, query = rest[len(user) :].partition("?")
    path = place.partition("/")[2]
    if "@" in path or "/" in path or (not at and "@" in query):
        _refuse(_ENCODE)
    return user + place, query


def _parameters_of(query: str) -> tuple[dict[str, str], dict[str, str]]:
    """The named parameters, decoded, and the hosts that are given in SQLAlchemy's way."""
    named: dict[str, str] = {}
    hosts: list[str] = []
    for pair in filter(None, query.split("&")):
        name, equals, value = pair.partition("=")
        name, value = _decode(name), _decode(value)
        if not equals:
            _refuse("each parameter after ? must be name=value, such as sslmode=require")
        _check_name(name)
        if name == "host":
            hosts.append(value)
        elif name in named:
            _refuse(f"{name} is set twice")
        else:
            named[name] = value
    if len(hosts) == 1 and not re.fullmatch(r"[^:/,]+:[0-9]+|\[.*\](:[0-9]+)?", hosts[0]):
        named["host"] = hosts.pop()
    return named, _hosts_and_ports(hosts)


def _check_name(name: str) -> None:
    from psycopg import pq  # noqa: PLC0415 - the extra "postgres"

    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()} | {"ssl", "search_path"}
    refused = _REFUSED.get(name.lower())
    if refused is not None:
        _refuse(refused)
    if name not in known:
        shown = name if re.fullmatch(r"[A-Za-z][\w.-]{0,40}", name) else "with that name"
        _refuse(f"PostgreSQL has no parameter {shown}; remove or correct it")


def _hosts_and_ports(places: list[str]) -> dict[str, str]:
    """``name:port`` of each place as libpq wants them: two lists."""
    if not places:
        return {}
    pairs = []
    for place in places:
        found = re.fullmatch(
            r"(?:\[(?P<address>[^\]]*)\]|(?P<name>/.*?|[^:]*|[^/].*:.*:.*?))(?::(?P<port>[0-9]*))?", place
        )
        if found is None:
            _refuse(_ENCODE)
        pairs.append((found["address"] or found["name"] or "", found["port"] or ""))
    return {"host": ",".join(host for host, _ in pairs), "port": ",".join(port for _, port in pairs)}


def _read_by_libpq(url: str) -> dict[str, str]:
    from psycopg import ProgrammingError  # noqa: PLC0415 - the extra "postgres"
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415 - as above

    try:
        found = conninfo_to_dict(url)
    except ProgrammingError:
        # What libpq quotes may be a password.
        _refuse(_ENCODE if "[" not in url else "the address in [ ] isn't closed, or something invalid follows it")
    return {name: str(value) for name, value in found.items() if value not in (None, "")}


def _check(given: Mapping[str, str]) -> None:
    for host in given.get("host", "").split(","):
        if host and not host.startswith(("/", "@")) and not _HOST.fullmatch(host):
            _refuse(_ENCODE)
    for port in given.get("port", "").split(","):
        if port and not (_PORT.fullmatch(port) and 0 < int(port) <= _LARGEST_PORT):
            _refuse(f"a port must be a number from 1 to {_LARGEST_PORT}; or {_ENCODE}")
    if given.get("sslmode", "prefer") not in _TLS_MODES:
        _refuse(f"sslmode must be one of {', '.join(_TLS_MODES)}")
    if given.get("target_session_attrs", "any") not in (*_WRITABLE, "any"):
        _refuse("target_session_attrs must be read-write or primary; ARI needs the server that accepts writes")
    if not re.fullmatch(r"-?[0-9]{1,6}", given.get("connect_timeout", "0")):
        _refuse("connect_timeout must be a number of seconds")


def _secrets_of(given: Mapping[str, str]) -> tuple[str, ...]:
    values = {given.get(name, "") for name in _SECRET} | {os.environ.get("PGPASSWORD", "")}
    public = {given.get(name) for name in ("user", "dbname", "host")}
    return tuple(
        sorted((one for one in values - public if one and len(one) >= _SHORTEST_SECRET), key=len, reverse=True)
    )


def _decode(text: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})|%00", text):
        _refuse(_ENCODE)
    return unquote(text)


def _refuse(why: str) -> NoReturn:
    raise ConfigurationError(f"{NAME}: {why}.")
