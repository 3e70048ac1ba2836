"""security.md 36: which requests may be forwarded to a provider, before it is called."""

import pytest

from ari.gateway.checks import refuse
from ari.gateway.route import target_of_raw
from ari.http.problem import Fault
from tests.support.contexts import a_context, a_key


def _fault(method: str, path: str, *scopes: str) -> Fault | None:
    context = a_context(method, f"/api/ai/openai{path}", key=a_key(*scopes))
    target = target_of_raw(context.head.raw_path)
    assert target is not None
    context.record.begin(context.head, "/api/ai/openai/{path}", None, a_key(*scopes), "ok")
    return refuse(context, target)


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/v1/chat/completions", "ai:openai"),
        ("GET", "/v1/models", "ai:openai"),
        ("HEAD", "/v1/models", "ai:openai"),
        ("GET", "/v1/files", "ai-account:openai"),
        ("POST", "/v1/chat/completions", "ai-account:openai"),
        ("GET", "/v1/files", "*"),
    ],
)
def test_a_key_with_the_scope_is_let_through(method: str, path: str, scope: str) -> None:
    """HEAD as GET; the wide scope covers the listed paths too."""
    assert _fault(method, path, scope) is None


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/files"), ("DELETE", "/v1/models/x"), ("POST", "/v1/fine_tuning/jobs")],
)
def test_a_key_for_inference_does_not_reach_the_account(method: str, path: str) -> None:
    """The refusal names the scope that would."""
    fault = _fault(method, path, "ai:openai")
    assert fault is not None
    assert (fault.reason.code, fault.scope) == ("insufficient_scope", "ai-account:openai")


@pytest.mark.parametrize("path", ["/v1/organization/admin_api_keys", "/v1/organization/projects/p/api%5Fkeys"])
def test_no_scope_reaches_a_path_that_returns_keys(path: str) -> None:
    """Promise 4, however the path is encoded: the provider decodes it too."""
    fault = _fault("GET", path, "*")
    assert fault is not None
    assert fault.reason.code == "forbidden"


def test_a_path_that_decodes_to_another_needs_the_wide_scope() -> None:
    """A provider that decodes once more than we did would read an ID with a slash as another path."""
    fault = _fault("POST", "/v1/responses/a%252Fb/cancel", "ai:openai")
    assert fault is not None
    assert (fault.reason.code, fault.scope) == ("insufficient_scope", "ai-account:openai")
    assert _fault("POST", "/v1/responses/a%252Fb/cancel", "ai-account:openai") is None


def test_a_mistyped_base_url_is_explained() -> None:
    """Only to a key that may call what was meant; another learns which scope it lacks."""
    fault = _fault("POST", "/chat/completions", "ai:openai")
    assert fault is not None
    assert fault.reason.code == "not_found"
    assert "/api/ai/openai/v1/chat/completions" in (fault.detail or "")
    fault = _fault("POST", "/chat/completions", "usage:read")
    assert fault is not None
    assert (fault.reason.code, fault.scope) == ("insufficient_scope", "ai:openai")


def test_the_log_says_that_a_scope_was_missing() -> None:
    """Promise 2: the row began as accepted, because any scope lets such a path in."""
    key = a_key("usage:read")
    context = a_context("POST", "/api/ai/openai/chat/completions", key=key)
    context.record.begin(context.head, "/api/ai/openai/{path}", None, key, "ok")
    target = target_of_raw(context.head.raw_path)
    assert target is not None
    refuse(context, target)
    assert context.record.row is not None
    assert context.record.row.code == "insufficient_scope"
