"""Test calls to providers; fulfills ``integrations.ports.Prober``."""
# Imports inside functions here: the command line starts without an HTTP client.

from time import perf_counter

from ari.base.served_request import note_wait
from ari.integrations.model import Credential
from ari.integrations.ports import Probed

_MAX_BYTES = 4 * 1024
"""Enough of an error body to contain a provider's marker."""


class HttpProber:
    """Uses a new connection for every test: tests are rare, and should find what a new connection finds."""

    async def probe(self, credential: Credential, timeout_seconds: float) -> Probed:
        from ari.outbound.http import HttpClient  # noqa: PLC0415 - see above

        provider, trial = credential.provider, credential.provider.trial
        began, headers = (
            perf_counter(),
            [("accept", "application/json"), ("user-agent", "ari"), *provider.default_headers],
        )
        async with HttpClient() as client:
            asked = await client.ask(
                trial.method,
                credential.base_url + trial.path,
                [*headers, *credential.headers],
                private=credential.owner_named,
                seconds=timeout_seconds,
                most_bytes=_MAX_BYTES,
            )
        note_wait("provider", began)
        if asked.fault is None:
            return Probed(asked.status, asked.body)
        return Probed(None, fault=_words(asked.fault, timeout_seconds))


def _words(fault: str, timeout_seconds: float) -> str:
    return {
        "timed_out": f"no response within {timeout_seconds:g} seconds",
        "refused_address": "requests to this address aren't allowed, for example because it's private",
        "tls": "its TLS certificate is invalid",
        "broken": "its response was cut off or isn't HTTP",
    }.get(fault, "the connection failed")
