"""The provider that a path names, and the scope that reaches it (security.md 36)."""

from functools import lru_cache
from typing import NamedTuple

from ari.gateway.path_suggestions import suggest_path
from ari.http.route_policy import ResolvedScope
from ari.integrations.model import Provider
from ari.integrations.providers import providers
from ari.integrations.upstreams import is_upstream_name, make_upstream_provider

PREFIX = "/api/ai/"
TEMPLATE = "/api/ai/{provider}/{path:path}"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Target(NamedTuple):
    """``path`` starts with a slash and is unchanged from the request."""

    provider: Provider
    path: str


def target_of(path: str) -> Target | None:
    """The target of a path under ``/api/ai/``; ``None`` if it names neither a provider nor what may be an upstream.

    Whether there is an upstream of that name, only the store knows: see ``Keyring.find``.
    """
    name, slash, rest = path[len(PREFIX) :].partition("/")
    provider = providers().get(name)
    if provider is None and is_upstream_name(name):
        provider = make_upstream_provider(name, name)
    return None if provider is None or not provider.is_ai else Target(provider, slash + rest)


@lru_cache(1_000)
def target_of_raw(path: bytes) -> Target | None:
    """Like ``target_of``, for the path before decoding, which is forwarded unchanged."""
    return target_of(path.decode("latin-1"))


def plain_scope(target: Target) -> str:
    """The scope for the paths that the provider's file lists."""
    return f"ai:{target.provider.name}"


def account_scope(target: Target) -> str:
    """The scope for all other paths."""
    return f"ai-account:{target.provider.name}"


@lru_cache(1_000)
def resolve_scope(method: str, path: str) -> ResolvedScope:
    """The scope a request needs: ``ai:<provider>`` for what the provider's file lists, else ``ai-account:<provider>``.

    The template names a built-in provider, so usage by route is usage by provider; upstreams share one, since anyone
    may invent names. Any scope lets in a path that looks like a mistyped base URL; ``checks.refuse`` then looks at the
    scopes.
    """
    target = target_of(path)
    if target is None:
        return ResolvedScope(TEMPLATE, None)
    name = target.provider.name
    template = f"{PREFIX}{name if name in providers() else '{upstream}'}/{{path}}"
    if target.provider.covers(method, target.path):
        return ResolvedScope(template, plain_scope(target))
    is_mistyped = suggest_path(target.provider, method, target.path) is not None
    return ResolvedScope(template, None if is_mistyped else account_scope(target))
