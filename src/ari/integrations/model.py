"""What an outside service is, what is stored of ours with it, and what speaks to it in our name."""

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit

from ari.base.caller import is_key

Outcome = Literal["works", "rejected", "restricted", "unreachable"]
"""``restricted``: the key is valid but may not do what the test asks; ``unreachable``: no word on the key came back."""
Source = Literal["environment", "stored"]
StateName = Literal["not_configured", "configured", "failing"]
Meter = Literal["openai", "anthropic", "gemini"]
"""In whose manner answers tell what was used."""


@dataclass(frozen=True, slots=True)
class KeyShape:
    """How keys of a service look: ``pattern`` matches a whole key, ``hint`` says it to people.

    ``telling``: no other service's keys look so, and a key of this shape given to another service is a mistake.
    """

    pattern: str
    hint: str
    telling: bool = False

    def fits(self, key: str) -> bool:
        """Whether the key looks like this."""
        return re.fullmatch(self.pattern, key, re.ASCII) is not None


@dataclass(frozen=True, slots=True)
class Trial:
    """A call without side effects that tells whether a key is good; ``path`` goes on after the base URL.

    A mark is text in the answer that decides before the status does, for services that give one status two meanings.
    """

    path: str
    works: tuple[int, ...] = (200,)
    rejected: tuple[int, ...] = (401,)
    restricted: tuple[int, ...] = (402, 403)
    rejected_mark: str | None = None
    restricted_mark: str | None = None
    method: str = "GET"


@dataclass(frozen=True, slots=True)
class Provider:
    """An outside service. One file in ``providers/`` makes one of these.

    ``name`` stands in URLs and scopes. ``base_url`` is ``None`` where the owner must give one, such as
    ``base_url_example``. A base URL that ends with ``dropped_ending`` is taken without it: ``OPENAI_BASE_URL`` is
    usually written with the version, which our paths hold already. The key is sent in ``key_header`` after
    ``key_prefix``; ``default_headers`` are added where the caller sent none. ``reaches`` lists ``METHOD /path``
    with ``{name}`` for one segment or a part of one, or ``{name...}`` for the rest: what scope ``ai:<name>`` may call;
    all else needs ``ai-account:<name>``. Empty: the service is not for the AI gateway. ``asks_usage``: its streams tell
    what they used only with ``stream_options.include_usage``, which it knows (others refuse what they do not know).
    ``sends_mail``: ARI's own mail leaves through it, links that set the owner's password among it, so only the owner
    changes its key and base URL.
    """

    name: str
    title: str
    base_url: str | None
    variable: str
    keys_page: str
    trial: Trial
    shape: KeyShape | None = None
    key_header: str = "authorization"
    key_prefix: str = "Bearer "
    default_headers: tuple[tuple[str, str], ...] = ()
    needs_key: bool = True
    base_url_variable: str | None = None
    base_url_example: str | None = None
    dropped_ending: str = ""
    reaches: tuple[str, ...] = ()
    meter: Meter | None = None
    asks_usage: bool = False
    sends_mail: bool = False

    @property
    def is_ai(self) -> bool:
        """Whether the AI gateway forwards to it."""
        return bool(self.reaches)

    def reached(self, method: str, path: str) -> bool:
        """Whether scope ``ai:<name>`` covers this; ``path`` begins with a slash and has no query."""
        return any(verb == method and pattern.fullmatch(path) for verb, pattern in _patterns(self.reaches))


@lru_cache(maxsize=64)
def _patterns(reaches: tuple[str, ...]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((verb, re.compile(_regex(path))) for verb, _, path in (one.partition(" ") for one in reaches))


def _regex(template: str) -> str:
    parts = re.split(r"(\{\w+(?:\.\.\.)?\})", template)
    return "".join((".+" if "..." in one else "[^/]+") if one.startswith("{") else re.escape(one) for one in parts)


@dataclass(frozen=True, slots=True)
class TestResult:
    """What a test call told; ``words`` are for people and hold nothing of the answer but its status."""

    outcome: Outcome
    words: str

    @property
    def is_valid(self) -> bool:
        """Whether the service knows the key."""
        return self.outcome in ("works", "restricted")


@dataclass(frozen=True, slots=True)
class Integration:
    """What is stored for one provider: no key but its ``mask``; that is ``None`` where no key is stored.

    ``base_url`` is set where one was given, ``base_url_by`` is the actor who gave it.
    """

    id: str
    provider: str
    base_url: str | None = None
    mask: str | None = None
    added_at_ms: int | None = None
    added_by: str | None = None
    tested_at_ms: int | None = None
    tested: TestResult | None = None
    failing_since_ms: int | None = None
    failing_reason: str | None = None
    base_url_by: str | None = None

    @property
    def base_url_is_owners(self) -> bool:
        """Whether the owner gave the base URL, in a session or at the command line, and not an API key."""
        return self.base_url_by is not None and not is_key(self.base_url_by)

    def without_past(self) -> "Integration":
        """As it is before anything was tried."""
        return replace(self, tested_at_ms=None, tested=None, failing_since_ms=None, failing_reason=None)

    def without_key(self) -> "Integration":
        """As it is without a stored key."""
        return replace(self.without_past(), mask=None, added_at_ms=None, added_by=None)


@dataclass(frozen=True, slots=True)
class Credential:
    """What speaks to a provider: where, and with which headers. Never shown, never logged.

    ``secret`` is empty where the provider needs no key; ``source`` is then where its address comes from. ``headers``
    replace the caller's of the same names. ``owner_named``: the base URL may be a private address (security.md 38),
    since the owner gave it or a setting lists it. ``key_named``: an API key gave it. ``added_at_ms`` tells stored keys
    apart that followed each other.
    """

    provider: Provider
    base_url: str
    source: Source
    owner_named: bool
    secret: str = field(default="", repr=False)
    added_at_ms: int | None = None
    key_named: bool = False

    @property
    def origin(self) -> str:
        """Scheme, host and port of the base URL."""
        return origin_of(self.base_url)

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers that carry the key; names in lower case."""
        provider = self.provider
        return ((provider.key_header, provider.key_prefix + self.secret),) if self.secret else ()


@dataclass(frozen=True, slots=True)
class State:
    """How things stand with one provider; the same at every door.

    ``source`` is where the key that counts comes from, ``None`` where there is none; ``problem`` says what stops it.
    ``base_url`` is the address that counts. ``stored`` is the row, if there is one.
    """

    provider: Provider
    name: StateName
    source: Source | None
    mask: str | None
    base_url: str | None
    stored: Integration | None
    problem: str | None = None


def origin_of(base_url: str) -> str:
    """Scheme, host and port."""
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}"
