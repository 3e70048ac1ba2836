"""Which API key a request presents, in ``x-api-key`` or ``Authorization``.

``Authorization: Bearer KEY`` and ``Authorization: ApiKey KEY`` are documented. So is ``Api-Key KEY``, which clients of
djangorestframework-api-key send. Two common slips are unambiguous and accepted too: the key alone in ``Authorization``,
and the word ``Bearer`` or ``ApiKey`` in ``x-api-key``. Other schemes are ignored: a proxy in front of ARI may use them.
"""

import re
from collections.abc import Sequence

import msgspec

from ari.base.hidden_fields import HiddenFields
from ari.http.request_head import RequestHead
from ari.keys.token import PREFIX, is_token

CONTRADICTION = "Send exactly one API key, once and without a comma; x-api-key and Authorization must not differ."


class Credentials(HiddenFields, msgspec.Struct, frozen=True):
    """``tokens`` are all different texts sent as keys; more than one, or ``duplicated``, is a contradiction."""

    tokens: tuple[bytes, ...]
    duplicated: bool

    @property
    def is_contradictory(self) -> bool:
        return self.duplicated or len(self.tokens) > 1


_NOTHING = Credentials((), duplicated=False)
_BLANK = b" \t"
_SCHEME = re.compile(rb"(?:bearer|api-?key)[ \t]+(.*)", re.IGNORECASE | re.DOTALL)
_SCHEMES = (b"bearer", b"apikey", b"api-key")
_BARE = PREFIX.encode()
_AROUND = tuple(bytes([byte]) for byte in b"\"'<>{}[]()`")
_QUOTES = (b'"', b"'", b"`")
_VARIABLE = re.compile(rb"\$.*|%24.*|\{\{.*\}\}|%\w+%", re.DOTALL)
"""A variable that was not replaced: of a shell, a template or cmd.exe."""
_ASSIGNMENT = re.compile(rb"(?:export[ \t]+)?\w+[ \t]*=.*", re.DOTALL)


def read_credentials(head: RequestHead) -> Credentials:
    """The credentials of the head. A header sent twice or holding a comma counts as duplicated (security.md 2)."""
    key, authorization = head.headers.get(b"x-api-key"), head.headers.get(b"authorization")
    if authorization is None:
        if key is None:
            return _NOTHING
        if head.repeated is None and b"," not in key:
            return Credentials(
                (key.strip(_BLANK) if key.startswith(_BARE) else _without_scheme(key),), duplicated=False
            )
    return _read_lines(head.lines(b"x-api-key"), head.lines(b"authorization"))


def explain_mistake(head: RequestHead) -> str | None:
    """A hint about how the key was sent, for callers whose key wasn't found; it never contains a value."""
    for name in ("x-api-key", "authorization"):
        for line in head.lines(name.encode()):
            value = line.strip(_BLANK)
            found = _explain(name, value)
            if found is not None:
                return found
    return None


def _explain(name: str, value: bytes) -> str | None:
    scheme, _, rest = value.partition(b" ")
    word, credential = scheme.lower(), _without_scheme(value)
    is_ours = word.rstrip(b":") in _SCHEMES
    if not credential or (is_ours and not rest):
        return f"There is no key in the header {name}."
    if word.endswith(b":") and is_ours:
        return "Write the scheme without a colon: Authorization: Bearer KEY."
    if name == "authorization" and value[:1] in _QUOTES:
        return "Authorization has quotes around its value. Send it without them: Authorization: Bearer KEY."
    if name == "authorization" and not is_ours and not _is_bare(value):
        return "Authorization has a scheme that ARI does not read. Send Authorization: Bearer KEY, or x-api-key: KEY."
    return _explain_key(name, credential)


def _explain_key(name: str, credential: bytes) -> str | None:
    if _VARIABLE.fullmatch(credential):
        return f"The header {name} holds the name of a variable instead of the key."
    if credential[:1] in _AROUND or credential[-1:] in _AROUND:
        return f"The key in {name} has quotes or brackets around it. Send it without them."
    if _ASSIGNMENT.fullmatch(credential):
        return f"The header {name} holds the name of a variable and = before the key. Send the key alone."
    if b" " in credential or b"\t" in credential:
        return f"The key in {name} has a space in it. Send it as it was shown, in one piece."
    return None


def _is_bare(value: bytes) -> bool:
    """Whether this is a key without a scheme."""
    return value.startswith(_BARE) or is_token(value)


def _without_scheme(value: bytes) -> bytes:
    """The key, without a scheme in front of it; ``Bearer Bearer KEY`` is a slip of client libraries."""
    value = value.strip(_BLANK)
    while found := _SCHEME.fullmatch(value):
        value = found[1].strip(_BLANK)
    return value


def _read_lines(key_lines: Sequence[bytes], authorization: Sequence[bytes]) -> Credentials:
    named = [line for line in authorization if _SCHEME.match(line.strip(_BLANK)) or _is_bare(line.strip(_BLANK))]
    duplicated = len(key_lines) > 1 or len(authorization) > 1
    tokens: dict[bytes, None] = {}
    for line in (*key_lines, *named):
        parts = line.split(b",")
        duplicated = duplicated or len(parts) > 1
        tokens.update(dict.fromkeys(_without_scheme(part) for part in parts))
    return Credentials(tuple(tokens), duplicated)
