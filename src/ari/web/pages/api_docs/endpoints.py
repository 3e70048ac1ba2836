"""The endpoints of the API by tag, read from its OpenAPI document: what the pages list."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ari.web.pages.api_docs.urls import API_DOCS

Describe = Callable[[], Awaitable[Mapping[str, Any]]]
"""Returns the API's OpenAPI document."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation.

    ``scope`` is what a key needs: ``None`` if any active key will do, ``""`` if no key is needed. ``docs_url`` opens
    the operation in the API reference.
    """

    method: str
    path: str
    summary: str
    scope: str | None
    docs_url: str


@dataclass(frozen=True, slots=True)
class EndpointGroup:
    """The operations of one tag."""

    name: str
    about: str
    endpoints: tuple[Endpoint, ...]


class Endpoints:
    """The endpoints of one instance, read from its OpenAPI document on first use."""

    def __init__(self, describe: Describe) -> None:
        self._describe = describe
        self._groups: tuple[EndpointGroup, ...] | None = None

    async def groups(self) -> tuple[EndpointGroup, ...]:
        """In the order of the document's tags."""
        if self._groups is None:
            self._groups = _groups(await self._describe())
        return self._groups


def _groups(document: Mapping[str, Any]) -> tuple[EndpointGroup, ...]:
    by_tag: dict[str, list[Endpoint]] = {tag["name"]: [] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tag = operation["tags"][0]
            docs_url = f"{API_DOCS}#tag/{tag.lower().replace(' ', '-')}/{operation['operationId']}"
            endpoint = Endpoint(method.upper(), path, operation["summary"], _scope(operation["security"]), docs_url)
            by_tag[tag].append(endpoint)
    about = {tag["name"]: tag["description"] for tag in document["tags"]}
    return tuple(EndpointGroup(name, about[name], tuple(found)) for name, found in by_tag.items() if found)


def _scope(security: list[dict[str, list[str]]]) -> str | None:
    if not security:
        return ""
    return next(iter(security[0]["ApiKey"]), None)
