"""Decide whether a provider's error means that it rejects the key, or that the request failed for another reason.

401 alone isn't enough: OpenAI returns 401 if a restricted key lacks a permission or the organization doesn't match,
ElevenLabs and Perplexity if the credit is used up, others if a region or an address isn't allowed.
"""

import json
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

_MAX_BYTES = 64 * 1024
_MAX_WORDS = 300
"""Of a message: what comes later is the request's own, repeated."""
_CODE_FIELDS = ("code", "type", "status", "reason", "name", "param", "error_code")
_MESSAGE_FIELDS = ("message", "detail", "error", "msg", "error_description", "title")


class Said(Enum):
    """The meaning of an error for the key.

    ``OTHER``: another reason; ``UNCLEAR``: text that ARI doesn't recognize; ``NOTHING``: no reason at all, as in
    ``{"detail": "Unauthorized"}``.
    """

    REFUSED = "refused"
    OTHER = "other"
    UNCLEAR = "unclear"
    NOTHING = "nothing"


_REFUSED_CODES = re.compile(
    "(invalid|incorrect|wrong|unknown|expired|revoked|disabled|deactivated|missing)_(api_)?(key|token|credentials?)|"
    "api_?key_(invalid|expired|disabled|not_found|revoked|deactivated)|account_deactivated|"
    "key_(expired|not_found|disabled|revoked)|token_(expired|not_found_in_db|revoked)|expired_key|no_api_key|"
    "invalid_authentication|authentication_failed"
)
_OTHER_CODES = re.compile(
    ".*(missing_(scope|permission)|insufficient|permission|quota|credit|balance|billing|payment|budget|budget_exceeded|"
    "limit|organization|organisation|project|workspace|region|country|territory|location|(^|_)ip(_|$)|address|"
    "unusual_activity|model|voice|plan|tier|subscription|terms|verification|unverified|not_enabled|"
    "service_disabled|service_blocked|access_token_type_unsupported|not_supported|unsupported|only_for).*"
)
_OTHER_WORDS = re.compile(
    r"insufficient permission|missing (the )?(scopes?|permissions?|required (scope|permission))|"
    r"does not have (the )?(access|permission|required)|do(es)?n.t have (access|permission)|not (allowed|authorized|"
    r"permitted|entitled|enabled|available|supported)\b.*\b(model|endpoint|operation|api|region|country|resource|"
    r"organi[sz]ation|project|ip|address|feature|method)|"
    r"\b(quota|credits?|balance|billing|budget|rate limit|subscription|free tier|upgrade|payment)\b|"
    r"\b(organi[sz]ation|project|workspace|region|country|territory|location)\b|\bip( address)?\b|whitelist|allowlist|"
    r"unusual activity|expected oauth|not supported by this api|model access|access (the|this) model|"
    r"clock|timestamp",
    re.IGNORECASE,
)
_CREDENTIAL = (
    r"(api[ _-]?key|x-api-key|xi-api-key|\bkey\b|auth\w* token|access token|bearer|token|credentials?|auth header)"
)
_REFUSED_WORDS = re.compile(
    rf"(invalid|incorrect|wrong|bad|unknown|unrecogni[sz]ed|malformed|expired|revoked|disabled|deactivated|deleted|"
    rf"missing|no|not? valid|didn.t provide an)[^.]{{0,40}}?{_CREDENTIAL}|"
    rf"{_CREDENTIAL}[^.]{{0,60}}?(invalid|incorrect|wrong|not (valid|found|recogni[sz]ed)|unknown|does not exist|"
    r"has expired|is expired|expired|revoked|disabled|deactivated|deleted|required|missing|is not correct)|"
    r"authentication (fails|failed|error)|invalid authentication|failed to authenticate|could not (authenticate|"
    r"validate credentials)|user not found|no such user|unauthenticated|account .{0,30}(deactivated|disabled|deleted)",
    re.IGNORECASE,
)
_NO_REASON = re.compile(
    r"\b(authentication[ _]error|authentication required|authentication|authorization required|auth_error|"
    r"unauthorized_error|unauthori[sz]ed|unauthenticated|not authori[sz]ed|not authenticated|forbidden|"
    r"invalid[ _]request(_error)?|error|none|null|nginx|openresty|cloudflare|[\W\d]+)\b",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[^\W\d_]")
_TAG = re.compile(r"<[^>]*>")


def parse_key_error(body: bytes) -> Said:
    """Interpret an error's body. Error codes take precedence over messages."""
    codes, messages = _parts(body[:_MAX_BYTES])
    if any(_REFUSED_CODES.fullmatch(code) for code in codes):
        return Said.REFUSED
    if any(_OTHER_CODES.fullmatch(code) for code in codes):
        return Said.OTHER
    if any(_OTHER_WORDS.search(words) for words in messages):
        return Said.OTHER
    if any(_REFUSED_WORDS.search(words) for words in messages):
        return Said.REFUSED
    told = any(_LETTER.search(_NO_REASON.sub("", words)) for words in messages)
    return Said.UNCLEAR if told else Said.NOTHING


def begins_with(body: bytes, mark: str) -> bool:
    """Whether an error code equals this mark or a message begins with it; a caller's text can't be at the beginning."""
    codes, messages = _parts(body[:_MAX_BYTES])
    return mark.lower() in codes or any(words.startswith(mark) for words in messages)


def _parts(body: bytes) -> tuple[list[str], list[str]]:
    """The codes of an error, in lower case with underscores, and its messages."""
    text = body.decode("utf-8", "replace").strip()
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return [], [" ".join(_TAG.sub(" ", text).split())[:_MAX_WORDS]]
    codes, messages = [], []
    for name, words in _strings(document, "", 0):
        if name in _CODE_FIELDS:
            codes.append(re.sub(r"[\s-]+", "_", words.strip().lower())[:_MAX_WORDS])
        elif name in _MESSAGE_FIELDS or not name:
            messages.append(words[:_MAX_WORDS])
    return codes, messages


def _strings(document: Any, name: str, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(document, str):
        yield name, document
    elif depth < 6 and isinstance(document, dict):
        for inner, value in document.items():
            yield from _strings(value, inner.lower(), depth + 1)
    elif depth < 6 and isinstance(document, list):
        for value in document[:20]:
            yield from _strings(value, name, depth + 1)
