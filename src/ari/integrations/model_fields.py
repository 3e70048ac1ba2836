"""Finds the model of a request to a provider: in its path, and in fields of its body."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from ari.integrations.model import Provider

_PLACEHOLDER = re.compile(r"(\{\w+(?:\.\.\.)?\})")
_Routes = tuple[tuple[str, tuple[str, ...]], ...]


class ModelPlace(NamedTuple):
    """``in_path`` is the model that the path names, ``None`` if it names none.

    ``fields`` are the body's fields that may name one, written as ``Provider.model_fields``; with neither, the request
    uses no model.
    """

    in_path: str | None
    fields: tuple[str, ...]


_NOWHERE = ModelPlace(None, ())


def find_model_place(provider: Provider, method: str, path: str) -> ModelPlace | None:
    """Where this request names its model; ``None`` if that is not known.

    A request that only reads uses no model, except that it may read about one. ``path`` is not decoded.
    """
    return _find_place(provider.model_routes, provider.reaches, provider.model_fields, method, path)


def has_one_place(provider: Provider, method: str, paths: Iterable[str]) -> bool:
    """Whether requests with all of these paths name their model in the same place."""
    places = [find_model_place(provider, method, path) for path in paths]
    return len({place and (place.fields, place.in_path is None) for place in places}) == 1


@lru_cache(maxsize=1_000)
def _find_place(
    routes: _Routes, reaches: tuple[str, ...], listed_fields: tuple[str, ...], method: str, path: str
) -> ModelPlace | None:
    reads = method in ("GET", "HEAD")
    verb = "GET" if reads else method
    listed = tuple((route, listed_fields) for route in reaches)
    for route_verb, pattern, fields in _compile(routes + listed):
        found = pattern.fullmatch(path) if verb == route_verb else None
        if found is not None:
            return ModelPlace(found.groupdict().get("model"), () if reads else fields)
    return _NOWHERE if reads else None


@lru_cache(maxsize=256)
def _compile(routes: _Routes) -> tuple[tuple[str, re.Pattern[str], tuple[str, ...]], ...]:
    parted = ((route.partition(" "), fields) for route, fields in routes)
    return tuple((verb, re.compile(_regex(path)), fields) for (verb, _, path), fields in parted)


def _regex(template: str) -> str:
    return "".join(_group(one) if one.startswith("{") else re.escape(one) for one in _PLACEHOLDER.split(template))


def _group(placeholder: str) -> str:
    text = ".+" if "..." in placeholder else "[^/]+"
    return f"(?P<model>{text})" if placeholder.startswith("{model") else text
