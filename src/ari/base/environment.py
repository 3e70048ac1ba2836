"""Variables named ``ARI_…`` that are no settings: misspelled ones, and those that Kubernetes sets for a Service."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ari.base.setting_types import KUBERNETES_PORT
from ari.base.settings import Settings, environment_name

_OF_CLIENTS = ("ARI_API_KEY", "ARI_URL")
"""What programs that call ARI use; the reveal and the docs name them."""
_OF_TESTS = ("ARI_TEST_", "ARI_BUG_")
_KUBERNETES = re.compile(
    r"ARI(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_SIMILAR = 0.7


@dataclass(frozen=True, slots=True)
class Unknown:
    """A variable that has no effect; ``meant`` is the setting that it may be a misspelling of."""

    name: str
    meant: str | None

    @property
    def words(self) -> str:
        """One sentence about it."""
        hint = f"; did you mean {self.meant}?" if self.meant else "."
        return f"{self.name} is not a setting of ARI and has no effect{hint}"


def unknown_variables(environment: Mapping[str, str]) -> list[Unknown]:
    """The variables named ``ARI_…`` that nothing reads, without those of Kubernetes."""
    known = [environment_name(field) for field in Settings.model_fields]
    found = []
    for name in sorted(environment):
        upper = name.upper()
        if not upper.startswith("ARI_") or upper in (*known, *_OF_CLIENTS) or upper.startswith(_OF_TESTS):
            continue
        if not _is_of_kubernetes(upper, environment[name]):
            found.append(Unknown(name, _meant(upper, known)))
    return found


def kubernetes_variables(environment: Mapping[str, str]) -> list[str]:
    """The variables named ``ARI_…`` that Kubernetes sets for Services named ari; ARI ignores them."""
    return sorted(name for name in environment if _is_of_kubernetes(name.upper(), environment[name]))


def kubernetes_words(names: Iterable[str]) -> str:
    """One sentence about them."""
    return (
        f"{', '.join(names)}: set by Kubernetes for a Service, not settings of ARI; ignored. To get rid of them, set "
        "enableServiceLinks: false in the pod."
    )


def _is_of_kubernetes(name: str, value: str) -> bool:
    is_port = re.fullmatch(r"ARI(_[A-Z0-9_]+)?_PORT", name) and KUBERNETES_PORT.fullmatch(value.strip())
    return bool(_KUBERNETES.fullmatch(name) or is_port)


def _meant(name: str, known: list[str]) -> str | None:
    prefixed = name.removeprefix("ARI_")
    if prefixed in known:
        return prefixed
    return next(iter(difflib.get_close_matches(name, known, 1, _SIMILAR)), None)
