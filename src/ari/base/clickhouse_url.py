"""The URL of a ClickHouse database: ``clickhouse://user:password@host:8443/database``."""

import re
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

_HOW = (
    "use a URL such as clickhouse://user:password@clickhouse.example.net:8443/database; in user and password write @ "
    "as %40, : as %3A, / as %2F, ? as %3F and # as %23"
)
_DATABASE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_SECURE_PORT, _PLAIN_PORT = 8443, 8123


@dataclass(frozen=True, slots=True)
class ClickHouseUrl:
    """The address of a ClickHouse database for the usage log. ``ca_cert`` is a file with the certificates to trust."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    is_secure: bool
    ca_cert: str | None

    @property
    def place(self) -> str:
        """Host, port and database, for people."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}/{self.database}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a URL. TLS unless it ends in ``?secure=false``. Raises ``ValueError`` with a phrase without the URL."""
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
            options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
        except ValueError:
            raise ValueError(_HOW) from None
        database = parts.path.removeprefix("/")
        if parts.scheme != "clickhouse" or not host or port == 0 or parts.fragment or not _DATABASE.match(database):
            raise ValueError(_HOW)
        user, password = unquote(parts.username or "default"), unquote(parts.password or "")
        if re.search(r"[\x00-\x1f\x7f]", user + password):
            raise ValueError("the user and password can't contain control characters")
        unknown = options.keys() - {"secure", "ca_cert"}
        if unknown or options.get("secure", "true") not in ("true", "false"):
            raise ValueError("the only options of a ClickHouse URL are secure=true, secure=false and ca_cert=FILE")
        is_secure = options.get("secure", "true") == "true"
        port = port or (_SECURE_PORT if is_secure else _PLAIN_PORT)
        return cls(host, port, user, password, database, is_secure, options.get("ca_cert"))
