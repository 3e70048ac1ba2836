"""Find the scopes that an OpenAPI document names: those of its OAuth flows and of its security requirements."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ari.base.errors import Invalid, Problem
from ari.keys.custom_scopes import DESCRIPTION_LENGTH, parse_description, parse_scope_name
from ari.keys.ports import KeyTransaction
from ari.keys.scopes import SCOPES

MAX_NAMES = 2_000
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_LONGEST_NAME = 100


@dataclass(slots=True)
class FoundScopes:
    """Scopes with their descriptions, and the names that can't be declared, each with the reason."""

    scopes: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def find_scopes(document: object) -> FoundScopes:
    """The scopes of an OpenAPI 3 or Swagger 2 document; parts that have another form are passed over.

    Raises ``Invalid`` if it isn't such a document, or names more than ``MAX_NAMES`` scopes.
    """
    if not isinstance(document, dict) or not {"openapi", "swagger"} & document.keys():
        raise Invalid(Problem("document", "This isn't an OpenAPI document: it has no field openapi or swagger."))
    described: dict[str, str] = {}
    for name, description in (*_read_flows(document), *_read_requirements(document)):
        described[name] = described.get(name) or description
        if len(described) > MAX_NAMES:
            raise Invalid(Problem("document", f"The document names more than {MAX_NAMES:,} scopes."))
    found = FoundScopes()
    for name, description in sorted(described.items()):
        shown = name[:_LONGEST_NAME]
        if name in SCOPES:
            found.skipped[shown] = "It's one of ARI's own scopes."
            continue
        try:
            found.scopes[parse_scope_name(name)] = _shorten(description)
        except Invalid as error:
            found.skipped[shown] = str(error)
    return found


def _read_flows(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    schemes = [*_values(_get(document, "components"), "securitySchemes"), *_values(document, "securityDefinitions")]
    for scheme in schemes:
        for flow in (scheme, *_values(scheme, "flows")):
            scopes = _get(flow, "scopes")
            for name, description in (scopes if isinstance(scopes, dict) else {}).items():
                yield str(name), description if isinstance(description, str) else ""


def _read_requirements(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((name, "Used by every operation.") for name in _list_required(document))
    paths = _get(document, "paths")
    for path, operations in (paths if isinstance(paths, dict) else {}).items():
        for method in _METHODS:
            for name in _list_required(_get(operations, method)):
                yield name, f"Used by {method.upper()} {path}."


def _list_required(operation: object) -> Iterator[str]:
    """API keys and other schemes without scopes have empty lists."""
    security = _get(operation, "security")
    for requirement in security if isinstance(security, list) else ():
        for names in requirement.values() if isinstance(requirement, dict) else ():
            yield from (name for name in (names if isinstance(names, list) else ()) if isinstance(name, str))


def _get(value: object, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _values(value: object, name: str) -> list[Any]:
    table = _get(value, name)
    return list(table.values()) if isinstance(table, dict) else []


def _shorten(description: str) -> str:
    """A description that can be stored: one line, and not too long."""
    words = " ".join(description.split())
    text = words if len(words) <= DESCRIPTION_LENGTH else f"{words[: DESCRIPTION_LENGTH - 1].rstrip()}…"
    try:
        return parse_description(text)
    except Invalid:
        return "Imported from an OpenAPI document."


def keep_new(tx: KeyTransaction, found: FoundScopes) -> dict[str, str]:
    """The found scopes that aren't declared yet: the others keep their descriptions."""
    declared = tx.scopes.names()
    return {name: description for name, description in found.scopes.items() if name not in declared}
