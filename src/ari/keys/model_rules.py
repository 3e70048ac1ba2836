"""Which AI models a key or a consumer may use: patterns over ``provider/model``."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ari.base.errors import Invalid, Problem
from ari.base.problems import Problems
from ari.base.secrets_in_text import looks_like_key

MAX_PATTERNS = 100
MAX_PATTERN_LENGTH = 200
MAX_MODEL_LENGTH = 256
_MAX_SLASHES = 12
"""No model has more, and each makes another name for deny patterns."""
_PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")
_FORM = "Use names such as openai/gpt-5-mini, with * for any characters."


class ModelRules(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Patterns in lower case. Without ``allow``, all models are allowed that ``deny`` doesn't match; deny wins.

    A pattern such as ``openai/gpt-5*`` names the provider first; one without a slash is for all providers.
    """

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.allow or self.deny)

    def allows(self, provider: str, model: str) -> bool:
        """Whether the model may be used.

        Case doesn't count. A deny pattern also matches the model without what servers put before it (a path, a ``~``)
        or after it (``:latest``, ``@20250101``). A name with blanks at its ends, or with characters beyond ASCII, isn't
        allowed, since servers read it in different ways.
        """
        if len(model) > MAX_MODEL_LENGTH or not _PLAIN.fullmatch(model):
            return False
        provider, model = provider.lower(), model.lower()
        if self.deny and model.count("/") > _MAX_SLASHES:
            return False
        if any(_matches(pattern, provider, name) for pattern in self.deny for name in _names_of(model)):
            return False
        return not self.allow or any(_matches(pattern, provider, model) for pattern in self.allow)


NO_MODEL_RULES = ModelRules()


def matches_model(pattern: str, provider: str, model: str) -> bool:
    """Whether a pattern such as ``openai/gpt-5*`` matches the model. Case doesn't count."""
    return _matches(pattern.lower(), provider.lower(), model.lower())


def parse_model_rules(given: Mapping[str, Sequence[str]] | None) -> ModelRules:
    """Rules from their lists ``allow`` and ``deny``, each pattern once; ``None`` is no rules.

    Raises ``Invalid`` for the field ``models``, once for each pattern that is wrong.
    """
    problems = Problems()
    allow, deny = (_parse_patterns(problems, (given or {}).get(name, ())) for name in ("allow", "deny"))
    problems.raise_found()
    return ModelRules(allow, deny)


def describe_model_rules(rules: ModelRules) -> dict[str, Any]:
    """The rules in JSON."""
    return {"allow": list(rules.allow), "deny": list(rules.deny)}


def describe_optional_model_rules(rules: ModelRules) -> dict[str, Any] | None:
    """The rules in JSON, ``None`` for no rules."""
    return describe_model_rules(rules) if rules else None


def covers_models(outer: ModelRules, inner: ModelRules) -> bool:
    """Whether every model that ``inner`` allows is certainly allowed by ``outer``."""
    if outer.allow and not inner.allow:
        return False
    if outer.allow and not all(any(_covers(wide, narrow) for wide in outer.allow) for narrow in inner.allow):
        return False
    return all(any(_covers(wide, narrow) for wide in inner.deny) for narrow in outer.deny)


def _parse_patterns(problems: Problems, texts: Sequence[str]) -> tuple[str, ...]:
    if len(texts) > MAX_PATTERNS:
        problems.add(Problem("models", f"At most {MAX_PATTERNS} patterns in each list."))
        return ()
    return tuple(dict.fromkeys(problems.check("", _parse_pattern, text) for text in texts))


def _parse_pattern(text: str) -> str:
    pattern = text.strip().lower()
    if looks_like_key(text):
        raise Invalid(Problem("models", "This contains an API key or a provider key, not a model."))
    if len(pattern) > MAX_PATTERN_LENGTH or not _PLAIN.fullmatch(pattern) or pattern.startswith("/"):
        raise Invalid(Problem("models", f"{text[:60]!r} isn't a model pattern. {_FORM}"))
    return pattern


def _names_of(model: str) -> set[str]:
    """The names by which servers may know the model: each end of its path, with and without tags and versions.

    OpenRouter reads ``~anthropic/claude-opus-latest`` as the newest of these models, and ``openrouter/a/b`` as ``a/b``.
    """
    parts = [part for one in model.split("/") if (part := one.strip("~ "))]
    names = {model, model.rpartition("/")[2], *("/".join(parts[at:]) for at in range(len(parts)))}
    latest = {f"{name}:latest" for name in names if ":" not in name}
    for end in ("@", ":"):
        names |= {name.partition(end)[0] for name in names}
    return (names | latest) - {""}


def _split(pattern: str) -> tuple[str, str]:
    provider, slash, model = pattern.partition("/")
    return (provider, model) if slash else ("*", pattern)


def _matches(pattern: str, provider: str, model: str) -> bool:
    wanted_provider, wanted_model = _split(pattern)
    return _fits(wanted_provider, provider) and _fits(wanted_model, model)


def _fits(pattern: str, text: str) -> bool:
    """Whether the text is the pattern, in which a star is any characters. Takes linear time, unlike a regex."""
    start, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    *middle, end = rest
    at = len(start)
    if not text.startswith(start):
        return False
    for part in middle:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(text) - at >= len(end) and text.endswith(end)


def _covers(wide: str, narrow: str) -> bool:
    """Whether one pattern matches all that another matches: only a star matches a star."""
    return _matches(wide, *_split(narrow))
