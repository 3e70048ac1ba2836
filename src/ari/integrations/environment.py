"""Provider keys and base URLs that the environment gives, such as ``OPENAI_API_KEY``. They win over what is stored."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from ari.base.addresses import NO_ADDRESSES, AddressList
from ari.base.errors import ConfigurationError, Invalid
from ari.integrations.checks import parse_base_url, parse_key
from ari.integrations.providers import providers


@dataclass(frozen=True, slots=True)
class ProviderEnvironment:
    """What the environment gave when it was read, by the names of providers; keys are never printed.

    ``private_addresses`` are those that API keys may name as base URLs too, from ``ARI_AI_PRIVATE_ADDRESSES``.
    """

    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    base_urls: Mapping[str, str] = field(default_factory=dict)
    private_addresses: AddressList = NO_ADDRESSES

    def allowing(self, addresses: Iterable[str]) -> Self:
        """The same, with these private addresses for API keys."""
        return replace(self, private_addresses=AddressList.of(addresses))


def key_variables() -> tuple[str, ...]:
    """The variables that may hold a provider key: they leave the environment once they were read."""
    return tuple(one.variable for one in providers().values())


def base_url_variables() -> tuple[str, ...]:
    """The variables that may hold a base URL."""
    return tuple(one.base_url_variable for one in providers().values() if one.base_url_variable is not None)


def read_environment(environ: Mapping[str, str]) -> ProviderEnvironment:
    """What the environment gives; an empty value counts as unset.

    A key of an unusual look is taken: the variable may be there for other programs, which know it better, and the
    test of the card tells whether the provider does. What cannot be sent is refused.
    Raises ``ConfigurationError`` that names the variable and never shows its value.
    """
    keys: dict[str, str] = {}
    base_urls: dict[str, str] = {}
    for name, provider in providers().items():
        key, base_url = environ.get(provider.variable, ""), environ.get(provider.base_url_variable or "", "")
        variable = provider.base_url_variable
        try:
            if base_url.strip():
                base_urls[name] = parse_base_url(provider, base_url)
            variable = provider.variable
            if key.strip():
                keys[name] = parse_key(provider, key, owner_named=True)
        except Invalid as error:
            raise ConfigurationError(f"{variable}: {error}") from None
    return ProviderEnvironment(keys, base_urls)
