"""What a key can call: the operations of the API's description, by tag, for people."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ari.web.operations import Facts, facts_of, paragraphs

Describe = Callable[[], Awaitable[Mapping[str, Any]]]
"""Gives the API's OpenAPI document."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation; ``scope`` is what a key needs for it: ``None`` = any live key will do, ``""`` = none is needed."""

    method: str
    path: str
    summary: str
    scope: str | None
    id: str


@dataclass(frozen=True, slots=True)
class EndpointGroup:
    """The operations of one tag."""

    name: str
    about: str
    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True)
class ApiDocs:
    """The whole API in words; ``facts`` are by the id of an endpoint."""

    about: tuple[str, ...]
    groups: tuple[EndpointGroup, ...]
    facts: Mapping[str, Facts]


class Endpoints:
    """What one instance answers to, made once."""

    def __init__(self, describe: Describe) -> None:
        self._describe = describe
        self._groups: tuple[EndpointGroup, ...] | None = None
        self._docs: ApiDocs | None = None

    async def groups(self) -> tuple[EndpointGroup, ...]:
        """In the order of the description's tags."""
        if self._groups is None:
            self._groups = _groups(await self._describe())
        return self._groups

    async def docs(self) -> ApiDocs:
        """All that the API docs say without their script."""
        if self._docs is None:
            document = await self._describe()
            self._docs = ApiDocs(paragraphs(document["info"]["description"]), _groups(document), facts_of(document))
        return self._docs


def _groups(document: Mapping[str, Any]) -> tuple[EndpointGroup, ...]:
    by_tag: dict[str, list[Endpoint]] = {tag["name"]: [] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tag = operation["tags"][0]
            scope, name = _scope(operation["security"]), operation["operationId"]
            by_tag[tag].append(Endpoint(method.upper(), path, operation["summary"], scope, name))
    about = {tag["name"]: tag["description"] for tag in document["tags"]}
    return tuple(EndpointGroup(name, about[name], tuple(found)) for name, found in by_tag.items() if found)


def _scope(security: list[dict[str, list[str]]]) -> str | None:
    if not security:
        return ""
    return next(iter(security[0]["ApiKey"]), None)
