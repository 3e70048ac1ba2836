"""One line of an import: what another system knows of one of its keys."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ari.base.clock import from_rfc3339
from ari.base.errors import Invalid, Problem
from ari.base.problems import Problems
from ari.base.secrets_in_text import looks_like_key
from ari.keys.expiry import check_expiry
from ari.keys.imports.schemes import StoredHash, parse_hash
from ari.keys.limits.budget_fields import BUDGET_FIELDS, parse_budgets
from ari.keys.limits.fields import LIMIT_FIELDS, parse_limits
from ari.keys.limits.rules import Budget, Limit
from ari.keys.model import Environment
from ari.keys.model_rules import NO_MODEL_RULES, ModelRules, parse_model_rules
from ari.keys.names import parse_name, parse_text
from ari.keys.ownership import parse_environment, parse_metadata, parse_tags
from ari.keys.policy import parse_addresses
from ari.keys.presets import DEFAULT_PRESET, PRESETS
from ari.keys.scopes import parse_scopes

MAX_HINT_LENGTH = 24
MAX_ITEMS = 100
LAST_LENGTH = 4
UNKNOWN_TEXT = "…"
_MAX_LENGTH = 1_024
_REQUIRED = ("name", "hash", "scheme")
_TEXTS = (*_REQUIRED, "foreign_id", "hint", "last4", "expires_at", "created_at", "consumer", "environment")
_LISTS = ("scopes", "tags", "addresses")
FIELDS = (*_TEXTS, "scopes", "disabled", "tags", "metadata", "addresses", "models", "limits", "budgets")


@dataclass(frozen=True, slots=True)
class ImportLine:
    """A valid line. ``made_at_ms`` is when the other system created the secret, if it is known.

    ``consumer`` is an ID or external ID, which is not looked up yet. ``environment`` ``None`` = that of the caller.
    """

    name: str
    scheme: str
    stored: StoredHash
    hint: str
    scopes: tuple[str, ...]
    expires_at_ms: int | None
    made_at_ms: int | None
    disabled: bool
    environment: Environment | None
    consumer: str | None
    tags: tuple[str, ...]
    metadata: str | None
    addresses: tuple[str, ...]
    models: ModelRules
    limits: tuple[Limit, ...]
    budgets: tuple[Budget, ...]


def parse_line(
    value: Any,
    now_ms: int,
    custom_scopes: Collection[str] = (),
    default_scopes: Sequence[str] = PRESETS[DEFAULT_PRESET].scopes,
) -> ImportLine:
    """The line in this JSON value. ``custom_scopes`` are those that the operator declared.

    Raises ``Invalid`` with the problems of all fields, never with a value of the line, which may be a secret.
    """
    given, problems = _check_shape(value), Problems()
    stored = problems.check(None, _read_hash, given)
    fields: dict[str, Any] = {
        "name": problems.check("", parse_name, given["name"]),
        "scheme": given["scheme"],
        "hint": "" if stored is None else problems.check("", _hint_of, given, stored),
        "scopes": problems.check((), parse_scopes, given.get("scopes", default_scopes), custom_scopes),
        "expires_at_ms": problems.check(None, _read_expiry, given, now_ms),
        "made_at_ms": problems.check(None, _read_creation, given, now_ms),
        "disabled": given.get("disabled", False),
        "environment": problems.check(None, _read_environment, given),
        "consumer": given.get("consumer"),
        "tags": problems.check((), parse_tags, given.get("tags", ())),
        "metadata": problems.check(None, parse_metadata, given.get("metadata")),
        "addresses": problems.check((), parse_addresses, tuple(given.get("addresses", ()))),
        "limits": problems.check((), _read_rules, given, "limits", LIMIT_FIELDS, parse_limits),
        "budgets": problems.check((), _read_rules, given, "budgets", BUDGET_FIELDS, parse_budgets),
        "models": problems.check(NO_MODEL_RULES, parse_model_rules, given.get("models")),
    }
    problems.raise_found()
    assert stored is not None
    return ImportLine(stored=stored, **fields)


def _read_hash(given: Mapping[str, Any]) -> StoredHash | None:
    return _require_no_secret(parse_hash(given["scheme"], given["hash"], given.get("foreign_id", "")))


def _read_expiry(given: Mapping[str, Any], now_ms: int) -> int | None:
    expires_at_ms = _time_of(given, "expires_at")
    return None if expires_at_ms is None else check_expiry(expires_at_ms, now_ms)


def _read_creation(given: Mapping[str, Any], now_ms: int) -> int | None:
    made_at_ms = _time_of(given, "created_at")
    if made_at_ms is not None and made_at_ms > now_ms:
        raise Invalid(Problem("created_at", "This time is in the future."))
    return made_at_ms


def _read_rules(given: Mapping[str, Any], field: str, known: Sequence[str], parse: Callable[..., Any]) -> Any:
    listed = given.get(field, ())
    unknown = [
        Problem(f"{field}.{number}", f"Unknown field. Fields: {', '.join(known)}.")
        for number, one in enumerate(listed)
        if any(name not in known for name in one)
    ]
    if unknown:
        raise Invalid(*unknown)
    return parse(listed)


def _read_environment(given: Mapping[str, Any]) -> Environment | None:
    return parse_environment(given["environment"]) if "environment" in given else None


def _check_shape(value: Any) -> dict[str, Any]:
    """The fields that aren't null, each of its type. Raises ``Invalid``."""
    if not isinstance(value, Mapping):
        raise Invalid(Problem("line", "Must be a JSON object."))
    given = {name: one for name, one in value.items() if one is not None}
    problems = [Problem(name, "This field is required.") for name in _REQUIRED if name not in given]
    if any(name not in FIELDS for name in given):
        problems.append(Problem("line", f"Unknown field. Fields: {', '.join(FIELDS)}."))
    problems += [Problem(name, "Must be a string.") for name in _TEXTS if not _is_text(given.get(name, ""))]
    if not isinstance(given.get("disabled", False), bool):
        problems.append(Problem("disabled", "Must be true or false."))
    if not isinstance(given.get("metadata", {}), dict):
        problems.append(Problem("metadata", "Must be a JSON object."))
    if not _is_model_rules(given.get("models", {})):
        problems.append(Problem("models", "Must be an object with the lists allow and deny."))
    rules = [name for name in ("limits", "budgets") if not _is_list_of_objects(given.get(name, []))]
    problems += [Problem(name, f"Must be a list of at most {MAX_ITEMS} objects.") for name in rules]
    for name in _LISTS:
        texts = given.get(name, [])
        if not isinstance(texts, list) or len(texts) > MAX_ITEMS or not all(map(_is_text, texts)):
            problems.append(Problem(name, f"Must be a list of at most {MAX_ITEMS} strings."))
    if problems:
        raise Invalid(*problems)
    return given


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_LENGTH


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= MAX_ITEMS and all(isinstance(one, dict) for one in value)


def _is_model_rules(value: Any) -> bool:
    return isinstance(value, dict) and all(
        name in ("allow", "deny") and isinstance(texts, list) and all(map(_is_text, texts))
        for name, texts in value.items()
    )


def _time_of(given: Mapping[str, Any], field: str) -> int | None:
    if field not in given:
        return None
    try:
        return from_rfc3339(given[field])
    except (ValueError, OverflowError):
        raise Invalid(Problem(field, "Use a time such as 2027-01-31T12:00:00Z.")) from None


def _hint_of(given: Mapping[str, Any], stored: StoredHash) -> str:
    """The part of the key that may be shown. Raises ``Invalid`` if it is the whole key."""
    hint = parse_text("hint", given.get("hint", ""), MAX_HINT_LENGTH)
    last = parse_text("last4", given.get("last4", ""), LAST_LENGTH)
    for field, text in (("hint", hint), ("last4", last), ("hint", hint.rstrip(UNKNOWN_TEXT) + last)):
        if _is_whole_key(text, stored) or _is_whole_key(text.replace(UNKNOWN_TEXT, "").replace("...", ""), stored):
            raise Invalid(Problem(field, "This is the whole key. Specify its first and last characters only."))
    if last:
        return f"{hint.rstrip(UNKNOWN_TEXT)[: MAX_HINT_LENGTH - LAST_LENGTH]}{UNKNOWN_TEXT}{last}"
    return hint or f"{stored.foreign_id[:MAX_HINT_LENGTH]}{UNKNOWN_TEXT}"


def _require_no_secret(stored: StoredHash) -> StoredHash:
    """The same hash. Raises ``Invalid`` if its ID is a key, such as after a mistake in the columns of an export."""
    text = stored.foreign_id
    parts = (text, text.partition("|")[2], text.partition(".")[2])
    if looks_like_key(text) or any(_is_whole_key(part, stored) for part in parts):
        raise Invalid(Problem("foreign_id", "This looks like a key. Specify the ID that the other system shows."))
    return stored


def _is_whole_key(text: str, stored: StoredHash) -> bool:
    return bool(text) and sha256(text.encode()).digest() == stored.digest
