"""Names the routes of other people's APIs in the usage log, whose hourly counts by route are kept forever.

Whatever paths clients send, the names are few: those of a list, or the first segments of the path with values in them
replaced, and no more than ``MAX_ROUTES_PER_HOUR`` new ones.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ari.base.clock import HOUR_MS

OTHER_ROUTES = "(other)"
MAX_ROUTES_PER_HOUR = 1_000
MAX_ROUTES_OF_KEY_PER_HOUR = 100
"""Names that one process makes, in all and for the requests of one key."""
_PLACEHOLDER = "{id}"
_WORD = re.compile(r"[A-Za-z][A-Za-z_.~-]{0,31}[0-9]?|v[0-9]{1,3}", re.ASCII)
"""A segment that names a resource rather than one of them."""


@dataclass(slots=True)
class _Node:
    """The routes that continue with one of ``words``, with any segment, or end here (``name``) or anywhere below
    (``rest``)."""

    words: dict[str, "_Node"] = field(default_factory=dict)
    any_word: "_Node | None" = None
    name: str | None = None
    rest: str | None = None


class RouteNames:
    """``rule`` is the number of segments of each route, or all routes as templates: ``/orders/{id}``, ``/files/*``.

    Belongs to one process.
    """

    def __init__(self, rule: int | tuple[str, ...]) -> None:
        self._segments = rule if isinstance(rule, int) else 0
        self._templates = None if isinstance(rule, int) else _build_tree(rule)
        self._hour = -1
        self._names: set[str] = set()
        self._made: dict[str, int] = {}

    def name(self, path: str, key_id: str, now_ms: int, *, is_accepted: bool) -> str:
        """The route of a path. Only accepted requests make new names, so nobody without a working key can."""
        if self._templates is not None:
            return _find(self._templates, path.split("/")[1:]) or OTHER_ROUTES
        name = shorten(path, self._segments)
        if now_ms // HOUR_MS != self._hour:
            self._hour = now_ms // HOUR_MS
            self._names.clear()
            self._made.clear()
        if name in self._names:
            return name
        made = self._made.get(key_id, 0)
        if not is_accepted or made >= MAX_ROUTES_OF_KEY_PER_HOUR or len(self._names) >= MAX_ROUTES_PER_HOUR:
            return OTHER_ROUTES
        self._made[key_id] = made + 1
        self._names.add(name)
        return name


def shorten(path: str, count: int) -> str:
    """The first ``count`` segments of a path, those that look like values as ``{id}``; ``/*`` means the rest."""
    segments = path.split("/", count + 1)[1:]
    kept = [one if not one or _WORD.fullmatch(one) else _PLACEHOLDER for one in segments[:count]]
    return "".join(f"/{one}" for one in kept) + ("/*" if len(segments) > count else "") if segments else path[:1]


def _build_tree(templates: Iterable[str]) -> _Node:
    root = _Node()
    for template in templates:
        node = root
        for segment in template.removesuffix("/*").split("/")[1:]:
            if segment.startswith("{"):
                node.any_word = node = node.any_word or _Node()
            else:
                node = node.words.setdefault(segment, _Node())
        if template.endswith("/*"):
            node.rest = template
        else:
            node.name = template
    return root


def _find(node: _Node, segments: list[str]) -> str | None:
    """The route with the most literal segments first, as routers choose."""
    if not segments:
        return node.name
    found = None
    if (after := node.words.get(segments[0])) is not None:
        found = _find(after, segments[1:])
    if found is None and node.any_word is not None and segments[0]:
        found = _find(node.any_word, segments[1:])
    return found or node.rest
