"""Resolves an alias that a request names instead of a model, and writes the model in its place."""

import re
from typing import NamedTuple

import msgspec

from ari.gateway.form_fields import is_form, replace_in_form
from ari.gateway.json_walk import JsonPart, JsonWalker
from ari.gateway.request_facts import RequestFacts, is_plain_in_path
from ari.gateway.route import Target, target_of
from ari.http.request_head import RequestHead
from ari.integrations.ai_rules.aliases import AliasRules
from ari.integrations.model_fields import find_model_place

_OPERATION = re.compile(r"(?:/(?:api|openai|anthropic|router|beta|v1beta|v1))*(/[a-z/_-]+)")
"""Prefixes with which providers serve the same API."""


class AliasTarget(NamedTuple):
    """The request for one of an alias's models: where it goes, and its body with the model's own name."""

    target: Target
    model: str
    body: bytes


def find_alias(rules: AliasRules, facts: RequestFacts) -> str | None:
    """The alias that the request names as its only model, if any."""
    if len(facts.models) != 1 or not facts.is_determined:
        return None
    return facts.models[0] if facts.models[0] in rules else None


def resolve_alias(rules: AliasRules, alias: str, target: Target, head: RequestHead, body: bytes) -> list[AliasTarget]:
    """The request for each model of the alias, in order; without providers that lack this API."""
    found: list[AliasTarget] = []
    for name, model in rules.list_targets(alias):
        place = find_model_place(target.provider, head.method, target.path)
        path = None if place is None else _find_path(target, place.in_path, name, alias, model)
        if place is None or path is None:
            continue
        in_body = body if place.in_path is not None else _replace(place.fields, head, body, alias, model)
        if in_body is not None:
            found.append(AliasTarget(path, model, in_body))
    return found


def explain_unresolved(rules: AliasRules, alias: str, target: Target, head: RequestHead) -> str:
    """Why ``resolve_alias`` finds nothing, as a sentence for the caller."""
    place, models = find_model_place(target.provider, head.method, target.path), rules.list_targets(alias)
    if place is None or any(_find_path(target, place.in_path, name, alias, model) for name, model in models):
        return "No model of this alias can serve this request. Use an alias where the request names one model."
    names = list(dict.fromkeys(name for name, _ in models))
    paths = " or ".join(f"/api/ai/{name}" for name in names)
    return (
        f"This alias leads to {', '.join(names)}, with another API than this endpoint has. Send the request to {paths}."
    )


def _find_path(target: Target, in_path: str | None, name: str, alias: str, model: str) -> Target | None:
    """The target's path at another provider of the same API, or with another model in it."""
    if in_path is not None:
        if name != target.provider.name or not is_plain_in_path(model):
            return None
        start, _, rest = target.path.rpartition(in_path)
        return Target(target.provider, f"{start}{in_path.removesuffix(alias)}{model}{rest}")
    if name == target.provider.name:
        return target
    other = target_of(f"/api/ai/{name}/")
    operation = _operation_of(target.path)
    if other is None or operation is None:
        return None
    for route in other.provider.reaches:
        method, _, path = route.partition(" ")
        if method == "POST" and _operation_of(path) == operation:
            return Target(other.provider, path)
    return None


def _operation_of(path: str) -> str | None:
    found = _OPERATION.fullmatch(path)
    return None if found is None else found[1]


def _replace(fields: tuple[str, ...], head: RequestHead, body: bytes, alias: str, model: str) -> bytes | None:
    """The body with the model in place of the alias, all other bytes as they are; ``None`` if it isn't at the top."""
    content_type = head.first(b"content-type") or b""
    if is_form(content_type):
        return replace_in_form(content_type, body, frozenset(fields), alias, model)
    walker, out, at, value = JsonWalker(), bytearray(), 0, 0
    for span in walker.walk(body):
        if span.kind is not JsonPart.VALUE or walker.key not in fields:
            continue
        value = span.start if span.begins else value
        if span.ends and _decode(body[value : span.end]) == alias:
            out += body[at:value] + msgspec.json.encode(model)
            at = span.end
    return bytes(out + body[at:]) if at and walker.done else None


def _decode(raw: bytes) -> object:
    try:
        return msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        return None
