"""Other names for models: ``fast`` for ``openai/gpt-5-mini``."""

import re
from collections.abc import Collection, Mapping, Sequence

import msgspec

from ari.base.errors import Invalid, Problem
from ari.base.problems import Problems
from ari.base.secrets_in_text import looks_like_key
from ari.integrations.providers import providers

MAX_ALIASES = 500
MAX_TARGETS = 10
MAX_NAME_LENGTH = 64
MAX_MODEL_LENGTH = 256
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NONE: Mapping[str, tuple[str, ...]] = {}
_MODEL = re.compile(r"[!-~]+")


class AliasRules(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The targets of each alias, ``provider/model``, in the order in which they are tried."""

    aliases: dict[str, tuple[str, ...]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.aliases

    def list_targets(self, name: str) -> list[tuple[str, str]]:
        """The provider and the model of each target."""
        parted = (target.partition("/") for target in self.aliases[name])
        return [(provider, model) for provider, _, model in parted]


def parse_aliases(
    given: Mapping[str, Sequence[str]], upstreams: Collection[str], stored: Mapping[str, tuple[str, ...]] = _NONE
) -> AliasRules:
    """Aliases by name, with models of AI providers and of these named upstreams.

    One that is ``stored`` already may keep a model that lets the provider choose another: it must not block the others.
    Raises ``Invalid`` for the field ``aliases``, once for each that is wrong.
    """
    problems = Problems()
    if len(given) > MAX_ALIASES:
        raise Invalid(Problem("aliases", f"At most {MAX_ALIASES} aliases."))
    parsed = {
        name: problems.check((), _parse_alias, name, targets, upstreams, stored.get(name) == tuple(targets))
        for name, targets in sorted(given.items())
    }
    problems.raise_found()
    return AliasRules(parsed)


def find_routed_aliases(aliases: Mapping[str, Sequence[str]]) -> list[str]:
    """The names of aliases with a model that lets the provider choose another one, by which they can't be saved."""
    return [name for name, targets in aliases.items() if any(map(_is_routed, targets))]


def describe_routed_alias(name: str) -> str:
    """A warning about such an alias, with the way to mend it."""
    return (
        f"The alias “{name}” names a model that lets the provider choose another. Keys with allowed models or hard "
        "budgets can't use it. Change or remove it."
    )


def check_alias_name(name: str, field: str = "aliases") -> None:
    """Raise ``Invalid`` for the field if an alias can't have this name."""
    if looks_like_key(name):
        raise Invalid(Problem(field, "An alias contains an API key or a provider key."))
    if len(name) > MAX_NAME_LENGTH or not _NAME.fullmatch(name):
        raise Invalid(Problem(field, f"{name[:60]!r} isn't a name for an alias. Use letters, digits, . _ and -."))


def _parse_alias(name: str, targets: Sequence[str], upstreams: Collection[str], is_stored: bool) -> tuple[str, ...]:
    check_alias_name(name)
    if any(map(looks_like_key, targets)):
        raise Invalid(Problem("aliases", "An alias contains an API key or a provider key."))
    if not 1 <= len(targets) <= MAX_TARGETS:
        raise Invalid(Problem("aliases", f"The alias {name} needs 1 to {MAX_TARGETS} models."))
    for target in targets:
        provider, _, model = target.partition("/")
        known = providers().get(provider)
        if not (known.is_ai if known is not None else provider in upstreams):
            detail = (
                f"The alias {name} needs models as provider/model, of an AI provider or a named upstream that exists."
            )
            raise Invalid(Problem("aliases", detail))
        if len(model) > MAX_MODEL_LENGTH or not _MODEL.fullmatch(model):
            raise Invalid(Problem("aliases", f"The alias {name} names no model: use provider/model."))
        if not is_stored and _is_routed(target):
            raise Invalid(Problem("aliases", f"The alias {name} names a model that lets the provider choose another."))
    return tuple(dict.fromkeys(targets))


def _is_routed(target: str) -> bool:
    provider, _, model = target.partition("/")
    # A named upstream routes as the provider does of which it is a copy.
    known = providers().get(provider, providers()["openai_compatible"])
    return "," in model or known.is_routing_model(model)
