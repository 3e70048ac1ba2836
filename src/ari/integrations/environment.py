"""Provider keys and base URLs that the environment gives, such as ``OPENAI_API_KEY``. They win over what is stored.

``OPENAI_API_KEY_FILE`` names a file with the key.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Self

from ari.base.addresses import NO_ADDRESSES, AddressList
from ari.base.errors import ConfigurationError, Invalid
from ari.base.secret_file import SUFFIX, SecretFile, find_files
from ari.integrations.checks import parse_base_url, parse_key
from ari.integrations.model import Provider
from ari.integrations.providers import providers


@dataclass(frozen=True, slots=True)
class ProviderEnvironment:
    """Provider keys and base URLs from the environment, by provider name; keys are never printed.

    ``private_addresses``, from ``ARI_AI_PRIVATE_ADDRESSES``, are private addresses that API keys may use in base URLs.
    """

    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    base_urls: Mapping[str, str] = field(default_factory=dict)
    private_addresses: AddressList = NO_ADDRESSES
    files: Mapping[str, SecretFile[str]] = field(default_factory=dict, repr=False)
    """Those of the keys that come from files."""

    def allow_addresses(self, addresses: Iterable[str]) -> Self:
        """The same, with these private addresses for API keys."""
        return replace(self, private_addresses=AddressList.of(addresses))

    def refresh(self) -> Self:
        """The same, or a copy with the keys of files that changed."""
        changed = {name: key for name, file in self.files.items() if (key := file.current()) != self.keys[name]}
        return replace(self, keys={**self.keys, **changed}) if changed else self


def key_variables() -> tuple[str, ...]:
    """The variables that may hold a provider key, or name its file: they leave the environment once they were read."""
    return tuple(name for one in providers().values() for name in (one.variable, one.variable + SUFFIX))


def read_environment(environ: Mapping[str, str]) -> ProviderEnvironment:
    """Read the variables; an empty value counts as unset.

    A key with an unusual format is accepted, since the variable may be set for other programs, and the connection
    test shows whether the provider accepts it. A key that can't be sent in a header is rejected.
    Raises ``ConfigurationError``, which names the variable and never shows its value.
    """
    paths = find_files((one.variable for one in providers().values()), environ)
    files = {
        name: SecretFile(one.variable + SUFFIX, paths[one.variable], partial(_parse, one))
        for name, one in providers().items()
        if one.variable in paths
    }
    keys: dict[str, str] = {name: file.current() for name, file in files.items()}
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
    return ProviderEnvironment(keys, base_urls, files=files)


def _parse(provider: Provider, text: str) -> str:
    try:
        return parse_key(provider, text, owner_named=True)
    except Invalid as error:
        raise ValueError(str(error)) from None
