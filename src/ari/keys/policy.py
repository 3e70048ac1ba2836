"""The policy of a key or a consumer beyond scopes and expiry. It costs nothing for keys that have none."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import msgspec

from ari.base.errors import Invalid, Problem
from ari.base.problems import Problems
from ari.base.secrets_in_text import looks_like_key
from ari.keys.limits.rules import NO_RULES, LimitRules
from ari.keys.model_rules import NO_MODEL_RULES, ModelRules

MAX_ADDRESSES = 100
"""The addresses and networks that a key may list."""

Network = IPv4Network | IPv6Network


class Policy(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """``addresses`` are networks in their normal form (``203.0.113.0/24``); none: a key works from everywhere.

    ``limits`` are rate limits and credits, ``models`` the AI models that may be used. With ``may_rotate``, the holder
    of a key may get new secrets for it.
    """

    addresses: tuple[str, ...] = ()
    limits: LimitRules = NO_RULES
    may_rotate: bool = False
    models: ModelRules = NO_MODEL_RULES


NO_POLICY = Policy()


def decode_policy(text: str | None) -> Policy:
    """A policy as stored; ``None`` is the empty one."""
    return NO_POLICY if text is None else msgspec.json.decode(text, type=Policy)


def encode_policy(policy: Policy) -> str | None:
    """A policy to store."""
    return None if policy == NO_POLICY else msgspec.json.encode(policy).decode()


def parse_addresses(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses and networks in their normal form, each once, in order.

    Raises ``Invalid`` for the field ``addresses``, once for each that is wrong.

    An IPv4 address in IPv6 form is the IPv4 address, as in a client's address.
    """
    if len(texts) > MAX_ADDRESSES:
        raise Invalid(Problem("addresses", f"At most {MAX_ADDRESSES} addresses."))
    problems = Problems()
    networks = [problems.check("", _parse_network, text.strip()) for text in texts]
    problems.raise_found()
    return tuple(dict.fromkeys(networks))


def allows_address(addresses: tuple[str, ...], address: str | None) -> bool:
    """Whether a client at ``address`` may use the key; an unknown address may not if there are any ``addresses``."""
    if not addresses:
        return True
    try:
        found = ip_address(address or "")
    except ValueError:
        return False
    mapped = found.ipv4_mapped if found.version == 6 else None
    return any(_holds(network, mapped or found) for network in _networks(addresses))


def covers_addresses(outer: tuple[str, ...], inner: tuple[str, ...]) -> bool:
    """Whether every address that ``inner`` allows is allowed by one network of ``outer``."""
    if not outer:
        return True
    return bool(inner) and all(any(_covers(wide, net) for wide in _networks(outer)) for net in _networks(inner))


def _parse_network(text: str) -> str:
    try:
        network = ip_network(text)
    except ValueError:
        raise Invalid(Problem("addresses", _explain(text))) from None
    if network.version == 6 and network.network_address.ipv4_mapped is not None and network.prefixlen >= 96:
        return str(ip_network((network.network_address.ipv4_mapped, network.prefixlen - 96)))
    if getattr(network.network_address, "scope_id", None):
        raise Invalid(Problem("addresses", f"{text} names a network interface. Leave out the part from %."))
    return str(network)


def _explain(text: str) -> str:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        if looks_like_key(text):
            return "This contains an API key or a provider key, not an address."
        shown = text[:60]
        return f"{shown!r} isn't an IP address or network. Examples: 203.0.113.7, 203.0.113.0/24, 2001:db8::/32."
    return f"{text} has bits set beyond its prefix. Did you mean {network}?"


@lru_cache(10_000)
def _networks(addresses: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(address) for address in addresses)


def _holds(network: Network, address: object) -> bool:
    return address in network


def _covers(wide: Network, narrow: Network) -> bool:
    if isinstance(wide, IPv4Network):
        return isinstance(narrow, IPv4Network) and narrow.subnet_of(wide)
    return isinstance(narrow, IPv6Network) and narrow.subnet_of(wide)
