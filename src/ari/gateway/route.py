"""Whose request it is: the provider that the path names, and the scope that it takes to reach it (security.md 36)."""

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from ari.gateway.mistyped import meant
from ari.http.route_policy import Access, AuthMode, Matched
from ari.integrations.model import Provider
from ari.integrations.providers import providers

PREFIX = "/api/ai/"
TEMPLATE = "/api/ai/{provider}/{path:path}"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Target(NamedTuple):
    """``path`` begins with a slash and is as the caller wrote it."""

    provider: Provider
    path: str


def target_of(path: str) -> Target | None:
    """Where a path under ``/api/ai/`` leads; ``None`` where there is no such provider."""
    name, slash, rest = path[len(PREFIX) :].partition("/")
    provider = providers().get(name)
    return None if provider is None or not provider.is_ai else Target(provider, slash + rest)


@lru_cache(1_000)
def target_of_raw(path: bytes) -> Target | None:
    """As ``target_of``, for the path before it was decoded: it is handed on as it is."""
    return target_of(path.decode("latin-1"))


def plain_scope(target: Target) -> str:
    """What covers the paths that the provider's file lists."""
    return f"ai:{target.provider.name}"


def account_scope(target: Target) -> str:
    """What covers all other paths."""
    return f"ai-account:{target.provider.name}"


def narrowed(matched: Matched, method: str, path: str) -> Matched:
    """What the one request needs: ``ai:<provider>`` for what its file lists, else ``ai-account:<provider>``.

    A path that looks like a mistyped base URL is let in with any scope, and goes to the provider only with the latter.

    The template names the provider, so that what is counted by route is counted by provider.
    """
    target = target_of(path)
    if target is None:
        return replace(matched, access=Access(AuthMode.NEEDS, None, keys_only=True))
    name = target.provider.name
    scope: str | None = plain_scope(target) if target.provider.reached(method, target.path) else account_scope(target)
    if scope != plain_scope(target) and meant(target.provider, method, target.path) is not None:
        # A wider scope is not what is missing: ``Gateway.handle`` looks at the scopes itself.
        scope = None
    return replace(
        matched, template=f"{PREFIX}{name}/{{path}}", access=Access(AuthMode.NEEDS, scope, keys_only=True), narrow=None
    )
