"""A provider's errors on their way to the caller: without the key, and without what only its owner should know."""

from ari.gateway.head import length_of, to_caller
from ari.http.answer import Answer
from ari.http.problem import Fault, Header
from ari.integrations.checks import mask
from ari.integrations.model import Credential, Provider, TestResult
from ari.integrations.ports import Probed
from ari.integrations.trying import judged
from ari.keys.reasons import REQUEST_ERRORS
from ari.outbound.http import FaultWord, Reply

MOST_ERROR_BYTES = 64 * 1024
_TELLING = 10
"""So many characters of a key in a row are a part of it, not chance."""


async def read_error(reply: Reply) -> bytes | None:
    """The body of an error; ``None`` where it is too long, or packed, to be searched for the key."""
    packed = any(name.lower() == b"content-encoding" and value != b"identity" for name, value in reply.headers)
    if packed or (length_of(reply.headers) or 0) > MOST_ERROR_BYTES:
        return None
    body = await reply.beginning(MOST_ERROR_BYTES + 1)
    return body if len(body) <= MOST_ERROR_BYTES else None


def verdict(credential: Credential, status: int, body: bytes | None) -> TestResult:
    """What the answer says of our key, in the words of a test call."""
    return judged(credential, Probed(status, body or b""))


def passed_on(credential: Credential, reply: Reply, body: bytes | None) -> Answer | Fault:
    """The provider's own status and body, with the key masked; a problem of ours where the body cannot be searched."""
    if body is None:
        return unreachable(credential.provider, f"answered {reply.status} in a form that ARI does not pass on")
    clean = masked(body, credential.secret)
    return Answer(reply.status, [*to_caller(reply.headers), (b"content-length", b"%d" % len(clean))], clean)


def masked(body: bytes, secret: str) -> bytes:
    """The body without the key: neither the whole of it nor ten characters of it in a row."""
    if not secret:
        return body
    key, cover = secret.encode("ascii"), bytearray(len(body))
    size = min(_TELLING, len(key))
    for start in range(len(key) - size + 1):
        part = key[start : start + size]
        found = body.find(part)
        while found >= 0:
            cover[found : found + size] = b"\x01" * size
            found = body.find(part, found + 1)
    if not any(cover):
        return body
    shown, result, at = mask(secret).encode(), bytearray(), 0
    while at < len(body):
        if cover[at]:
            result += shown
            while at < len(body) and cover[at]:
                at += 1
        else:
            result.append(body[at])
            at += 1
    return bytes(result)


def rejected(provider: Provider) -> Fault:
    """For a provider that refuses our key; its words may quote the key."""
    return Fault(
        REQUEST_ERRORS["provider_rejected"],
        f"{provider.title} refused the key that this instance has for it; its owner finds more in the settings.",
    )


def unreachable(provider: Provider, why: str = "could not be reached", headers: tuple[Header, ...] = ()) -> Fault:
    """For a provider of which nothing fit to pass on has come."""
    return Fault(REQUEST_ERRORS["provider_unreachable"], f"{provider.title} {why}.", headers=headers)


def ask_again(provider: Provider) -> Fault:
    """For a large request that a provider refused for what ARI added to it; the next one goes without."""
    return Fault(
        REQUEST_ERRORS["unavailable"],
        f"{provider.title} does not report the usage of streams. ARI remembers it now; send the request again.",
        headers=((b"retry-after", b"1"), (b"x-should-retry", b"true")),
    )


def fault_for(provider: Provider, word: FaultWord) -> Fault:
    """For a call that failed before an answer began."""
    if word == "timed_out":
        return Fault(REQUEST_ERRORS["provider_timed_out"], f"{provider.title} did not answer in time.")
    return unreachable(provider, words_for(word))


def words_for(word: FaultWord) -> str:
    """What went wrong, to follow the provider's name."""
    return {
        "unreachable": "could not be reached",
        "timed_out": "did not answer in time",
        "refused_address": "is at an address that ARI may not call",
        "tls": "has no valid certificate",
    }[word]
