"""Types for settings with their own syntax. Each raises ``ValueError`` with the end of a sentence."""

import ipaddress
import re
from decimal import Decimal
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import SplitResult, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from ari.base.addresses import AddressList
from ari.base.audit import MIN_RETENTION_DAYS
from ari.base.errors import ConfigurationError
from ari.base.hosts import ascii_address, ascii_host, is_loopback
from ari.base.master_key import keys_of
from ari.base.money import parse_currency_code, parse_currency_rate, parse_usd

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
DEFAULT_PORT = 3000
MAX_ROUTE_SEGMENTS = 5
MAX_ROUTES, MAX_ROUTE_LENGTH = 1_000, 200
_ROUTE = re.compile(r"(?:/(?:\{[A-Za-z_][A-Za-z0-9_]*\}|[A-Za-z0-9._~%!$&'()+;=:@-]*))*(?:/\*)?")
KUBERNETES_PORT = re.compile(r"(?:tcp|udp|sctp)://\S+:[0-9]+", re.IGNORECASE)
"""The value of ``<NAME>_PORT`` that Kubernetes sets for every Service and Docker for every link."""
_POSTGRESQL = re.compile(r"\s*postgres(ql)?(\+[a-z0-9_]+)?://", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def _port(value: object) -> object:
    return DEFAULT_PORT if isinstance(value, str) and KUBERNETES_PORT.fullmatch(value) else value


def _check_host(value: str) -> str:
    host = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    if re.search(r"[\s/@]", host) or (":" in host and not _is_ipv6(host)):
        raise ValueError("use an address such as 127.0.0.1 or 0.0.0.0; set the port with ARI_PORT")
    return host


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _directory(value: Path) -> Path:
    try:
        return value.expanduser()
    except RuntimeError:
        raise ValueError("this user has no home directory; use an absolute path instead of ~") from None


def _hosts(value: object) -> object:
    if not isinstance(value, str):
        return value
    found = []
    for part in filter(None, (one.strip() for one in value.split(","))):
        try:
            host = urlsplit(f"//{part}")
            plain = host.netloc == part and host.username is None and "*" not in part and host.hostname
            found.append(_bracket(ascii_host(host.hostname or "")) if plain else "")
        except ValueError:
            found.append("")
    if "" in found:
        raise ValueError("use comma-separated host names such as ari.lan, without https:// or *")
    return tuple(found)


def _bracket(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _networks(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in value.split(",") if part.strip())
    except ValueError:
        raise ValueError("use comma-separated addresses or networks such as 192.0.2.7 or 10.0.0.0/8") from None


def _days(value: object) -> object:
    if not isinstance(value, str):
        return value
    parts = [part.strip() for part in value.split(",")]
    if not all(part.isascii() and part.isdigit() and 1 <= int(part[:5]) <= 3_650 for part in parts):
        raise ValueError("use comma-separated numbers of days between 1 and 3650")
    return tuple(sorted({int(part) for part in parts}))


def _url(value: str) -> tuple[SplitResult, int | None]:
    """The parts of a URL, and its port. Raises ``ValueError`` if it can't be parsed."""
    parts = urlsplit(value)
    return parts, parts.port


def _listen_address(value: str) -> str:
    try:
        parts, port = _url(f"//{value}")
    except ValueError:
        port = None
    if not port or parts.netloc != value or not parts.hostname or "@" in value:
        raise ValueError("use an address and a port, such as 127.0.0.1:9464 or [::1]:9464")
    _check_host(parts.hostname)
    return value


def _postgres_url(value: SecretStr) -> SecretStr:
    if not _POSTGRESQL.match(value.get_secret_value()):
        raise ValueError("use a postgresql:// URL, or leave it unset for SQLite")
    return value


def _clickhouse_url(value: SecretStr) -> SecretStr:
    from ari.base.clickhouse_url import ClickHouseUrl  # noqa: PLC0415 - most instances don't need it

    ClickHouseUrl.parse(value.get_secret_value())
    return value


def _private_addresses(value: object) -> object:
    if not isinstance(value, str):
        return value
    parts = tuple(part.strip() for part in value.split(",") if part.strip())
    AddressList.of(parts)
    return parts


def _request_headers(value: object) -> object:
    if not isinstance(value, str):
        return value
    parts = tuple(part.strip().lower() for part in value.split(",") if part.strip())
    if not all(re.fullmatch(r"[a-z][a-z0-9_-]*/[a-z0-9!#$%&'*+.^`|~-]{1,128}", part) for part in parts):
        raise ValueError("use names such as litellm/x-litellm-tags: a provider or upstream, a slash and a header")
    return parts


def _retention_days(value: int) -> int:
    if 0 < value < MIN_RETENTION_DAYS:
        raise ValueError(f"must be at least {MIN_RETENTION_DAYS} days, or 0 to keep everything")
    return value


def _origin(value: str) -> str:
    example = "use a URL such as https://ari.example.net, without path, user or query"
    try:
        parts, port = _url(value)
        host = _bracket(ascii_host(parts.hostname or ""))
    except ValueError:
        raise ValueError(example) from None
    if parts.scheme not in _DEFAULT_PORTS or not host or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError(example)
    if not re.fullmatch(r"[\[\]0-9a-z:._-]+", host):
        raise ValueError(example)
    if parts.path not in ("", "/"):
        raise ValueError("remove the path from the URL; ARI runs at the root of its host")
    return f"{parts.scheme}://{host}" + ("" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}")


def _resend_url(value: str) -> str:
    return _check_service_url(value, "https://api.resend.com", "otherwise the key is sent unencrypted")


def _keys_url(value: str) -> str:
    github = "https://api.github.com/meta/public_keys/secret_scanning"
    return _check_service_url(value, github, "otherwise anyone on the way could replace the keys")


def _check_service_url(value: str, example: str, danger: str) -> str:
    example = f"use a URL such as {example}, without user or query"
    try:
        parts, _ = _url(value)
    except ValueError:
        raise ValueError(example) from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.query or parts.fragment or "@" in value:
        raise ValueError(example)
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError(f"use an https URL; {danger}")
    return value.rstrip("/")


def _resend_key(value: SecretStr) -> SecretStr:
    text = value.get_secret_value().strip()
    if not re.fullmatch(r"[!-~]{1,512}", text):
        raise ValueError("use the key as Resend shows it, without spaces")
    return SecretStr(text)


def _syslog_url(value: str) -> str:
    example = "use a URL such as tls://collector.example.net:6514, without user, path or query"
    try:
        parts, port = _url(value)
        ascii_host(parts.hostname or "")
    except ValueError:
        raise ValueError(example) from None
    if parts.scheme not in ("tls", "tcp") or not parts.hostname or port == 0 or "@" in value:
        raise ValueError(example)
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(example)
    if parts.scheme == "tcp" and not is_loopback(parts.hostname):
        raise ValueError("use tls://; plain tcp:// is for collectors on this machine")
    return value.rstrip("/")


def _smtp_url(value: SecretStr) -> SecretStr:
    try:
        parts, port = _url(value.get_secret_value())
        ascii_host(parts.hostname or "")
        fits = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and port != 0
    except ValueError:
        fits = False
    if not fits or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(
            "use a URL such as smtp://user:password@mail.example.net:587; in user and password write @ as %40, : as "
            "%3A, / as %2F, ? as %3F and # as %23"
        )
    if re.search(r"[\x00-\x1f\x7f]", unquote(f"{parts.username}{parts.password}")):
        raise ValueError("the user and password can't contain control characters")
    return value


def _mail_address(value: str) -> str:
    name, address = parseaddr(value)
    user, at, host = address.rpartition("@")
    try:
        address = ascii_address(address)
        if not (user and at and host) or not value.isprintable() or not address.isascii():
            raise ValueError
    except ValueError:
        raise ValueError("use an address such as ari@example.net, or ARI <ari@example.net>") from None
    return value if value.endswith((address, f"{address}>")) else f"{name} <{address}>".lstrip()


def _master_key(value: SecretStr) -> SecretStr:
    try:
        keys_of(value.get_secret_value(), "x")
    except ConfigurationError as error:
        raise ValueError(str(error).removeprefix("x: ").removesuffix(".")) from None
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("use a time zone name such as Europe/Berlin") from None
    return value


def _routes(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value.isascii() and value.isdigit():
        return min(int(value[:3]), MAX_ROUTE_SEGMENTS + 1)
    routes = tuple(route.strip() for route in value.split(",") if route.strip())
    if not all(len(route) <= MAX_ROUTE_LENGTH and _ROUTE.fullmatch(route) for route in routes):
        raise ValueError("use a number of path segments, or comma-separated routes such as /orders/{id},/files/*")
    if len(routes) > MAX_ROUTES:
        raise ValueError(f"use at most {MAX_ROUTES} routes")
    return routes


def _check_routes(value: int | tuple[str, ...]) -> int | tuple[str, ...]:
    if isinstance(value, int) and not 0 <= value <= MAX_ROUTE_SEGMENTS:
        raise ValueError(f"use at most {MAX_ROUTE_SEGMENTS} path segments")
    return value


def _unknown_price(value: str) -> str:
    if value != "refuse":
        try:
            parse_usd(value)
        except ValueError:
            raise ValueError("use refuse, or US dollars per million tokens such as 15.00") from None
    return value


def _refuse_every_address(value: tuple[Network, ...]) -> tuple[Network, ...]:
    if any(network.prefixlen == 0 for network in value):
        raise ValueError("don't trust every address as a proxy; anyone could forge their IP address")
    return value


Port = Annotated[int, BeforeValidator(_port), Field(ge=1, le=65535)]
ListenAddress = Annotated[str, AfterValidator(_listen_address)]
ListeningHost = Annotated[str, AfterValidator(_check_host)]
Directory = Annotated[Path, AfterValidator(_directory)]
HostNames = Annotated[tuple[str, ...], BeforeValidator(_hosts)]
Networks = Annotated[tuple[Network, ...], BeforeValidator(_networks)]
ProxyNetworks = Annotated[Networks, AfterValidator(_refuse_every_address)]
Days = Annotated[tuple[int, ...], BeforeValidator(_days)]
PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres_url)]
ClickHouseLogUrl = Annotated[SecretStr, AfterValidator(_clickhouse_url)]
PrivateAddresses = Annotated[tuple[str, ...], BeforeValidator(_private_addresses)]
RequestHeaders = Annotated[tuple[str, ...], BeforeValidator(_request_headers)]
RetentionDays = Annotated[int, Field(ge=0, le=36_500), AfterValidator(_retention_days)]
Origin = Annotated[str, AfterValidator(_origin)]
ResendUrl = Annotated[str, AfterValidator(_resend_url)]
KeysUrl = Annotated[str, AfterValidator(_keys_url)]
ResendKey = Annotated[SecretStr, AfterValidator(_resend_key)]
SyslogUrl = Annotated[str, AfterValidator(_syslog_url)]
SmtpUrl = Annotated[SecretStr, AfterValidator(_smtp_url)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
Proxy = Literal["nginx", "ingress-nginx", "apache", "haproxy", "caddy", "traefik", "envoy", "apisix"]
Routes = Annotated[int | tuple[str, ...], BeforeValidator(_routes), AfterValidator(_check_routes)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
MasterKey = Annotated[SecretStr, AfterValidator(_master_key)]
CurrencyCode = Annotated[str, AfterValidator(parse_currency_code)]
CurrencyRate = Annotated[Decimal, BeforeValidator(lambda value: parse_currency_rate(str(value)))]
UnknownPrice = Annotated[str, AfterValidator(_unknown_price)]
