"""The cost of a forwarded request, at the prices of its start."""

import re
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from ari.gateway.content_size import ContentSize
from ari.gateway.recordings import BYTES_PER_SECOND
from ari.gateway.route import Target
from ari.integrations.ai_rules.prices import PriceRules
from ari.integrations.model_fields import find_model_place
from ari.outbound.http import FaultWord
from ari.prices.book import Cost, PriceBook, version_of
from ari.usage.ai import TokenUsage

Headers = Sequence[tuple[bytes, bytes]]
METERED = frozenset(("POST", "PUT", "PATCH"))
"""Methods that use tokens. A GET only reads a response whose tokens were counted before."""
NOT_SENT: frozenset[FaultWord] = frozenset(("unreachable", "refused_address", "tls"))
"""Faults before the provider received anything."""
_TIER_HEADER = b"x-gemini-service-tier"
# https://ai.google.dev/gemini-api/docs/priority-inference: the tier that really was used
_TIERS = frozenset(("flex", "priority"))
_FREE_PATH = re.compile(r"[\w.:/@+~-]*(?:/count_tokens|:countTokens|/input_tokens|/cancel|/api/show)", re.ASCII)
"""Only on known routes, and without characters after which a server could end the path."""
_FIRST_REFUSED, _LAST_REFUSED = 300, 599
_LEAST_START_MICROS = 20_000
_IMAGE_MICROS = 120_000
"""The price of a large image at https://platform.openai.com/docs/pricing."""
_SPEECH_MICROS_PER_BYTE = 30
"""Of text that is read aloud, at 30 US dollars per million characters."""
_RECORDING_MICROS_PER_SECOND = 100
"""0.006 US dollars per minute."""


def estimate_start_micros(path: str, input_bytes: int, choice_count: int, content: ContentSize | None = None) -> int:
    """What to expect of a request to this path, if the price of its model is known, but isn't one for tokens."""
    if path.endswith("/audio/speech"):
        micros = input_bytes * _SPEECH_MICROS_PER_BYTE
    elif "/audio/" in path:
        if content is not None and content.max_seconds is not None:
            known_bytes = min(content.attached_bytes, content.max_seconds * BYTES_PER_SECOND)
            input_bytes += known_bytes - content.attached_bytes
        micros = input_bytes * _RECORDING_MICROS_PER_SECOND // BYTES_PER_SECOND
    else:
        micros = choice_count * _IMAGE_MICROS if "/images/" in path else 0
    return max(_LEAST_START_MICROS, micros)


def read_tier(headers: Headers) -> str | None:
    """The service tier of Gemini's that has its own prices, by the headers of a response."""
    for name, value in headers:
        if name.lower() == _TIER_HEADER:
            tier = value.decode("latin-1").lower()
            return tier if tier in _TIERS else None
    return None


class RequestPrices(msgspec.Struct, frozen=True, eq=False):
    """The prices at the start of one request: a change while it runs doesn't change its cost.

    ``model`` is the one requested, if there is one.
    """

    book: PriceBook
    rules: PriceRules
    target: Target
    method: str
    at_ms: int
    model: str | None = None

    @property
    def version(self) -> str:
        """Names the prices."""
        return version_of(self.rules)

    @property
    def is_free(self) -> bool:
        """Whether providers charge nothing for such a request: it reads, counts tokens, or cancels."""
        if self.method not in METERED:
            return True
        path = self.target.path
        if _FREE_PATH.fullmatch(path) is None:
            return False
        return find_model_place(self.target.provider, self.method, path) is not None

    def cost_of(self, usage: TokenUsage) -> Cost | None:
        """The cost of this usage, ``None`` if it is unknown.

        A response that names a cheaper model than the request doesn't lower the cost.
        """
        if self.is_free:
            return Cost(0, self.version)
        if not usage.parts:
            return self._price(usage)
        costs = [self._price(one) if one.model == usage.model else self._price_other(one) for one in usage.parts]
        known = [cost.micros for cost in costs if cost is not None]
        return Cost(sum(known), self.version) if len(known) == len(costs) else None

    def _price(self, usage: TokenUsage) -> Cost | None:
        found = self._find_cost(usage)
        if found is None or self.model is None or usage.model in (None, self.model) or self._is_routed:
            return found
        requested = self._find_cost(replace(usage, model=self.model))
        return found if requested is None or requested.micros < found.micros else requested

    @property
    def _is_routed(self) -> bool:
        """Whether the caller lets the provider choose the model."""
        return self.target.provider.is_routing_model(self.model or "")

    def _price_other(self, usage: TokenUsage) -> Cost | None:
        """The cost of a call of another model, such as an adviser, which may be cheaper."""
        return self.book.cost_of(self.target.provider.name, None, usage, self.rules, self.at_ms)

    def _find_cost(self, usage: TokenUsage) -> Cost | None:
        return self.book.cost_of(self.target.provider.name, self.model, usage, self.rules, self.at_ms)

    def final_cost(
        self, status: int | None, fault: FaultWord | None, usage: TokenUsage, tier: str | None = None
    ) -> Cost | None:
        """The cost of the request after its end. ``None`` if it is unknown, as that of a response that was cut off.

        ``status`` is that of the provider's response, ``fault`` why there was none, ``tier`` what ``read_tier``
        found. Providers charge nothing for a request that they refuse.
        """
        if is_refused(status, fault):
            return Cost(0, self.version)
        if tier is not None:
            usage = replace(usage, price_context=(*usage.price_context, ("service_tier", tier)))
        return self.cost_of(usage)


def is_refused(status: int | None, fault: FaultWord | None) -> bool:
    """Whether the provider did nothing: it refused the request, or never received it. No status above 599 says so."""
    return fault in NOT_SENT if status is None else _FIRST_REFUSED <= status <= _LAST_REFUSED
