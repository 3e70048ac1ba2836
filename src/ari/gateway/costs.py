"""The cost of a forwarded request, at the prices of its start."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ari.gateway.route import Target
from ari.integrations.ai_rules.prices import PriceRules
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
_FREE_PATH = re.compile(r"(?:/count_tokens|:countTokens|/input_tokens|/cancel|/api/show)\Z")
_FIRST_REFUSED = 300


def read_tier(headers: Headers) -> str | None:
    """The service tier of Gemini's that has its own prices, by the headers of a response."""
    for name, value in headers:
        if name.lower() == _TIER_HEADER:
            tier = value.decode("latin-1").lower()
            return tier if tier in _TIERS else None
    return None


@dataclass(frozen=True, slots=True)
class RequestPrices:
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
        return self.method not in METERED or _FREE_PATH.search(self.target.path) is not None

    def cost_of(self, usage: TokenUsage) -> Cost | None:
        """The cost of this usage, ``None`` if it is unknown."""
        if self.is_free:
            return Cost(0, self.version)
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
    """Whether the provider did nothing: it refused the request, or never received it."""
    return fault in NOT_SENT if status is None else status >= _FIRST_REFUSED
