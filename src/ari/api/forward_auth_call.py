"""Read a call of ``/api/forward-auth``: the request that it is about, and what its key must be able to do.

The setting ``ARI_FORWARD_AUTH`` names the one family of headers that holds the request. There is no fallback from one
family to another, because behind a proxy that sets one of them, clients could send the other. Options come from where
only the proxy's configuration can write: the query of the URL that it calls, or, as Envoy appends the request's own
path and query, the first segment of that URL's path.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from urllib.parse import parse_qsl

import msgspec

from ari.api.limit_shapes import CHARGED_PATTERN, MAX_NAMES
from ari.api.verify_shapes import MAX_COST, MAX_SCOPES, SCOPE_PATTERN
from ari.base.settings import Settings
from ari.http.problem import Fault
from ari.http.request_head import INVALID_REQUEST, MAX_HEAD_BYTES, RequestHead
from ari.keys.reasons import PROXY_MISCONFIGURED, REQUEST_ERRORS

PATH = "/api/forward-auth"

_RAW_PATH = PATH.encode()
_ORIGINAL = b"x-original-method", b"x-original-uri"
_FORWARDED = b"x-forwarded-method", b"x-forwarded-uri"
_FAMILIES: Mapping[str, tuple[bytes, ...]] = {
    "nginx": _ORIGINAL,
    "ingress-nginx": (b"x-original-method", b"x-original-url"),
    "apache": _ORIGINAL,
    "haproxy": _ORIGINAL,
    "caddy": _FORWARDED,
    "traefik": _FORWARDED,
    "apisix": _FORWARDED,
    "envoy": (),
}
"""The headers with method and URL. Envoy sends both in the request line instead."""
_ALL = dict.fromkeys(name for family in _FAMILIES.values() for name in family)
_FOREIGN = {mode: frozenset(_ALL) - frozenset(family) for mode, family in _FAMILIES.items()}
"""The headers that a request may not have."""
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}")
_COMMON_METHODS = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))
_TUNNELS = ("CONNECT", "TRACE")
"""A proxy may pass a body of CONNECT on as it came, so that it is a request of its own; TRACE repeats keys."""
_CONTROLS = re.compile(r"[\x00-\x20\x7f]|\xc2[\x80-\x9f]|%(?:[01].|7[fF]|[cC]2%[89].)", re.DOTALL)
"""C0, DEL and C1, percent-encoded or not, in a URL as latin-1. Some apps take a path with one for a path without."""
_SCHEME = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_UNITS = re.compile(r"[0-9]{1,7}", re.ASCII)
_MAX_FIELDS = 64
_CACHE_SIZE = 256

_OFF = "Forward-auth is off. Set ARI_FORWARD_AUTH to the name of the proxy and restart ARI."
_NOT_TRUSTED = "Only proxies in ARI_TRUSTED_PROXIES may ask about requests. This address isn't one of them."
_NO_OPTIONS = "The path_prefix of Envoy must be /api/forward-auth/ and the options, such as scope=orders:read."
_TOO_DEEP = f"The proxy must call exactly {PATH}, with the options in the query."
_NO_SCOPE = "The proxy doesn't say which scope the key needs. Add scope=… to the URL it calls, or any_key=true."
_BOTH = "The proxy's URL has both scope and any_key=true. Keep one of them."
_BAD_METHOD = "The request's method isn't one that ARI can log: at most 32 characters of a token."
_TUNNEL = "CONNECT and TRACE aren't passed on to an API."
_CONTROL = "The path contains a control character or a space."
_BAD_TARGET = "The request's target must be a path, the URL of one, or *."


class OriginalRequest(msgspec.Struct, frozen=True):
    """The request that a client sent to the proxy; ``path`` has no query, ``url`` is all of it."""

    method: str
    path: str
    url: bytes


class Options(msgspec.Struct, frozen=True):
    """Demands of the proxy's configuration. No ``scopes`` means that any live key will do. ``limits`` ``None`` = all.

    ``sends_metadata``: the response has the key's metadata. ``allows_preflight``: CORS preflights need no key.
    """

    scopes: tuple[str, ...]
    cost: int = 1
    limits: tuple[str, ...] | None = None
    sends_metadata: bool = False
    allows_preflight: bool = False


class RefusedCall(Exception):
    """ARI refuses the call before it looks at the key. Only ``proxy_misconfigured`` blames the configuration."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.reason.code)
        self.fault = fault


def refuse(detail: str) -> Fault:
    """The fault of a call that the proxy's or ARI's configuration must prevent."""
    return Fault(PROXY_MISCONFIGURED, detail)


def read_original(head: RequestHead, settings: Settings, *, is_proxy: bool) -> OriginalRequest:
    """The request that this call is about. Raises ``RefusedCall``, also for callers that aren't a trusted proxy."""
    mode = settings.forward_auth
    if mode is None:
        raise RefusedCall(refuse(_OFF))
    if not is_proxy:
        raise RefusedCall(refuse(_NOT_TRUSTED))
    if head.size > MAX_HEAD_BYTES:
        raise RefusedCall(Fault(REQUEST_ERRORS["too_large"]))
    family = _FAMILIES[mode]
    if not _FOREIGN[mode].isdisjoint(head.headers):
        name = next(name for name in _ALL if name in _FOREIGN[mode] and name in head.headers)
        raise RefusedCall(refuse(f"ARI_FORWARD_AUTH={mode} doesn't allow the header {name.decode()}."))
    if family:
        method, url = (_read_line(head, name, mode) for name in family)
    else:
        own = _split_path(head)[1].decode("latin-1")
        method, url = head.method, f"{own}?{head.query.decode('latin-1')}" if head.query else own
    return _parse_original(method, url)


def read_options(head: RequestHead, settings: Settings) -> Options:
    """The options of a call. Raises ``RefusedCall``."""
    try:
        if settings.forward_auth == "envoy":
            return _parse_options(_split_path(head)[0])
        if head.raw_path != _RAW_PATH:
            raise ValueError(_TOO_DEEP)
        return _parse_options(head.query)
    except ValueError as error:
        raise RefusedCall(refuse(str(error))) from None


def _parse_original(method: str, url: str) -> OriginalRequest:
    """The proxy has put the client's own text where it belongs, so a fault in it is the client's."""
    if method not in _COMMON_METHODS:
        if _METHOD.fullmatch(method) is None:
            raise RefusedCall(Fault(INVALID_REQUEST, _BAD_METHOD))
        if method.upper() in _TUNNELS:
            raise RefusedCall(Fault(INVALID_REQUEST, _TUNNEL))
    target = url if url.startswith("/") else _SCHEME.sub("", url, count=1)
    path = target.partition("?")[0].partition("#")[0] or "/"
    if not url or not path.startswith(("/", "*")):
        raise RefusedCall(Fault(INVALID_REQUEST, _BAD_TARGET))
    if _CONTROLS.search(path):
        raise RefusedCall(Fault(INVALID_REQUEST, _CONTROL))
    return OriginalRequest(method, path, url.encode("latin-1"))


def _read_line(head: RequestHead, name: bytes, mode: str) -> str:
    line = head.headers.get(name)
    if line is not None and head.repeated is None:
        return line.decode("latin-1").strip(" \t")
    lines = head.lines(name)
    if len(lines) != 1:
        how = "once" if lines else "at all"
        raise RefusedCall(refuse(f"ARI_FORWARD_AUTH={mode} needs the header {name.decode()}, which isn't sent {how}."))
    return lines[0].decode("latin-1").strip(" \t")


def _split_path(head: RequestHead) -> tuple[bytes, bytes]:
    """The options and the path of the original request, from Envoy's request line. Raises ``RefusedCall``."""
    prefix, slash, rest = head.raw_path.partition(_RAW_PATH + b"/")
    options, slash_of_path, path = rest.partition(b"/")
    if prefix or not slash or b"=" not in options:
        raise RefusedCall(refuse(_NO_OPTIONS))
    if head.method == "OPTIONS" and not slash_of_path and options.endswith(b"*"):
        return options[:-1], b"*"
    return options, slash_of_path + path or b"/"


@lru_cache(_CACHE_SIZE)
def _parse_options(text: bytes) -> Options:
    """Cached: a proxy sends few different ones. Raises ``ValueError`` with a sentence."""
    given: dict[str, list[str]] = {}
    try:
        for name, value in parse_qsl(
            text.decode("ascii"), keep_blank_values=True, strict_parsing=bool(text), max_num_fields=_MAX_FIELDS
        ):
            given.setdefault(name, []).append(value)
    except ValueError:
        raise ValueError(
            "The options in the proxy's URL can't be read. Write them as scope=orders:read&cost=2."
        ) from None
    unknown = given.keys() - {"scope", "any_key", "cost", "limits", "metadata", "preflight"}
    if unknown:
        raise ValueError(
            "The proxy's URL has an unknown option. Use scope, any_key, cost, limits, metadata and preflight."
        )
    scopes = tuple(dict.fromkeys(given.get("scope", ())))
    if len(scopes) > MAX_SCOPES or not all(re.fullmatch(SCOPE_PATTERN, one) for one in scopes):
        raise ValueError(f"The option scope must be a scope such as orders:read, repeated at most {MAX_SCOPES} times.")
    any_key = _read_choice(given, "any_key", "true", "false")
    if any_key and scopes:
        raise ValueError(_BOTH)
    if not any_key and not scopes:
        raise ValueError(_NO_SCOPE)
    return Options(
        scopes,
        _read_cost(given.get("cost", ["1"])),
        _read_limits(given["limits"]) if "limits" in given else None,
        _read_choice(given, "metadata", "true", "false"),
        _read_choice(given, "preflight", "allow", "check"),
    )


def _read_choice(given: Mapping[str, Sequence[str]], name: str, yes: str, no: str) -> bool:
    values = given.get(name, [no])
    if len(values) != 1 or values[0] not in (yes, no):
        raise ValueError(f"The option {name} must be {yes} or {no}, once.")
    return values[0] == yes


def _read_cost(values: Sequence[str]) -> int:
    if len(values) != 1 or not _UNITS.fullmatch(values[0]) or int(values[0]) > MAX_COST:
        raise ValueError(f"The option cost must be a whole number between 0 and {MAX_COST:,}, once.")
    return int(values[0])


def _read_limits(values: Sequence[str]) -> tuple[str, ...]:
    if len(values) > MAX_NAMES or not all(re.fullmatch(CHARGED_PATTERN, one) for one in values):
        raise ValueError(f"The option limits must be the name of a limit, repeated at most {MAX_NAMES} times.")
    return tuple(dict.fromkeys(values))
