"""Errors as problem details (RFC 9457), with challenges and advice on retrying."""

import json

import pytest

from ari.base import errors
from ari.base.errors import AriError, Problem
from ari.http import problem
from ari.http.problem import Fault, fault_of
from ari.keys.reasons import INSUFFICIENT_SCOPE, MISSING, REASONS, REQUEST_ERRORS, UNAVAILABLE


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.Invalid(Problem("name", "Use a name.")), 422, "invalid"),
        (errors.NotFound("No such key."), 404, "not_found"),
        (errors.Conflict("key_active", "Revoke it first."), 409, "key_active"),
        (errors.Conflict("nobody_knows_this", "Later."), 409, "conflict"),
        (errors.Forbidden("no", "keys:write"), 403, "insufficient_scope"),
        (errors.Forbidden("no"), 403, "forbidden"),
        (errors.ReauthRequired(), 403, "confirmation_required"),
        (errors.CallerRevoked("revoked"), 401, "revoked"),
        (errors.CallerRevoked("signed_out"), 401, "missing"),
        (errors.RateLimited("Later.", 7), 429, "rate_limited"),
        (errors.Unavailable("Later."), 503, "unavailable"),
        (errors.ConfigurationError("/srv/secret"), 500, "internal"),
    ],
)
def test_every_error_has_one_status(error: AriError, status: int, code: str) -> None:
    """Undecided is 503 and never a yes; what only operators may read stays unsaid."""
    fault = fault_of(error)
    assert (fault.reason.status, fault.reason.code) == (status, code)
    assert b"/srv/secret" not in problem.body(fault, "http://a", "req_1")


def test_the_document_says_what_is_wrong_and_where() -> None:
    """Its ``code`` is for programs, its ``detail`` for people, and its request ID finds it in the log."""
    fault = fault_of(errors.Invalid(Problem("name", "Use a name.")))
    found = json.loads(problem.body(fault, "http://ari.example.net", "req_1"))
    assert found["type"] == "http://ari.example.net/errors/invalid"
    assert (found["status"], found["code"], found["request_id"]) == (422, "invalid", "req_1")
    assert found["errors"] == [{"location": "name", "message": "Use a name."}]


def test_without_a_page_of_its_own_the_type_is_blank() -> None:
    """RFC 9457 §4.2.1: the title is then that of the status."""
    found = json.loads(problem.body(Fault(MISSING), None, "req_1"))
    assert (found["type"], found["title"], found["code"]) == ("about:blank", "Unauthorized", "missing")


def test_a_missing_scope_is_named_in_body_and_challenge() -> None:
    """RFC 6750 §3.1: the caller learns which scope to ask for."""
    fault = Fault(INSUFFICIENT_SCOPE, scope="keys:write")
    found = json.loads(problem.body(fault, "http://a", "req_1"))
    assert (found["scope"], "keys:write" in found["detail"]) == ("keys:write", True)
    [(_, challenge)] = problem.headers(fault, token_sent=True)
    assert b'error="insufficient_scope", scope="keys:write"' in challenge


def test_a_sentence_about_a_missing_scope_names_it() -> None:
    """Once, even if the command's own words don't."""
    for words in ("A key can only grant scopes it has.", "A key needs the scope ai:openai to change it."):
        detail = fault_of(errors.Forbidden(words, "ai:openai")).detail
        assert detail is not None
        assert (detail.startswith(words), detail.count("ai:openai")) == (True, 1)


def test_a_401_names_both_ways_to_send_a_key() -> None:
    """RFC 6750 §3: ``invalid_token`` is said only to a client that sent one."""
    without = problem.headers(Fault(MISSING), token_sent=False)
    with_token = problem.headers(Fault(REASONS["revoked"]), token_sent=True)
    assert [name for name, _ in without] == [b"www-authenticate"] * 2
    assert b"invalid_token" not in without[0][1]
    assert b"invalid_token" in with_token[0][1]


def test_clients_learn_when_to_try_again() -> None:
    """Always for a 503, which is over soon."""
    assert problem.headers(Fault(UNAVAILABLE), token_sent=False) == [(b"retry-after", b"1")]
    limited = fault_of(errors.RateLimited("Later.", 7))
    assert problem.headers(limited, token_sent=False) == [(b"retry-after", b"7")]


def test_sdks_do_not_repeat_what_cannot_succeed() -> None:
    """They repeat a 409 on their own; a 503 they should."""
    no_retry = (b"x-should-retry", b"false")
    assert no_retry in problem.headers(Fault(REQUEST_ERRORS["conflict"]), token_sent=True, for_sdks=True)
    assert no_retry not in problem.headers(Fault(UNAVAILABLE), token_sent=True, for_sdks=True)
    assert no_retry not in problem.headers(Fault(REQUEST_ERRORS["conflict"]), token_sent=True)
