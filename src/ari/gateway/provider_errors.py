"""Turns a provider's errors into responses, without the key and without details that only the owner may see."""

import msgspec

from ari.gateway.header_filter import length_of, to_caller
from ari.gateway.masking import mask_key
from ari.gateway.provider_response import ProviderResponse
from ari.http.problem import Fault, Header
from ari.http.responses import Response
from ari.integrations.key_test import judge_refusal
from ari.integrations.model import Credential, Provider, TestResult
from ari.integrations.ports import Probed
from ari.keys.reasons import REASONS, REQUEST_ERRORS, UNAVAILABLE
from ari.outbound.http import FaultWord

MAX_ERROR_BYTES = 1024 * 1024
NO_RETRY: Header = (b"x-should-retry", b"false")
"""Stops the SDKs of OpenAI and Anthropic from retrying 409 and 5xx."""
_UNAUTHORIZED = 401
_HOPELESS: tuple[FaultWord, ...] = ("refused_address", "tls")


async def read_error(reply: ProviderResponse) -> bytes | None:
    """The body of an error. ``None`` if it is too long to search for parts of the key."""
    if not reply.has_body:
        return b""
    if (length_of(reply.headers) or 0) > MAX_ERROR_BYTES:
        return None
    body = await reply.read_beginning(MAX_ERROR_BYTES + 1)
    return body if len(body) <= MAX_ERROR_BYTES else None


def judge_key(credential: Credential, reply: ProviderResponse, body: bytes | None) -> TestResult | None:
    """The result if the provider rejects its key; ``None`` if the error is about something else."""
    return None if body is None or reply.is_compressed else judge_refusal(credential, Probed(reply.status, body))


def to_response(credential: Credential, reply: ProviderResponse, body: bytes | None) -> Response | Fault:
    """The provider's own status and body with the key masked, or a fault if the body is too long to mask."""
    if body is None:
        return unreachable(credential.provider, f"returned {reply.status} with a larger body than ARI forwards")
    # ARI cannot read this compression, so the bytes stay as they are.
    clean = body if reply.is_compressed else mask_key(body, credential.secret)
    if reply.status == _UNAUTHORIZED:
        clean = _explain(clean, credential.provider)
    length = len(clean) if reply.has_body else length_of(reply.headers)
    announced = [] if length is None else [(b"content-length", b"%d" % length)]
    return Response(reply.status, [*to_caller(reply.headers), *announced], clean)


def _explain(body: bytes, provider: Provider) -> bytes:
    """Add a ``detail`` to a provider's own 401, which a caller could take for a refusal of its ARI key."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return body
    if not isinstance(document, dict) or "detail" in document:
        return body
    words = f"{provider.title} rejected this request with 401 for its own reason; your ARI key was accepted."
    return msgspec.json.encode({**document, "detail": words})


def make_key_rejected_fault(provider: Provider) -> Fault:
    """The provider rejected its key. Its message is not forwarded, since it may quote the key."""
    return Fault(
        REQUEST_ERRORS["provider_rejected"],
        f"{provider.title} rejected the API key stored in ARI. The owner can see more under Settings > Integrations.",
    )


def make_no_key_left_fault(provider: Provider, retry_after_seconds: int | None) -> Fault:
    """None of several keys can be used: all are rejected, or the first can be tried again in that many seconds."""
    if retry_after_seconds is None:
        return Fault(
            REQUEST_ERRORS["provider_rejected"],
            f"{provider.title} rejected every API key stored in ARI. The owner can see more under Settings > "
            "Integrations.",
        )
    return Fault(
        REQUEST_ERRORS["provider_rate_limited"],
        f"{provider.title} limits every API key stored in ARI. Retry after the time in Retry-After.",
        retry_after_seconds=retry_after_seconds,
    )


def make_skipped_fault(first: Provider, without_key: Provider | None) -> Fault:
    """A budget had no room for the ``first`` provider of an alias, and no other one has a key that can be used."""
    if without_key is None:
        return Fault(REASONS["budget_exhausted"], f"A budget doesn't have enough left for a request to {first.title}.")
    return Fault(
        REQUEST_ERRORS["provider_rejected"],
        f"A budget doesn't have enough left for a request to {first.title}, and {without_key.title} has no API key in "
        "ARI that can be used. The owner can see more under Settings > Integrations.",
    )


def unreachable(provider: Provider, why: str = "couldn't be reached", headers: tuple[Header, ...] = ()) -> Fault:
    """No response came that can be forwarded."""
    return Fault(REQUEST_ERRORS["provider_unreachable"], f"{provider.title} {why}.", headers=headers)


def try_again(provider: Provider) -> Fault:
    """A provider refused a large request because of the option that ARI added. The next one goes without it."""
    return Fault(
        UNAVAILABLE,
        f"{provider.title} does not report the usage of streams. ARI remembers it now; send the request again.",
        headers=((b"x-should-retry", b"true"),),
    )


def fault_for(provider: Provider, word: FaultWord) -> Fault:
    """A call failed before a response began."""
    if word == "timed_out":
        return Fault(REQUEST_ERRORS["provider_timed_out"], f"{provider.title} didn't respond in time.")
    return unreachable(provider, words_for(word), (NO_RETRY,) if word in _HOPELESS else ())


def words_for(word: FaultWord) -> str:
    """What went wrong, as the end of a sentence that starts with the provider's name."""
    return {
        "unreachable": "couldn't be reached",
        "timed_out": "didn't respond in time",
        "refused_address": "is at an address that ARI isn't allowed to call",
        "tls": "has an invalid TLS certificate",
        "broken": "sent an invalid HTTP response or closed the connection",
    }[word]
