"""What the API docs say of each operation, read from the API's description: to read at once, without scripting."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ari.web.fields import Field, Shape, fields_of, kind_of
from ari.web.snippets import Snippet, snippets_of

Document = Mapping[str, Any]

_MARKED = re.compile(r"(`[^`]+`|\*\*[^*]+\*\*)")
_CODE = re.compile(r"`([a-z_]+)`:")


class Piece(NamedTuple):
    """A part of a sentence; ``kind`` is ``text``, ``code`` or ``strong``."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """What the address of an operation takes."""

    name: str
    place: str
    required: bool
    about: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """How an operation may end: ``codes`` are those of errors, empty where it went well; ``example`` is a body."""

    status: str
    about: str
    codes: tuple[str, ...] = ()
    example: str = ""
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """One operation; ``body`` is an example of what it is sent as JSON, empty if nothing."""

    about: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    body: str
    body_fields: tuple[Field, ...]
    answers: tuple[Answer, ...]
    snippets: tuple[Snippet, ...]


def facts_of(document: Document) -> dict[str, Facts]:
    """The facts of every operation, by its id."""
    base_url = document["servers"][0]["url"]
    shapes = document.get("components", {}).get("schemas", {})
    found = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            sent = _content(operation.get("requestBody", {}))
            address, keyed = base_url + _filled(path, operation), bool(operation["security"])
            found[operation["operationId"]] = Facts(
                paragraphs(operation.get("description", "")),
                tuple(_parameter(shapes, one) for one in operation.get("parameters", ())),
                _written(sent),
                fields_of(shapes, sent.get("schema", {})),
                tuple(_answers(shapes, operation["responses"])),
                snippets_of(method, address, sent.get("example"), keyed=keyed),
            )
    return found


def paragraphs(text: str) -> tuple[str, ...]:
    """The paragraphs of a description."""
    return tuple(part for part in (one.strip() for one in text.split("\n\n")) if part)


def pieces(text: str) -> list[Piece]:
    """The little Markdown that descriptions use: code between backticks, strong words between double stars."""
    kinds = {"`": "code", "*": "strong"}
    return [
        Piece(kinds[part[0]], part.strip("`*")) if _MARKED.fullmatch(part) else Piece("text", part)
        for part in _MARKED.split(text)
        if part
    ]


def _parameter(shapes: Mapping[str, Shape], given: Mapping[str, Any]) -> Parameter:
    shape = given["schema"]
    kind = kind_of(shapes, shape)
    if "default" in shape:
        kind += f", default {shape['default']}"
    return Parameter(given["name"], given["in"], given.get("required", False), given.get("description", ""), kind)


def _answers(shapes: Mapping[str, Shape], responses: Mapping[str, Any]) -> Iterator[Answer]:
    for status, response in sorted(responses.items()):
        codes = tuple(_CODE.findall(response["description"]))
        if codes:
            yield Answer(status, "", codes)
        else:
            content = _content(response)
            fields = fields_of(shapes, content.get("schema", {}))
            yield Answer(status, response["description"], (), _written(content), fields)


def _content(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first form in which a body is sent or answered."""
    return next(iter(holder.get("content", {}).values()), {})


def _written(content: Mapping[str, Any]) -> str:
    """The example as somebody would read it; of several the first."""
    several = [one["value"] for one in content.get("examples", {}).values() if "value" in one]
    example = content.get("example", several[0] if several else None)
    if example is None or isinstance(example, str):
        return example or ""
    return json.dumps(example, indent=2, ensure_ascii=False)


def _filled(path: str, operation: Mapping[str, Any]) -> str:
    for one in operation.get("parameters", ()):
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", one["schema"]["examples"][0])
    return path
