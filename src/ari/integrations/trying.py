"""The test call: whether a provider takes a key, told in words. Nothing of the answer but its status is kept."""

import asyncio

from ari.base.clock import HOUR_MS
from ari.base.errors import Limited
from ari.integrations.model import Credential, Provider, TestResult
from ari.integrations.ports import Attempts, Probed, Prober

TIMEOUT_SECONDS = 10.0
KEY_TESTS_PER_HOUR = 30
"""By all API keys together, so that no key finds out about many addresses."""
_BUCKET = "integration_tests"
_NO_CREDIT, _NOT_FOUND, _TOO_MANY = 402, 404, 429


def count_key_test(attempts: Attempts, now_ms: int) -> None:
    """Count a test that an API key asks for, before it is made. Raises ``Limited``."""
    # A clock that stepped back must not lock keys out for longer.
    recent = [min(at_ms, now_ms) for at_ms in attempts.attempts(_BUCKET) if now_ms - at_ms < HOUR_MS]
    if len(recent) >= KEY_TESTS_PER_HOUR:
        wait = (recent[0] + HOUR_MS - now_ms) // 1000 + 1
        raise Limited(f"API keys may make {KEY_TESTS_PER_HOUR} test calls an hour; the owner may make more.", wait)
    attempts.keep_attempts(_BUCKET, (*recent, now_ms), now_ms + HOUR_MS)


async def tried(prober: Prober, credential: Credential, *, for_key: bool = False) -> TestResult:
    """Make the provider's test call, which has no side effects, and say what came of it.

    ``for_key``: an API key asks. Where an API key named the address too, every failure gives the same answer after the
    same time, so that a test tells nothing about ports and names of the server's network.
    """
    if not (for_key and credential.key_named):
        return judged(credential, await prober.probe(credential, TIMEOUT_SECONDS))
    clock = asyncio.get_running_loop()
    ends = clock.time() + TIMEOUT_SECONDS
    result = judged(credential, await prober.probe(credential, TIMEOUT_SECONDS * 0.9))
    if result.outcome != "unreachable":
        return result
    await asyncio.sleep(ends - clock.time())
    title = credential.provider.title
    return TestResult("unreachable", f"Nothing there answered as {title} does; the owner's own test says more.")


def judged(credential: Credential, probed: Probed) -> TestResult:
    """What an answer means."""
    provider = credential.provider
    if probed.status is None:
        return TestResult("unreachable", f"{provider.title} could not be reached: {probed.fault or 'no answer came'}.")
    status, trial = probed.status, provider.trial
    answered = f"it answered {status}"
    if status in trial.works:
        said = f"{provider.title} took the key." if credential.secret else f"{provider.title} answered."
        return TestResult("works", said)
    if _marked(probed.body, trial.restricted_mark):
        return _restricted(status)
    if status in trial.rejected or _marked(probed.body, trial.rejected_mark):
        return _rejected(credential, answered)
    if status in trial.restricted:
        return _restricted(status)
    return TestResult("unreachable", f"{provider.title} gave no verdict: {answered}{_advice(provider, status)}.")


def _restricted(status: int) -> TestResult:
    why = "there is no credit for it" if status == _NO_CREDIT else "it may not do all"
    return TestResult("restricted", f"The key is valid, but {why}: the test was answered with {status}.")


def _rejected(credential: Credential, answered: str) -> TestResult:
    provider = credential.provider
    if not credential.secret:
        return TestResult("rejected", f"{provider.title} wants a key: {answered}.")
    page = f" Make a new one at {provider.keys_page}." if provider.keys_page else ""
    return TestResult("rejected", f"{provider.title} refused the key: {answered}.{page}")


def _advice(provider: Provider, status: int) -> str:
    if 300 <= status < 400:
        return ", which leads elsewhere and is not followed; give the base URL where it leads"
    if status == _NOT_FOUND:
        return f"; check the base URL, which {provider.trial.path} is added to"
    return "; too many requests, try again later" if status == _TOO_MANY else ""


def _marked(body: bytes, mark: str | None) -> bool:
    return mark is not None and mark.encode() in body
