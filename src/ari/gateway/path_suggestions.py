"""Suggests the path for a request whose base URL lacks the version, repeats it, or ends with an extra slash."""

import re

from ari.integrations.model import Provider, find_template

_COMMON = re.compile(r"v[0-9]+(?:alpha|beta)?[0-9]*|api|ai|openai|beta|anthropic|compatible-mode")
"""Segments of base URLs that precede the operation."""


def suggest_path(provider: Provider, method: str, path: str) -> str | None:
    """The provider's path that was probably meant, as its file lists it; ``None`` if none is similar."""
    parts = [part for part in path.split("/") if part]
    if not parts or provider.covers(method, path):
        return None
    starts = _starts(provider)
    for dropped in range(len(parts)):
        for start in starts:
            candidate = "/" + "/".join((*start, *parts[dropped:]))
            found = find_template(provider.reaches, method, candidate)
            if found is not None and all(_may_drop(part, found) for part in parts[:dropped]):
                return found
    return None


def _may_drop(part: str, meant_path: str) -> bool:
    """Whether a leading segment may come from a base URL: a common one, or one that the path repeats."""
    return _COMMON.fullmatch(part) is not None or part in meant_path.split("/")


def _starts(provider: Provider) -> list[tuple[str, ...]]:
    """The leading segments of the provider's paths, shortest first."""
    found: set[tuple[str, ...]] = {()}
    for one in provider.reaches:
        parts = one.partition(" ")[2].strip("/").split("/")
        count = next((at for at, part in enumerate(parts) if not _COMMON.fullmatch(part)), len(parts))
        found.add(tuple(parts[:count]))
    return sorted(found, key=lambda one: (len(one), one))
