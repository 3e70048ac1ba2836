"""Named upstreams: OpenAI-compatible services that the operator adds, each with its own name, base URL and keys."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

from ari.base.errors import Invalid, NotFound, Problem
from ari.integrations.model import Provider
from ari.integrations.providers import providers

MAX_TITLE = 60
NAME_PATTERN = r"^[a-z][a-z0-9-]{0,30}$"
_NAME = re.compile(NAME_PATTERN[1:-1], re.ASCII)
_RESERVED = frozenset(("all", "auto", "models", "none", "upstream", "upstreams"))
"""Names that mean something else where a provider is named."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """A named upstream. Its base URL and its keys are stored like those of any other provider."""

    name: str
    title: str
    added_at_ms: int
    added_by: str


class UpstreamStore(Protocol):
    """The named upstreams inside one transaction."""

    def get(self, name: str) -> Upstream | None: ...

    def all(self) -> list[Upstream]:
        """Every upstream, by name."""

    def save(self, upstream: Upstream) -> None:
        """Store it in place of the one before, together with the scopes of its name."""

    def remove(self, name: str) -> None:
        """Remove it and its scopes."""

    def count_keys_with_scopes(self, name: str, now_ms: int) -> int:
        """The number of active API keys that list a scope of this name."""


class UpstreamTransaction(Protocol):
    """One transaction over named upstreams."""

    @property
    def upstreams(self) -> UpstreamStore: ...


def is_upstream_name(text: str) -> bool:
    """Whether an upstream may have this name: it has the form, and no provider has it."""
    return _NAME.fullmatch(text) is not None and text.replace("-", "_") not in providers() and text not in _RESERVED


def parse_upstream_name(text: str) -> str:
    """The name as it appears in URLs and scopes. Raises ``Invalid``."""
    name = text.strip()
    if _NAME.fullmatch(name) is None:
        words = "Start with a lowercase letter and use up to 31 lowercase letters, digits and hyphens, such as vllm-a."
        raise Invalid(Problem("name", words))
    if not is_upstream_name(name):
        raise Invalid(Problem("name", "This name has another meaning in ARI. Choose another one."))
    return name


def parse_title(text: str) -> str:
    """The name for people. Raises ``Invalid``."""
    title = text.strip()
    if not title or len(title) > MAX_TITLE or not title.isprintable():
        raise Invalid(Problem("title", f"Enter a name of at most {MAX_TITLE} printable characters."))
    return title


@lru_cache(maxsize=1_000)
def make_upstream_provider(name: str, title: str) -> Provider:
    """The provider of a named upstream. It takes the base URL with or without ``/v1``, as OpenAI's SDKs do."""
    general = providers()["openai_compatible"]
    return replace(general, name=name, title=title, variable="", base_url_variable=None, dropped_ending="/v1")


def list_providers(tx: UpstreamTransaction) -> list[Provider]:
    """The built-in providers, then the named upstreams."""
    return [*providers().values(), *(make_upstream_provider(one.name, one.title) for one in tx.upstreams.all())]


def find_provider(tx: UpstreamTransaction, name: str) -> Provider:
    """The built-in provider or named upstream with this name. Raises ``NotFound``."""
    known = providers().get(name)
    if known is not None:
        return known
    found = tx.upstreams.get(name) if is_upstream_name(name) else None
    if found is None:
        raise NotFound("No such provider. GET /api/integrations lists them.")
    return make_upstream_provider(found.name, found.title)
