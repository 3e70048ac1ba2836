"""Least-privilege advice never names a scope that the key may have used, and says nothing on thin data."""

from dataclasses import replace

import pytest

from ari.keys import KeyChange, change
from ari.keys.model import ApiKey
from ari.usage.scope_use import SERVICE_USE, WATCHED_MS, KeyHistory, ScopeUse, find_unused_scopes, read_history
from tests.unit.keys.memory import MemoryTransaction, make_key

NOW = 1_800_000_000_000
NEEDED = {
    "/api/me": (),
    "/api/keys": ("keys:read", "keys:write"),
    "/api/scopes": ("scopes:read", "scopes:write"),
    "/api/usage": ("usage:read",),
    "/api/verify": ("keys:verify",),
    "/api/verify/batch": ("keys:verify",),
    "/api/integrations": ("integrations:read",),
}
KEY = ApiKey("key_1", "n", "h", ("keys:verify", "usage:read"), NOW - WATCHED_MS - 1, "usr_1")


def use(*routes: str, scopes: tuple[str, ...] = KEY.scopes) -> ScopeUse:
    """The advice for a key with these scopes that used these routes."""
    return find_unused_scopes(KeyHistory(replace(KEY, scopes=scopes), False), routes, NEEDED, NOW)


def test_a_scope_without_a_request_that_needs_it_is_named() -> None:
    """The rest is kept."""
    assert use("/api/usage") == ScopeUse(("keys:verify",), ("usage:read",))
    assert use("/api/usage", "/api/verify") == ScopeUse((), KEY.scopes)
    assert use("/api/usage", "(none)", "/api/me").unused == ("keys:verify",)


def test_any_method_of_a_used_route_counts() -> None:
    """The log's totals know the route only."""
    scopes = ("integrations:*", "integrations:read", "notifications:*", "usage:read")
    assert use("/api/integrations", scopes=scopes).unused == ("notifications:*", "usage:read")
    assert use("/api/keys/{key_id}/usage/summary", scopes=("usage:read", "api:read")).unused == ("api:read",)


def test_the_gateway_counts_for_its_provider() -> None:
    """Whatever the path was."""
    scopes = ("ai-account:openai", "ai:openai", "ai:xai")
    assert use("/api/ai/openai/v1/models", scopes=scopes).unused == ("ai:xai",)


def test_scopes_of_other_apis_are_unused_only_if_the_key_was_never_verified() -> None:
    """The log has the verification, not the scopes that it named."""
    scopes = ("orders:*", "orders:read", "usage:read")
    assert use("/api/usage", scopes=scopes).unused == ("orders:*", "orders:read")
    assert use("/api/usage", "/api/verify", scopes=scopes).unused == ()
    assert use("/api/usage", "/api/verify/batch", scopes=scopes).unused == ()


def test_routes_of_services_prove_nothing_about_their_scopes() -> None:
    """A service may have routes that are the same texts as ARI's; a route of a service is no unknown endpoint."""
    scopes = ("orders:read", "usage:read", "notifications:read")
    assert use("/api/usage", "/orders/{order_id}", SERVICE_USE, scopes=scopes).unused == ("notifications:read",)
    assert use("/api/usage", SERVICE_USE, scopes=scopes).unused == ("notifications:read",)
    assert use("/api/usage", "/orders/{order_id}", scopes=scopes).gap == "unknown_route"
    assert use("/api/removed", SERVICE_USE, scopes=scopes).gap == "unknown_route"


def test_everything_is_never_narrowed() -> None:
    """Nobody can say what the owner wanted it for."""
    assert use("/api/usage", scopes=("*",)) == ScopeUse((), ("*",))


@pytest.mark.parametrize(
    ("routes", "gap"),
    [
        (None, "young_log"),
        ([], "unused_key"),
        (["/api/keys"], "grants"),
        (["/api/scopes"], "grants"),
        (["/api/removed"], "unknown_route"),
        (["/api/me"], "nothing_left"),
    ],
)
def test_without_proof_there_is_no_advice(routes: list[str] | None, gap: str) -> None:
    """A key that grants scopes may need each of them to do so."""
    assert find_unused_scopes(KeyHistory(KEY, False), routes, NEEDED, NOW).gap == gap


def test_a_young_key_and_young_scopes_get_their_time() -> None:
    """90 days, also after a change, and also if the audit log no longer has that time."""
    young = replace(KEY, created_at_ms=NOW - WATCHED_MS + 1)
    assert find_unused_scopes(KeyHistory(young, False), ["/api/usage"], NEEDED, NOW).gap == "young_key"
    assert find_unused_scopes(KeyHistory(KEY, True), ["/api/usage"], NEEDED, NOW).gap == "changed"


@pytest.mark.parametrize(
    ("changed_ms_ago", "retention_days", "was_changed"),
    [(WATCHED_MS - 1, 0, True), (WATCHED_MS, 0, False), (WATCHED_MS, 89, True), (WATCHED_MS, 90, False)],
)
def test_the_history_says_whether_the_scopes_changed(
    changed_ms_ago: int, retention_days: int, was_changed: bool
) -> None:
    """Only a change of scopes counts."""
    tx = MemoryTransaction()
    key = make_key(tx, "usage:read")
    tx.now_ms += 1
    change(tx, key.id, KeyChange(name="other"))
    change(tx, key.id, KeyChange(scopes=("usage:read", "keys:read")))
    tx.now_ms += changed_ms_ago
    assert read_history(tx, key.id, retention_days).was_changed is was_changed
