"""Secrets in text that others wrote: found by their looks and cut, so that no log or page keeps one (security.md 17).

A cut secret keeps its first 10 characters, enough to recognize its kind: ``ari_k_Ab12…``. An ARI key of another kind
keeps its prefix and 4 characters.
"""

import re
from urllib.parse import unquote

from ari.base.token_shape import BODY_LENGTH, PREFIX, find_tokens

KEPT_CHARACTERS = 10
CUT = "…"
_MAX_DECODINGS = 4

# A damaged key (an odd character or a line break in it, a missing end) is cut as well: until all its 49 letters and
# digits were seen, further long runs of them count as its parts. A key's hint, "ari_k_Ab12…wxyz", is public and stays.
_PARTS = r"(?:[^0-9A-Za-z]{1,3}[0-9A-Za-z]{8,})*"
_DAMAGED = r"(?=.{0,8}?[0-9A-Za-z]{16})[^0-9A-Za-z]{0,3}[0-9A-Za-z]*"
_ARI_KEY = rf"(?i:ari_k_)(?:[0-9A-Za-z]{{49,}}|[0-9A-Za-z]{{5,48}}{_PARTS}|{_DAMAGED}{_PARTS})"

_UNMISTAKABLE = (
    r"sk-(?:ant|or|proj|svcacct|admin)-[\w-]{6,}",  # Anthropic, OpenRouter, OpenAI
    r"AIza[\w-]{12,}",  # Google
    r"gsk_[0-9A-Za-z]{12,}|xai-[0-9A-Za-z]{12,}|pplx-[0-9A-Za-z]{12,}",  # Groq, xAI, Perplexity
    r"gh[opsur]_[0-9A-Za-z]{12,}|github_pat_\w{12,}|glpat-[\w-]{12,}",
    r"xox[abeprs]-[\w-]{10,}|whsec_[\w+/]{12,}|pypi-[\w-]{16,}|dop_v1_[0-9a-f]{12,}",
    r"tgp_v1_[\w-]{12,}",  # Together
)

_AT_A_START = (
    r"sk-(?=[A-Za-z_-]{0,40}[0-9])[\w-]{12,}",  # OpenAI, DeepSeek
    r"[sr]k_(?:live|test)_\w{6,}",  # Stripe
    r"sk_(?=[A-Za-z]{0,40}[0-9])[0-9A-Za-z]{16,}",  # ElevenLabs
    r"re_(?=[A-Za-z_]{0,40}[0-9])[0-9A-Za-z]{4,}_?[0-9A-Za-z]{8,}",  # Resend
    r"hf_[0-9A-Za-z]{16,}|npm_[0-9A-Za-z]{20,}|r8_[0-9A-Za-z]{20,}|ya29\.[\w-]{12,}",
    r"SG\.[\w-]{16,}(?:\.[\w-]+)?",  # SendGrid
    r"(?:AKIA|ASIA)[0-9A-Z]{12,}",  # AWS
    r"eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?",  # JSON Web Tokens
)
"""Also parts of ordinary words ("task-…"), so no letter or digit may precede them."""

# A key without its prefix, or of a kind not listed: 40 or more letters and digits, mixed as only chance mixes them.
_RANDOM_RUN = r"(?=[0-9a-z]*[A-Z])(?=[0-9A-Z]*[a-z])(?=[A-Za-z]*[0-9])[0-9A-Za-z]{40,}"

_SECRET = re.compile(
    rf"{_ARI_KEY}|{'|'.join(_UNMISTAKABLE)}|(?<![0-9A-Za-z])(?:{'|'.join(_AT_A_START)}|{_RANDOM_RUN})",
    re.ASCII | re.DOTALL,
)


HARMLESS = "0123456789abcdef-.:"
"""No pattern matches a text of these alone: UUIDs, trace IDs and addresses, of which every request has some."""
_TOKEN_BODY = re.compile(rf"_[0-9A-Za-z]{{{BODY_LENGTH}}}")
_SHOWN = 4

_ADDRESS_PASSWORD = re.compile(r"(\b(?:postgres(?:ql)?(?:\+\w+)?|smtps?)://[^\s/:@\"']*:)\S*@", re.IGNORECASE)
_PASSWORD_WORD = re.compile(r"\b((?:ssl)?password=)(?:'(?:[^'\\]|\\.)*'|[^\s&'\"]+)", re.IGNORECASE)


def cut_secrets(text: str) -> str:
    """``text`` with everything that looks like a key cut to its first characters.

    Text whose percent-encoding hides a key comes back decoded; without one it comes back as it is.
    """
    if not text.strip(HARMLESS):
        return text
    cut = _cut_plain(text)
    if "%" not in cut:
        return cut
    for decoded in _decodings(cut):
        if _cut_plain(decoded) != decoded:
            return cut_secrets(decoded)
    return cut


def mask_passwords(text: str) -> str:
    """``text`` without the passwords of the addresses (``scheme://user:password@``) and of libpq's words in it."""
    return _PASSWORD_WORD.sub(r"\1***", _ADDRESS_PASSWORD.sub(r"\1***@", text))


def looks_like_key(text: str) -> bool:
    """Whether ``text`` holds something that looks like an API key, whole or in part, ours or a provider's."""
    return cut_secrets(text) != text


def _cut_plain(text: str) -> str:
    return _SECRET.sub(_cut, _cut_other_kinds(text) if _TOKEN_BODY.search(text) else text)


def _cut_other_kinds(text: str) -> str:
    """``text`` with ARI keys of other kinds than the default cut, and letters and digits that follow them."""
    data, kept, end = text.encode("utf-8", "surrogatepass"), [], 0
    for start, token in find_tokens(data):
        if not token.startswith(PREFIX.encode()):
            kept += [data[end : start + len(token) - BODY_LENGTH + _SHOWN], CUT.encode()]
            end = start + len(token)
            while data[end : end + 1].isalnum():
                end += 1
    return b"".join([*kept, data[end:]]).decode("utf-8", "surrogatepass")


def _cut(match: re.Match[str]) -> str:
    return match[0][:KEPT_CHARACTERS] + CUT


def _decodings(text: str) -> list[str]:
    """``text`` percent-decoded once, twice …, as long as that changes it."""
    found: list[str] = []
    while len(found) < _MAX_DECODINGS:
        decoded = unquote(text, errors="replace")
        if decoded == text:
            break
        found.append(text := decoded)
    return found
