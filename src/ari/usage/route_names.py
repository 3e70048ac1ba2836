"""Names the routes of other people's APIs in the usage log, whose hourly counts by route are kept forever.

Whatever paths clients send, the names are few: those of a list, or the first segments of the path with values in them
replaced, and no more than ``MAX_ROUTES`` of these.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

OTHER_ROUTES = "(other)"
MAX_ROUTES = 1_000
MAX_ROUTES_OF_KEY = 100
"""Names that one process makes, in all and for the requests of one key. It never forgets any."""
_CACHE_SIZE = 1_024
_PLACEHOLDER = "{id}"
_WORD = re.compile(r"[A-Za-z][A-Za-z_.~-]{0,31}[0-9]?|v[0-9]{1,3}", re.ASCII)
"""A segment that may name a resource rather than one of them: a guess, which takes ``alice`` for a resource."""
_PREFIX = re.compile(r"(?:/api)?(?:/v[0-9]{1,3})?(?=/|$)", re.ASCII)
"""What says nothing about the resource."""


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
        self._names: set[str] = set()
        self._made: dict[str, int] = {}

    def name(self, path: str, key_id: str, *, is_accepted: bool) -> str:
        """The route of a path. Only accepted requests make new names, so nobody without a working key can."""
        if self._templates is not None:
            return _find(self._templates, path.split("/")[1:]) or OTHER_ROUTES
        name = shorten(path, self._segments)
        if name in self._names:
            return name
        made = self._made.get(key_id, 0)
        if not is_accepted or made >= MAX_ROUTES_OF_KEY or len(self._names) >= MAX_ROUTES:
            return OTHER_ROUTES
        self._made[key_id] = made + 1
        self._names.add(name)
        return name


@lru_cache(_CACHE_SIZE)
def shorten(path: str, count: int) -> str:
    """``/api``, a version and the first ``count`` segments of a path, those that look like values as ``{id}``.

    ``/*`` means the rest.
    """
    found = _PREFIX.match(path)
    prefix = found.group() if found is not None else ""
    segments = path.removeprefix(prefix).split("/", count + 1)[1:]
    if not segments:
        return prefix or path[:1]
    kept = [one if not one or _WORD.fullmatch(one) else _PLACEHOLDER for one in segments[:count]]
    return prefix + "".join(f"/{one}" for one in kept) + ("/*" if len(segments) > count else "")


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
