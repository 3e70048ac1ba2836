"""A provider's errors on their way to the caller: without the key, and without what only its owner should know."""

import msgspec

from ari.gateway.header_filter import length_of, to_caller
from ari.gateway.masking import mask_key
from ari.gateway.provider_response import ProviderResponse
from ari.http.problem import Fault, Header
from ari.http.responses import Response
from ari.integrations.model import Credential, Provider, TestResult
from ari.integrations.ports import Probed
from ari.integrations.trying import refused
from ari.keys.reasons import REQUEST_ERRORS, UNAVAILABLE
from ari.outbound.http import FaultWord

MOST_ERROR_BYTES = 1024 * 1024
NO_RETRY: Header = (b"x-should-retry", b"false")
"""What the SDKs of OpenAI and Anthropic heed: they repeat 409 and 5xx otherwise."""
_UNAUTHORIZED = 401
_HOPELESS: tuple[FaultWord, ...] = ("refused_address", "tls")


async def read_error(reply: ProviderResponse) -> bytes | None:
    """The body of an error; ``None`` where it is too long to be searched for parts of the key."""
    if not reply.has_body:
        return b""
    if (length_of(reply.headers) or 0) > MOST_ERROR_BYTES:
        return None
    body = await reply.beginning(MOST_ERROR_BYTES + 1)
    return body if len(body) <= MOST_ERROR_BYTES else None


def judge_key(credential: Credential, reply: ProviderResponse, body: bytes | None) -> TestResult | None:
    """That the provider refuses our key; ``None`` where it does not say so."""
    return None if body is None or reply.is_packed else refused(credential, Probed(reply.status, body))


def to_response(credential: Credential, reply: ProviderResponse, body: bytes | None) -> Response | Fault:
    """The provider's own status and body, with the key masked; a problem of ours where the body is too long for it."""
    if body is None:
        return unreachable(credential.provider, f"returned {reply.status} with a larger body than ARI forwards")
    # What a packed body holds is not known; bytes must stay as they are.
    clean = body if reply.is_packed else mask_key(body, credential.secret)
    if reply.status == _UNAUTHORIZED:
        clean = _explain(clean, credential.provider)
    length = len(clean) if reply.has_body else length_of(reply.headers)
    announced = [] if length is None else [(b"content-length", b"%d" % length)]
    return Response(reply.status, [*to_caller(reply.headers), *announced], clean)


def _explain(body: bytes, provider: Provider) -> bytes:
    """A provider's own 401, which a caller would take for ours: a member says whose it is, where there is none yet."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return body
    if not isinstance(document, dict) or "detail" in document:
        return body
    words = f"{provider.title} answered this request with 401, for a reason of its own: your ARI key was accepted."
    return msgspec.json.encode({**document, "detail": words})


def key_rejected(provider: Provider) -> Fault:
    """For a provider that refuses our key; its words may quote the key."""
    return Fault(
        REQUEST_ERRORS["provider_rejected"],
        f"{provider.title} rejected the API key stored in ARI. The owner can see more under Settings > Integrations.",
    )


def unreachable(provider: Provider, why: str = "couldn't be reached", headers: tuple[Header, ...] = ()) -> Fault:
    """For a provider of which nothing fit to pass on has come."""
    return Fault(REQUEST_ERRORS["provider_unreachable"], f"{provider.title} {why}.", headers=headers)


def try_again(provider: Provider) -> Fault:
    """For a large request that a provider refused for what ARI added to it; the next one goes without."""
    return Fault(
        UNAVAILABLE,
        f"{provider.title} does not report the usage of streams. ARI remembers it now; send the request again.",
        headers=((b"x-should-retry", b"true"),),
    )


def fault_for(provider: Provider, word: FaultWord) -> Fault:
    """For a call that failed before a response began."""
    if word == "timed_out":
        return Fault(REQUEST_ERRORS["provider_timed_out"], f"{provider.title} didn't respond in time.")
    return unreachable(provider, words_for(word), (NO_RETRY,) if word in _HOPELESS else ())


def words_for(word: FaultWord) -> str:
    """What went wrong, to follow the provider's name."""
    return {
        "unreachable": "couldn't be reached",
        "timed_out": "didn't respond in time",
        "refused_address": "is at an address that ARI isn't allowed to call",
        "tls": "has an invalid TLS certificate",
        "broken": "sent an invalid HTTP response or closed the connection",
    }[word]
