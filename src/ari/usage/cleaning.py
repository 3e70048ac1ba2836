"""Cleans values from callers before they are staged, so that every database takes them (security.md 17, 20).

NUL, control characters, lone surrogates and characters that change the direction of text become U+FFFD. Anything that
looks like a key is cut. Lengths and numbers are bounded.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from operator import attrgetter
from typing import Any, Literal

from msgspec.structs import replace

from ari.base.addresses import counter_address, network_around
from ari.base.secrets_in_text import HARMLESS, cut_secrets
from ari.base.unfit_text import replace_unfit
from ari.keys.limits.spending import MAX_AMOUNT
from ari.usage.ai import AiUse
from ari.usage.model import OTHER_ADDRESSES, Attempt, Completion, UsageRow
from ari.usage.ports import Batch

AddressDetail = Literal["full", "network", "none"]

PATH_LENGTH = 1_024
ROUTE_LENGTH = 200
USER_AGENT_LENGTH = 256
METHOD_LENGTH = 16
REQUEST_ID_LENGTH = 128
ADDRESS_LENGTH = 64
MODEL_LENGTH = 100
MAX_TOKENS = 2**32
"""So that no database overflows when it adds an hour's requests up."""
_TOKENS = ("input_tokens", "output_tokens", "cached_tokens", "cache_written_tokens", "audio_tokens", "reasoning_tokens")
_read_tokens = attrgetter(*_TOKENS)
MAX_STATUS = 999
_MAX_BYTES, _MAX_COUNT = 2**63 - 1, 2**31 - 1
_MAX_DURATION_MS = 1e12

UNKNOWN_ADDRESS = "unknown"
_METHODS = {method: method for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")}

_LONGEST_READ = 4
"""How many times its limit is read of a text: cutting secrets makes it shorter."""
_LONGEST_AGENT_READ = _LONGEST_READ * USER_AGENT_LENGTH


def clean(text: str | bytes, limit: int) -> str:
    """Fit to store: at most ``limit`` characters, none unfit, no secret. Bytes are headers and read as Latin-1."""
    if isinstance(text, bytes):
        text = text[: _LONGEST_READ * limit].decode("latin-1")
    text = cut_secrets(text[: _LONGEST_READ * limit])
    return replace_unfit(text)[:limit]


def clean_batch(batch: Batch) -> Batch:
    """A copy that any database stores. A value that cannot be cleaned becomes unknown; a completion without its status
    is left out."""
    rows = [replace(row) for row in batch.rows]
    for row in rows:
        clean_row(row, "full")
        _clean_names(row)
    completions: list[Completion | AiUse] = []
    for done in batch.completions:
        if isinstance(done, AiUse):
            completions.append(replace(clean_use(done), provider_status=_status(done.provider_status)))
        elif (cleaned := clean_completion(done)) is not None:
            completions.append(cleaned)
    attempts = [_clean_attempt(attempt) for attempt in batch.attempts]
    return Batch(rows, completions, attempts, batch.list_refusals)


def _clean_attempt(attempt: Attempt) -> Attempt:
    fits = clean(attempt.address, ADDRESS_LENGTH) == attempt.address
    return attempt if fits else replace(attempt, address=OTHER_ADDRESSES)


def _status(number: int | None) -> int | None:
    return None if number is None or not 0 <= number <= MAX_STATUS else int(number)


def _bytes(number: int | None) -> int | None:
    return None if number is None or not 0 <= number <= _MAX_BYTES else int(number)


def _duration(number: float | None) -> float | None:
    """A comparison with NaN is false."""
    return None if number is None or not 0 <= number <= _MAX_DURATION_MS else number


def clean_completion(done: Completion) -> Completion | None:
    """With impossible numbers as unknown; ``None`` without a possible status. A time can't be unknown here: it becomes
    0."""
    status, duration_ms, size = _status(done.status), _duration(done.duration_ms), _bytes(done.bytes)
    if status is None:
        return None
    if duration_ms is not None and size == done.bytes:
        return done
    return replace(done, duration_ms=duration_ms or 0.0, bytes=size)


def clean_end(done: Completion | AiUse) -> Completion | AiUse | None:
    """The end of a request, as ``clean_completion`` has it."""
    return done if isinstance(done, AiUse) else clean_completion(done)


def _clean_names(row: UsageRow) -> None:
    """The texts that services and settings choose. A database refuses them only if they have a surrogate or NUL."""
    row.route = clean(row.route, ROUTE_LENGTH)
    row.key_id, row.key_hint, row.code = (replace_unfit(text) for text in (row.key_id, row.key_hint, row.code))


def clean_row(row: UsageRow, addresses: AddressDetail) -> None:
    """Clean every text of ``row`` that its caller could choose, and every number that a service could."""
    if row.status is not None:
        row.status = _status(row.status)
    if row.duration_ms is not None:
        row.duration_ms = _duration(row.duration_ms)
    if row.bytes is not None:
        row.bytes = _bytes(row.bytes)
    if row.count != 1:
        row.count = max(1, min(row.count, _MAX_COUNT))
    given_id = row.request_id
    if given_id != row.id and (given_id.strip(HARMLESS) or len(given_id) > REQUEST_ID_LENGTH):
        row.request_id = clean(row.request_id, REQUEST_ID_LENGTH)
    row.method = _METHODS.get(row.method) or clean(row.method, METHOD_LENGTH)
    row.path = _path(row.path[: _LONGEST_READ * PATH_LENGTH])
    if row.user_agent is not None:
        row.user_agent = _user_agent(row.user_agent[:_LONGEST_AGENT_READ])
    address = row.client_address
    if address is not None:
        reduce = _reduce_address if len(address) <= ADDRESS_LENGTH else reduce_address
        row.client_address = reduce(address, addresses)


def clean_use(use: AiUse) -> AiUse:
    """The use with a clean model name, and with impossible numbers of tokens and costs as unknown."""
    model = _model(use.model[: _LONGEST_READ * MODEL_LENGTH]) or None if use.model else None
    unknown: dict[str, Any] = {
        name: None
        for name, number in zip(_TOKENS, _read_tokens(use), strict=True)
        if number is not None and not _is_possible(number, MAX_TOKENS)
    }
    if not _is_possible(use.cost_micros, MAX_AMOUNT):
        unknown["cost_micros"] = None
    if model == use.model and not unknown:
        return use
    return replace(use, model=model, **unknown)


def _is_possible(number: int | None, most: int) -> bool:
    return number is None or 0 <= number <= most


@lru_cache(maxsize=1_024)
def _model(text: str) -> str:
    return clean(text, MODEL_LENGTH)


@lru_cache(maxsize=1_024)
def _user_agent(text: str) -> str:
    """Cached: each costs 6 to 10 µs, and a client sends many requests."""
    return clean(text, USER_AGENT_LENGTH)


@lru_cache(maxsize=1_024)
def _path(text: str) -> str:
    return clean(text, PATH_LENGTH)


def reduce_address(address: str, addresses: AddressDetail) -> str | None:
    """The address to log for a client: the whole address, its network (IPv4 /24, IPv6 /48) or ``None``.

    Only ``full`` keeps other text, such as a socket's name.
    """
    if addresses == "none":
        return None
    if addresses == "full":
        return clean(address, ADDRESS_LENGTH)
    parsed = _parse(address)
    return None if parsed is None else _coarse(parsed)


_reduce_address = lru_cache(maxsize=4_096)(reduce_address)


def attempt_address(address: str | None, addresses: AddressDetail) -> str:
    """The address under which attempts without a valid key are counted. IPv6 clients count by their /64.

    ``address`` may already be such a network.
    """
    if address is None:
        return UNKNOWN_ADDRESS
    if addresses == "none":
        return OTHER_ADDRESSES
    parsed = _parse(address.partition("/")[0])
    if parsed is None:
        return clean(address, ADDRESS_LENGTH) if addresses == "full" else OTHER_ADDRESSES
    if addresses == "network":
        return _coarse(parsed)
    return counter_address(parsed)


def address_forms(address: str) -> tuple[str, ...]:
    """Every text the log may hold for one address: the address itself and the bucket of its attempts.

    ``address`` may also be a network that the log keeps instead. Raises ``ValueError`` for anything else.
    """
    parsed = _parse(address)
    if parsed is None:
        return (str(ip_network(address, strict=False)),)
    return tuple(dict.fromkeys((address, str(parsed), attempt_address(address, "full"))))


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return mapped or parsed


def _coarse(address: IPv4Address | IPv6Address) -> str:
    return network_around(address, 24 if address.version == 4 else 48)
