"""React to a report that a key leaked: record it and, if the policy says so, disable or revoke the key.

Anyone with a key may report it, since they could use it. Doors don't reveal to strangers whether it exists.
"""

from collections.abc import Sequence
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
from ari.keys.ports import ImportTransaction, KeyTransaction
from ari.keys.queries import get_active_made_by
from ari.keys.restored_keys import forget_restored_key

REVOKE_REASON = "Reported as leaked"
MAX_SALTED_WORDS = 3
MAX_EVENTS_PER_DAY = 3
"""Of one key; further reports are counted. The first places are worth reading."""
MAX_KEYS_IN_REPORT = 20
MAX_SOURCE_LENGTH = 100
MAX_URL_LENGTH = 300

_UNFIT = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


@dataclass(frozen=True, slots=True)
class LeakReport:
    """A text that may have keys in it, and where it was found: by which scanner or person, and at which URL."""

    token: str = field(repr=False)
    source: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class LeakedKey:
    """A key of this instance in a report, as it was before.

    ``action`` is what happened to it; ``None`` if neither it nor this secret could be used anymore.
    """

    key: ApiKey
    action: LeakAction | None


def report_leak(tx: ImportTransaction, report: LeakReport, action: LeakAction) -> list[LeakedKey]:
    """Record the report for each active or disabled key in its text, and act on these: all in this transaction.

    A key's kind may have another ``action``. A secret that is retired harms nobody anymore, so it is not recorded, as
    with a key that is inactive. Returns the keys of this instance, deleted and inactive ones included.
    """
    return report_leaks(tx, [report], action)[0]


def report_leaks(tx: ImportTransaction, reports: Sequence[LeakReport], action: LeakAction) -> list[list[LeakedKey]]:
    """Report several at once, all in this transaction; the keys of each."""
    listed = [_list_digests(report.token) for report in reports]
    known = tx.imports.find_digests([digest for digests in listed for digest in digests])
    return [
        _act(tx, report, action, [digest for digest in digests if digest in known])
        for report, digests in zip(reports, listed, strict=True)
    ]


def choose_leak_action(tx: KeyTransaction, key: ApiKey, action: LeakAction) -> LeakAction:
    """What happens to this key if it is reported: its kind's action, or else this one."""
    kind = None if key.kind is None else tx.kinds.get(key.kind)
    return action if kind is None or kind.defaults.leak_action is None else kind.defaults.leak_action


def _act(tx: KeyTransaction, report: LeakReport, action: LeakAction, digests: Sequence[bytes]) -> list[LeakedKey]:
    """What ``report_leak`` does once it knows which of the digests are those of secrets."""
    leaked: dict[str, LeakedKey] = {}
    for digest in digests[:MAX_KEYS_IN_REPORT]:
        found = tx.keys.find(digest)
        known = None if found is None else leaked.get(found.id)
        if found is not None and (known is None or known.action is None):  # one of its secrets may be retired
            leaked[found.id] = LeakedKey(found, _act_on(tx, report, action, found))
    return list(leaked.values())


def _act_on(tx: KeyTransaction, report: LeakReport, action: LeakAction, found: ApiKey) -> LeakAction | None:
    key = tx.keys.get(found.id)
    if key is None or key.is_inactive(tx.now_ms):
        return None
    if found.secret is not None and found.secret.is_retired(tx.now_ms):
        return None
    action = choose_leak_action(tx, key, action)
    forget_restored_key(tx.key_value, key.id)  # even if the policy only notifies: a person reviews it
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
    return action


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
    return list(dict.fromkeys((*digests, *(token.digest(word) for word in foreign_tokens.list_words(content)))))


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
