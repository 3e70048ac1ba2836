"""React to a report that a key leaked: record it and, if the policy says so, disable or revoke the key.

Anyone with a key may report it, since they could use it. Doors don't reveal to strangers whether it exists.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ari.base.characters import category
from ari.base.clock import DAY_MS
from ari.base.secrets_in_text import CUT, cut_secrets
from ari.base.transaction import new_event
from ari.keys import token
from ari.keys.commands.change import KeyChange, change
from ari.keys.commands.rehash import list_salted
from ari.keys.commands.revoke import revoke
from ari.keys.imports import foreign_tokens
from ari.keys.kinds import LeakAction
from ari.keys.model import ApiKey
from ari.keys.ports import ImportTransaction
from ari.keys.queries import get_active_made_by

REVOKE_REASON = "Reported as leaked"
MAX_SALTED_WORDS = 3
MAX_EVENTS_PER_DAY = 3
"""Of one key; further reports are counted. The first places are worth reading."""
MAX_SOURCE_LENGTH = 100
MAX_URL_LENGTH = 300

_UNFIT = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


@dataclass(frozen=True, slots=True)
class LeakReport:
    """A text that may have a key in it, and where it was found: by which scanner or person, and at which URL."""

    token: str = field(repr=False)
    source: str | None = None
    url: str | None = None


def report_leak(tx: ImportTransaction, report: LeakReport, action: LeakAction) -> ApiKey | None:
    """Record the report if it names an active or disabled key, and act on the key: all in this transaction.

    The key's kind may have another ``action``.

    A secret that is retired harms nobody anymore, so it is not recorded, as with a key that is inactive.
    Returns the key before the action, deleted and inactive ones included, or ``None`` if it is no key of this instance.
    """
    return _act(tx, report, action, _find_key(tx, _list_digests(report.token)))


def _act(tx: ImportTransaction, report: LeakReport, action: LeakAction, found: ApiKey | None) -> ApiKey | None:
    """What ``report_leak`` does once it knows which key was ``found``."""
    key = None if found is None else tx.keys.get(found.id)
    if found is None or key is None or key.is_inactive(tx.now_ms):
        return found
    if found.secret is not None and found.secret.is_retired(tx.now_ms):
        return found
    kind = None if key.kind is None else tx.kinds.get(key.kind)
    if kind is not None and kind.defaults.leak_action is not None:
        action = kind.defaults.leak_action
    made = len(get_active_made_by(tx, key.id))
    detail = {
        "hint": found.used_hint,
        "name": key.name,
        "source": clean_source(report.source),
        "url": clean_url(report.url),
        "action": action,
        "active_keys_made": made or None,
    }
    event = new_event(tx, "key_leaked", key.id, {name: value for name, value in detail.items() if value is not None})
    tx.events.append_bounded(event, most=MAX_EVENTS_PER_DAY, within_ms=DAY_MS)
    if action == "revoke":
        revoke(tx, key.id, REVOKE_REASON)
    elif action == "disable":
        change(tx, key.id, KeyChange(disabled=True))
    return key


def list_salted_words(tx: ImportTransaction, text: str) -> list[bytes]:
    """The words of the text that may be imported keys whose salted hash was never checked; few, since that is slow."""
    words = foreign_tokens.list_words(text.encode("utf-8", "surrogatepass"))
    return [word for word in words if list_salted(tx, word)][:MAX_SALTED_WORDS] if tx.imports.has_salted() else []


def _list_digests(text: str) -> list[bytes]:
    """The digests of what may be a key in the text, such as a line of a file that someone copied as a whole.

    Imported keys have no shape, so each word may be one.
    """
    content = text.encode("utf-8", "surrogatepass")
    digests = [token.digest(found) for _, found in token.find_tokens(content)]
    return digests + [token.digest(word) for word in foreign_tokens.list_words(content)]


def _find_key(tx: ImportTransaction, digests: Sequence[bytes], known: Collection[bytes] | None = None) -> ApiKey | None:
    """The first key of this instance with one of these digests; ``known`` are those that secrets have."""
    stored = tx.imports.find_digests(digests) if known is None else known
    return next((tx.keys.find(digest) for digest in digests if digest in stored), None)


def report_leaks(tx: ImportTransaction, reports: Sequence[LeakReport], action: LeakAction) -> list[bool]:
    """Report several at once, all in this transaction; for each, whether it is or was a key of this instance."""
    listed = [_list_digests(report.token) for report in reports]
    known = tx.imports.find_digests([digest for digests in listed for digest in digests])
    return [
        _act(tx, report, action, _find_key(tx, digests, known)) is not None
        for report, digests in zip(reports, listed, strict=True)
    ]


def clean_source(text: str | None) -> str | None:
    """The name of a scanner, a person or a place: cut, without keys and invisible characters."""
    return _clean(text or "", MAX_SOURCE_LENGTH) or None


def clean_url(text: str | None) -> str | None:
    """The URL without user, query and fragment, which may hold secrets; ``None`` for anything but http(s)."""
    try:
        parts = urlsplit((text or "").strip())
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    return _clean(f"{parts.scheme}://{host}{parts.path}", MAX_URL_LENGTH)


def _clean(text: str, limit: int) -> str:
    visible = "".join(" " if category(letter) in _UNFIT else letter for letter in text[: 10 * limit])
    short = " ".join(cut_secrets(visible).split())
    return short if len(short) <= limit else short[: limit - 1] + CUT
