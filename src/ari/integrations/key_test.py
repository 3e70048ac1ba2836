"""The test call: does the provider accept the key? Nothing of the response but its status is kept."""

import asyncio

from ari.base.clock import HOUR_MS
from ari.base.errors import RateLimited
from ari.base.transaction import Runner
from ari.integrations.credentials import credential
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.health import record_test
from ari.integrations.key_errors import Said, begins_with, parse_key_error
from ari.integrations.model import Credential, Provider, TestResult
from ari.integrations.ports import Probed, Prober, TestTransaction

TIMEOUT_SECONDS = 10.0
KEY_TESTS_PER_HOUR = 30
"""By all API keys together, so that no key finds out about many addresses."""
_BUCKET = "integration_tests"
_UNAUTHORIZED, _NO_CREDIT, _NOT_FOUND, _TOO_MANY = 401, 402, 404, 429

_REFUSALS = (400, 401, 403)


async def probe_provider(
    run: Runner, prober: Prober, provider: Provider, environment: ProviderEnvironment, key_id: str | None = None
) -> TestResult:
    """Test the provider's first key, or the stored one with ``key_id``, with a call that has no side effects.

    Records the result. Raises ``Conflict("not_configured")``, ``NotFound``, ``CannotOpen``, and ``RateLimited`` for
    API keys.
    """
    used = await run.read(credential, provider, environment, key_id)
    by_key = run.caller.key_id is not None
    if by_key:
        await run.do(count_key_test)
    result = await run_key_test(prober, used, for_key=by_key)
    await run.do(record_test, used, result)
    return result


def count_key_test(tx: TestTransaction) -> None:
    """Count a test by an API key before it is made. Raises ``RateLimited``."""
    attempts, now_ms = tx.accounts, tx.now_ms
    # A clock that stepped back must not lock keys out for longer.
    recent = [min(at_ms, now_ms) for at_ms in attempts.attempts(_BUCKET) if now_ms - at_ms < HOUR_MS]
    if len(recent) >= KEY_TESTS_PER_HOUR:
        wait = (recent[0] + HOUR_MS - now_ms) // 1000 + 1
        raise RateLimited(f"API keys can make {KEY_TESTS_PER_HOUR} test calls an hour. The owner can make more.", wait)
    attempts.keep_attempts(_BUCKET, (*recent, now_ms), now_ms + HOUR_MS)


async def run_key_test(prober: Prober, credential: Credential, *, for_key: bool = False) -> TestResult:
    """Make the provider's test call, which has no side effects, and return its result.

    ``for_key``: an API key makes the call. If an API key set the address too, every failure returns the same result
    after the same time, so that a test reveals nothing about ports and names in the server's network.
    """
    if not (for_key and credential.key_named):
        return judge_response(credential, await prober.probe(credential, TIMEOUT_SECONDS))
    clock = asyncio.get_running_loop()
    ends = clock.time() + TIMEOUT_SECONDS
    result = judge_response(credential, await prober.probe(credential, TIMEOUT_SECONDS * 0.9))
    if result.outcome != "unreachable":
        return result
    await asyncio.sleep(ends - clock.time())
    title = credential.provider.title
    return TestResult("unreachable", f"No response from {title} at this address. The owner's own test shows more.")


def judge_response(credential: Credential, probed: Probed) -> TestResult:
    """The meaning of a response to the test call."""
    provider = credential.provider
    if probed.status is None:
        return TestResult("unreachable", f"Couldn't reach {provider.title}: {probed.fault or 'no response'}.")
    status, trial = probed.status, provider.trial
    answered = f"it returned status {status}"
    if status in trial.works:
        said = f"{provider.title} accepted the key." if credential.secret else f"{provider.title} responded."
        return TestResult("works", said)
    if _has_mark(probed.body, trial.restricted_mark):
        return _make_restricted(status)
    if status in trial.rejected or _has_mark(probed.body, trial.rejected_mark):
        if status == _UNAUTHORIZED and credential.secret and parse_key_error(probed.body) is Said.OTHER:
            return _make_restricted(status)
        return _make_rejected(credential, answered)
    if status in trial.restricted:
        return _make_restricted(status)
    return TestResult("unreachable", f"{provider.title} didn't confirm the key: {answered}{_advice(provider, status)}.")


def judge_refusal(credential: Credential, probed: Probed) -> TestResult | None:
    """The result for an error of any other call; ``None`` unless the service clearly rejects the key.

    The request itself may be wrong, and the error may repeat a caller's text, so only the service's error codes and a
    bare 401 count.
    """
    status, provider = probed.status, credential.provider
    if status is None:
        return None
    said = parse_key_error(probed.body)
    bare = status == _UNAUTHORIZED and said is Said.NOTHING
    mark = provider.trial.rejected_mark
    marked = status in _REFUSALS and said is Said.REFUSED and mark is not None and begins_with(probed.body, mark)
    if bare or marked or (status == _UNAUTHORIZED and said is Said.REFUSED):
        return _make_rejected(credential, f"it returned status {status}")
    return None


def _make_restricted(status: int) -> TestResult:
    why = "has no credit" if status == _NO_CREDIT else "has limited permissions"
    return TestResult("restricted", f"The key is valid but {why}: the test returned status {status}.")


def _make_rejected(credential: Credential, answered: str) -> TestResult:
    provider = credential.provider
    if not credential.secret:
        return TestResult("rejected", f"{provider.title} requires a key: {answered}.")
    page = f" Create a new one at {provider.keys_page}." if provider.keys_page else ""
    return TestResult("rejected", f"{provider.title} rejected the key: {answered}.{page}")


def _advice(provider: Provider, status: int) -> str:
    if 300 <= status < 400:
        return ", a redirect that ARI doesn't follow. Set the base URL to its target"
    if status == _NOT_FOUND:
        return f". Check the base URL; ARI appends {provider.trial.path} to it"
    return ". Too many requests; try again later" if status == _TOO_MANY else ""


def _has_mark(body: bytes, mark: str | None) -> bool:
    return mark is not None and mark.encode() in body
