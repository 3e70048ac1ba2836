"""What the API docs say of each operation, read from the API's description: to read at once, without scripting."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

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


@dataclass(frozen=True, slots=True)
class Answer:
    """How an operation may end: ``codes`` are those of errors, empty where it went well."""

    status: str
    about: str
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """One operation; ``body`` is an example of what it is sent as JSON, empty if nothing."""

    about: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    body: str
    answers: tuple[Answer, ...]
    curl: str


def facts_of(document: Document) -> dict[str, Facts]:
    """The facts of every operation, by its id."""
    base_url = document["servers"][0]["url"]
    found = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            body = _example(operation.get("requestBody", {}))
            found[operation["operationId"]] = Facts(
                paragraphs(operation.get("description", "")),
                tuple(map(_parameter, operation.get("parameters", ()))),
                "" if body is None else json.dumps(body, indent=2, ensure_ascii=False),
                tuple(_answers(operation["responses"])),
                _curl(method, base_url + _filled(path, operation), body, keyed=bool(operation["security"])),
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


def _parameter(given: Mapping[str, Any]) -> Parameter:
    return Parameter(given["name"], given["in"], given.get("required", False), given.get("description", ""))


def _answers(responses: Mapping[str, Any]) -> Iterator[Answer]:
    for status, response in sorted(responses.items()):
        codes = tuple(_CODE.findall(response["description"]))
        yield Answer(status, "" if codes else response["description"], codes)


def _example(body: Mapping[str, Any]) -> Any:
    return body.get("content", {}).get("application/json", {}).get("example")


def _filled(path: str, operation: Mapping[str, Any]) -> str:
    for one in operation.get("parameters", ()):
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", one["schema"]["examples"][0])
    return path


def _curl(method: str, address: str, body: Any, *, keyed: bool) -> str:
    parts = ["curl" if method == "get" else f"curl -X {method.upper()}"]
    if keyed:
        parts.append('-H "x-api-key: $ARI_API_KEY"')
    if body is not None:
        parts += ['-H "content-type: application/json"', f"-d {shlex.quote(json.dumps(body, ensure_ascii=False))}"]
    return " \\\n  ".join([" ".join(parts[:2]), *parts[2:], address])
