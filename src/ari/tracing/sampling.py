"""Decides which requests are recorded, as OpenTelemetry's samplers do, but before a request costs anything.

A request that isn't recorded costs about a microsecond this way; a span that OpenTelemetry drops costs ten times as
much. The samplers are those of OTEL_TRACES_SAMPLER.
"""

from collections.abc import Mapping
from random import getrandbits

from ari.base.errors import ConfigurationError
from ari.tracing.w3c import RemoteParent

SAMPLER, ARGUMENT = "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"
_PARENT_BASED = "parentbased_"
_RATIO = "traceidratio"
_KINDS = ("always_on", "always_off", _RATIO)
_NAMES = (*_KINDS, *(_PARENT_BASED + kind for kind in _KINDS))
_DEFAULT = "parentbased_always_on"
_BITS = 64
_MASK = (1 << _BITS) - 1
_LAST_OF_TRACE_ID, _FLAGS = slice(19, 35), slice(54, 55)
"""Places in a ``traceparent``: the last 64 bits of the trace id, and the digit that says whether it is sampled."""
_ODD = frozenset(b"%x" % number for number in range(1, 16, 2))


class Sampling:
    """``ratio`` is the share of requests without a parent. ``is_parent_based``: a parent decides for its children."""

    def __init__(self, ratio: float, *, is_parent_based: bool) -> None:
        self._bound = round(ratio * (1 << _BITS))
        self._is_parent_based = is_parent_based

    def records_root(self) -> bool:
        """Whether a new trace is recorded."""
        return getrandbits(_BITS) < self._bound

    def may_record_child(self, line: bytes) -> bool:
        """Whether ``records_child`` may say yes of this ``traceparent``; a tenth of the time that parsing it takes."""
        if self._is_parent_based:
            return line.strip()[_FLAGS] in _ODD
        try:
            return int(line.strip()[_LAST_OF_TRACE_ID], 16) < self._bound
        except ValueError:
            return False

    def records_child(self, parent: RemoteParent) -> bool:
        """Whether a caller's trace is recorded here too."""
        if self._is_parent_based:
            return parent.is_sampled
        return int(parent.trace_id, 16) & _MASK < self._bound


def read_sampling(environment: Mapping[str, str]) -> Sampling:
    """The sampling that the variables name. Raises ``ConfigurationError``: OpenTelemetry would record everything."""
    name = environment.get(SAMPLER, "").strip().lower() or _DEFAULT
    if name not in _NAMES:
        raise ConfigurationError(f"{SAMPLER}: must be one of {', '.join(_NAMES)}.")
    kind = name.removeprefix(_PARENT_BASED)
    ratio = _read_ratio(environment.get(ARGUMENT, "").strip()) if kind == _RATIO else float(kind == "always_on")
    return Sampling(ratio, is_parent_based=name.startswith(_PARENT_BASED))


def _read_ratio(text: str) -> float:
    try:
        ratio = float(text or "1")
    except ValueError:
        ratio = -1.0
    if not 0 <= ratio <= 1:
        raise ConfigurationError(f"{ARGUMENT}: must be a number between 0 and 1, such as 0.01.")
    return ratio
