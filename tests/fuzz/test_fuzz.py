"""A short, seeded run of each fuzzer; ``make fuzz`` runs them for longer and from a new seed each time."""

import asyncio
from typing import Any

import pytest

from tests.fuzz import model_fuzz, provider_fuzz, route_fuzz, token_fuzz
from tests.fuzz.head_fuzz import keys_of, run

pytestmark = pytest.mark.slow


def test_the_parser_takes_any_bytes() -> None:
    """Nothing but the parser's own refusal comes out of any text, and no wrong checksum is accepted."""
    assert token_fuzz.fuzz(seed=1, rounds=1_000, seconds=600) == 1_000


def test_no_server_reads_another_model_than_ari() -> None:
    """Of a body that is forwarded for a key with allowed models; some bodies must be."""
    done, forwarded = model_fuzz.fuzz(seed=1, rounds=5_000, seconds=600)
    assert done == 5_000
    assert forwarded > 250


def test_hostile_requests_leave_the_server_well(shared_owner: Any) -> None:
    """Malformed, cut, huge and contradictory requests: no crash, no 5xx but 503, no yes without the live key."""
    findings = asyncio.run(run(shared_owner.server, keys_of(shared_owner), seed=1, cases=600, seconds=60))
    assert findings.wrong == []
    assert {200, 400, 401, 431} <= set(findings.statuses)
    assert "Traceback" not in shared_owner.server.log_text()


def test_no_spelling_of_a_path_succeeds_where_the_exact_one_fails(shared_owner: Any) -> None:
    """Promise 4, over sockets: the server's own reading of a request target is part of what must agree."""
    findings = route_fuzz.run(shared_owner, seed=1, cases=2_000, seconds=120)
    assert findings.wrong == []
    assert {200, 303, 400, 401, 403, 404, 405} <= set(findings.statuses)


def test_whatever_a_provider_sends_the_caller_gets_a_response(ai: Any) -> None:
    """Any status line, headers and framing: the provider's response or a 502, no key, no header of its own."""
    findings = provider_fuzz.run(ai, seed=1, cases=100, seconds=40)
    assert findings.wrong == []
    assert {200, 502} <= set(findings.statuses)
    assert "Traceback" not in ai.owner.server.log_text()
