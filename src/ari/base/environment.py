"""Variables named ``ARI_…`` that aren't settings: typos, and those that Kubernetes sets for a Service."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ari.base.file_settings import environment_names, file_fields
from ari.base.secret_file import SUFFIX
from ari.base.setting_types import KUBERNETES_PORT
from ari.base.settings import Settings

_OF_CLIENTS = ("ARI_API_KEY", "ARI_URL")
"""Used by programs that call ARI, as its pages and docs suggest."""
_OF_TESTS = ("ARI_TEST_", "ARI_BUG_")
_KUBERNETES = re.compile(
    r"ARI(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_SIMILAR = 0.7


@dataclass(frozen=True, slots=True)
class Unknown:
    """A variable without effect. ``meant`` is the setting it may be a typo of."""

    name: str
    meant: str | None

    @property
    def words(self) -> str:
        """A warning for the operator."""
        hint = f" Did you mean {self.meant}?" if self.meant else ""
        return f"{self.name} isn't an ARI setting and has no effect.{hint}"


def unknown_variables(environment: Mapping[str, str]) -> list[Unknown]:
    """The ``ARI_…`` variables that nothing reads, except those set by Kubernetes."""
    known = [name for field in Settings.model_fields for name in environment_names(field)]
    known += [name + SUFFIX for field in file_fields(Settings) for name in environment_names(field)]
    found = []
    for name in sorted(environment):
        upper = name.upper()
        if not upper.startswith("ARI_") or upper in (*known, *_OF_CLIENTS) or upper.startswith(_OF_TESTS):
            continue
        if not _is_of_kubernetes(upper, environment[name]):
            found.append(Unknown(name, _suggest_name(upper, known)))
    return found


def kubernetes_variables(environment: Mapping[str, str]) -> list[str]:
    """The ``ARI_…`` variables that Kubernetes sets for a Service named ari. ARI ignores them."""
    return sorted(name for name in environment if _is_of_kubernetes(name.upper(), environment[name]))


def kubernetes_words(names: Iterable[str]) -> str:
    """A note for the operator."""
    return (
        f"Ignored variables that Kubernetes set for a Service: {', '.join(names)}. To remove them, set "
        "enableServiceLinks: false in the pod."
    )


def _is_of_kubernetes(name: str, value: str) -> bool:
    is_port = re.fullmatch(r"ARI(_[A-Z0-9_]+)?_PORT", name) and KUBERNETES_PORT.fullmatch(value.strip())
    return bool(_KUBERNETES.fullmatch(name) or is_port)


def _suggest_name(name: str, known: list[str]) -> str | None:
    prefixed = name.removeprefix("ARI_")
    if prefixed in known:
        return prefixed
    return next(iter(difflib.get_close_matches(name, known, 1, _SIMILAR)), None)
