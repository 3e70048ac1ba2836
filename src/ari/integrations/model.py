"""Providers, the stored integrations with them, and the credentials for calling them."""

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
KeyChoice = Literal["round_robin", "by_consumer"]
"""How a request gets one of a provider's keys: each in turn, or always the same one for a consumer."""
_KEY_SEGMENTS = frozenset(
    (
        "api_keys",
        "api-keys",
        "apikeys",
        "admin_api_keys",
        "service_accounts",
        "service-accounts",
        "client_secrets",
        "client-secrets",
        "auth_tokens",
        "auth-tokens",
        "authtokens",
        "transcription_sessions",
        "single-use-token",
        "single_use_token",
    )
)
"""Where services list and make keys, also those that soon expire: a call with one passes ARI by."""
MODEL_FIELDS = ("model", "models[]", "tools[].model", "input[].tools[].model")
"""A tool that generates images may name a model of its own."""
SESSION_PATHS = ("/realtime/sessions", "/realtimeapi/sessions", "/chatkit/sessions", "/chatkit/sessions/{rest...}")
"""Where services with OpenAI's API return a key for one session."""
OPENROUTER_ROUTERS = (
    "@preset/",
    "openrouter/auto",
    "openrouter/bodybuilder",
    "openrouter/free",
    "openrouter/fusion",
    "openrouter/pareto",
    "switchpoint/router",
)
"""Parts of the names of OpenRouter's routers: https://openrouter.ai/docs/guides/routing/routers/overview."""


@dataclass(frozen=True, slots=True)
class KeyShape:
    """The format of a service's keys: ``pattern`` matches a whole key, ``hint`` describes it to people.

    ``telling``: no other service uses this format, so such a key in another service's field is a mistake.
    """

    pattern: str
    hint: str
    telling: bool = False

    def fits(self, key: str) -> bool:
        """Whether the key looks like this."""
        return re.fullmatch(self.pattern, key, re.ASCII) is not None


@dataclass(frozen=True, slots=True)
class Trial:
    """A call without side effects that shows whether a key is valid; ``path`` is appended to the base URL.

    A mark is text in the response that decides before the status does, for services that use one status for two cases.
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
    """An outside service. Each file in ``providers/`` defines one.

    ``name`` appears in URLs and scopes. ``base_url`` is ``None`` if the owner must set one, such as
    ``base_url_example``. ``dropped_ending`` is removed from the end of a base URL: ``OPENAI_BASE_URL`` usually includes
    the version, which the forwarded paths include too. The key is sent in ``key_header`` after ``key_prefix``;
    ``default_headers`` are added unless the caller sent them. ``reaches`` lists what scope ``ai:<name>`` may call, as
    ``METHOD /path`` with ``{name}`` for one segment or a part of one, or ``{name...}`` for the rest; everything else
    needs ``ai-account:<name>``. If empty, the AI gateway doesn't serve the provider. ``asks_usage``: its streams report
    usage only with ``stream_options.include_usage``, which it supports (others reject unknown options).
    ``sends_mail``: it sends ARI's emails, including links that set the owner's password, so only the owner changes its
    key and base URL. ``price_list`` is the ID under which ``genai-prices`` has the provider's prices.
    ``returns_keys`` lists paths, written like ``reaches``, whose responses contain keys of the account: no scope covers
    them, nor any path with a segment such as ``api_keys``.
    ``model_fields`` are the fields of a body that may name a model: members separated by dots, ``[]`` for each element
    of an array. ``model_routes`` lists routes with other fields, or with none because they use no model; a route may be
    one that ``reaches`` lacks. In any route, ``{model}`` is a model. ``routing_models`` are parts of names, in lower
    case, with which the provider chooses another model, and ``routing_names`` whole names, without path and tag.
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
    asks_usage: bool = False
    price_list: str | None = None
    sends_mail: bool = False
    returns_keys: tuple[str, ...] = ()
    model_fields: tuple[str, ...] = MODEL_FIELDS
    model_routes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    routing_models: tuple[str, ...] = ()
    routing_names: tuple[str, ...] = ()

    def is_routing_model(self, model: str) -> bool:
        """Whether the provider chooses another model for this one."""
        name = model.lower()
        is_named = name.rpartition("/")[2].partition(":")[0] in self.routing_names
        return is_named or any(part in name for part in self.routing_models)

    @property
    def is_ai(self) -> bool:
        """Whether the AI gateway forwards to it."""
        return bool(self.reaches)

    def covers(self, method: str, path: str) -> bool:
        """Whether scope ``ai:<name>`` covers this; ``path`` begins with a slash and has no query."""
        return find_template(self.reaches, method, path) is not None

    def is_never_allowed(self, path: str) -> bool:
        """Whether no scope covers this, whatever the method, since the response may hold a key; ``path`` is decoded."""
        return _may_return_keys(self.returns_keys, path)


@lru_cache(1_000)
def _may_return_keys(templates: tuple[str, ...], path: str) -> bool:
    parts = path.lower().split("/")
    if any(re.split("[;:]", part)[0].strip() in _KEY_SEGMENTS for part in parts):
        return True
    plain = "/" + "/".join(one for part in parts if (one := part.partition(";")[0].strip()))
    return find_template(tuple(f"* {one}" for one in templates), "*", plain) is not None


@lru_cache(1_000)
def find_template(templates: tuple[str, ...], method: str, path: str) -> str | None:
    """The path of the first of ``METHOD /path`` templates that covers this."""
    return next(
        (template for verb, template, pattern in _patterns(templates) if verb == method and pattern.fullmatch(path)),
        None,
    )


@lru_cache(maxsize=64)
def _patterns(templates: tuple[str, ...]) -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    return tuple((verb, path, re.compile(_regex(path))) for verb, _, path in (one.partition(" ") for one in templates))


def _regex(template: str) -> str:
    parts = re.split(r"(\{\w+(?:\.\.\.)?\})", template)
    return "".join((".+" if "..." in one else "[^/]+") if one.startswith("{") else re.escape(one) for one in parts)


@dataclass(frozen=True, slots=True)
class TestResult:
    """The result of a test call; ``words`` are for people and contain nothing of the response but its status."""

    outcome: Outcome
    words: str

    @property
    def is_valid(self) -> bool:
        """Whether the service knows the key."""
        return self.outcome in ("works", "restricted")


@dataclass(frozen=True, slots=True)
class Integration:
    """The stored row of one provider: its base URL, how its keys are chosen, and its own tests and failures.

    ``base_url`` is ``None`` unless one was set; ``base_url_by`` is the actor that set it. ``tested`` is about calls
    with a key of the environment or without a key; ``failing_reason`` also about a provider that doesn't respond.
    """

    id: str
    provider: str
    base_url: str | None = None
    base_url_by: str | None = None
    key_choice: KeyChoice = "round_robin"
    tested_at_ms: int | None = None
    tested: TestResult | None = None
    failing_since_ms: int | None = None
    failing_reason: str | None = None

    @property
    def base_url_is_owners(self) -> bool:
        """Whether the owner gave the base URL, in a session or at the command line, and not an API key."""
        return self.base_url_by is not None and not is_key(self.base_url_by)

    def without_past(self) -> "Integration":
        """As it is before anything was tried."""
        return replace(self, tested_at_ms=None, tested=None, failing_since_ms=None, failing_reason=None)


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """One stored key of a provider. It holds no secret, only its ``mask``.

    Keys of a provider are ordered by ``position``; the first is the one that tests and emails use. ``sealed_subject``
    names its encrypted secret. ``failing_since_ms`` is when the provider rejected it.
    """

    id: str
    provider: str
    mask: str
    added_at_ms: int
    added_by: str
    sealed_subject: str
    label: str = ""
    position: int = 0
    tested_at_ms: int | None = None
    tested: TestResult | None = None
    failing_since_ms: int | None = None
    failing_reason: str | None = None

    @property
    def name(self) -> str:
        """The label, or else the mask."""
        return self.label or self.mask


@dataclass(frozen=True, slots=True)
class Credential:
    """The address and headers for calling a provider. Never shown, never logged.

    ``secret`` is empty if the provider needs no key; ``source`` is then the source of its address. ``headers``
    replace the caller's headers of the same names. ``owner_named``: the base URL may be a private address
    (security.md 38), since the owner set it or a setting lists it. ``key_named``: an API key set it. ``key_id`` and
    ``added_at_ms`` distinguish a stored key from others and from its predecessors.
    """

    provider: Provider
    base_url: str
    source: Source
    owner_named: bool
    secret: str = field(default="", repr=False)
    added_at_ms: int | None = None
    key_named: bool = False
    key_id: str | None = None

    @property
    def origin(self) -> str:
        """Scheme, host and port of the base URL."""
        return origin_of(self.base_url)

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers that carry the key; names in lower case."""
        provider = self.provider
        return ((provider.key_header, provider.key_prefix + self.secret),) if self.secret else ()

    @property
    def account(self) -> int:
        """Differs for different keys and providers. For use in memory only."""
        return hash((self.provider.name, self.key_id, self.secret))


@dataclass(frozen=True, slots=True)
class State:
    """The status of one provider; the same at every door.

    ``source`` is the source of the effective key, ``None`` if there is no key; ``problem`` is why it can't be used.
    ``base_url`` is the effective address. ``stored`` is the row, if there is one, and ``keys`` are the stored keys in
    their order; ``mask`` is that of the first, or of the environment's.
    """

    provider: Provider
    name: StateName
    source: Source | None
    mask: str | None
    base_url: str | None
    stored: Integration | None
    problem: str | None = None
    keys: tuple[ProviderKey, ...] = ()

    @property
    def first_key(self) -> ProviderKey | None:
        """The stored key that a test uses; ``None`` if the environment's is used, or none is stored."""
        return self.keys[0] if self.keys and self.source == "stored" else None

    @property
    def masks(self) -> str | None:
        """The stored keys, for people."""
        return describe_keys(self.keys)

    @property
    def tested(self) -> "Integration | ProviderKey | None":
        """The subject of the last test, with its result."""
        return self.first_key or self.stored

    @property
    def failure(self) -> "Integration | ProviderKey | None":
        """The provider if it fails, or its first key if every key is rejected."""
        if self.stored is not None and self.stored.failing_since_ms is not None:
            return self.stored
        return self.first_key if all(one.failing_since_ms is not None for one in self.keys) else None


def describe_keys(keys: tuple[ProviderKey, ...]) -> str | None:
    """The mask of the first key and how many more there are; ``None`` if there is none."""
    if not keys:
        return None
    return keys[0].mask if len(keys) == 1 else f"{keys[0].mask} and {len(keys) - 1} more"


def origin_of(base_url: str) -> str:
    """Scheme, host and port."""
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}"
