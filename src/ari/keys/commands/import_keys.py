"""Import keys of other systems by their hashes, so that their holders keep them."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ari.base.clock import to_optional_rfc3339
from ari.base.errors import Forbidden, Invalid, Problem
from ari.base.events import Event
from ari.base.ids import new_id
from ari.base.transaction import new_event, record
from ari.keys import granting
from ari.keys.assignment_checks import default_environment, get_calling_key, inherit
from ari.keys.commands.consumers import require_consumer
from ari.keys.commands.presets import get_default_preset
from ari.keys.imports.lines import ImportLine, parse_line
from ari.keys.imports.schemes import SALTED
from ari.keys.instance_policy import limit_lifetime
from ari.keys.limits.budget_changes import replace_budgets
from ari.keys.limits.changes import replace_limits
from ari.keys.limits.rule_facts import describe_rules
from ari.keys.limits.rules import NO_RULES
from ari.keys.model import ApiKey, Consumer, ImportedKey, KeySecret
from ari.keys.policy import Policy
from ari.keys.ports import ImportTransaction

MAX_LINES = 10_000
"""Of one import. It is one transaction, for which other changes wait."""
_TAKEN = Problem("hash", "This key is stored already, or was.")
_REPEATED = Problem("hash", "An earlier line has the same hash.")
_TAKEN_ID = Problem("foreign_id", "A key with this ID is stored already, or was.")
_STORED = (_TAKEN, _TAKEN_ID)
_REPEATED_ID = Problem("foreign_id", "An earlier line has the same ID.")


@dataclass(frozen=True, slots=True)
class LineResult:
    """The key of a line, or its problems. It is no failure if the key is stored already, as in a second import."""

    line: int
    key: ApiKey | None
    problems: tuple[Problem, ...] = ()

    @property
    def is_stored(self) -> bool:
        return any(problem in _STORED for problem in self.problems)

    @property
    def has_failed(self) -> bool:
        return self.key is None and not self.is_stored


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The results of all lines, in their order."""

    lines: list[LineResult]

    @property
    def keys(self) -> list[ApiKey]:
        return [line.key for line in self.lines if line.key is not None]

    @property
    def failed(self) -> list[LineResult]:
        return [line for line in self.lines if line.has_failed]


@dataclass(frozen=True, slots=True)
class PreparedImport:
    """The lines of an import, read and checked by the rules of ``rules``: declared scopes and default scopes."""

    lines: Mapping[int, ImportLine | tuple[Problem, ...]]
    values: Mapping[int, Any]
    rules: tuple[frozenset[str], tuple[str, ...]]


def prepare_import(tx: ImportTransaction, values: Mapping[int, Any]) -> PreparedImport:
    """Read and check lines, JSON values by their numbers: most of the work of an import, for which no change waits.

    Raises ``Invalid`` for too many lines.
    """
    if not 0 < len(values) <= MAX_LINES:
        raise Invalid(Problem("keys", f"Import between 1 and {MAX_LINES:,} keys at once."))
    return _parse_all(tx, values, _read_rules(tx))


def import_keys(tx: ImportTransaction, prepared: PreparedImport, *, all_or_nothing: bool = False) -> ImportResult:
    """Store a key for each valid line.

    A repeated import changes nothing: its keys are stored already. Raises ``Invalid`` for any invalid line if
    ``all_or_nothing``; ``ReauthRequired``; ``Forbidden`` if the caller would grant more than it holds.
    """
    imported, result = _make_keys(tx, prepared)
    if all_or_nothing and result.failed:
        raise Invalid(*_describe_problems(result.failed))
    tx.imports.add(imported)
    tx.events.append_all([_make_event(tx, one) for one in imported])
    if imported:
        schemes = dict(Counter(one.secret.scheme for one in imported))
        record(tx, "keys_imported", None, {"imported": len(imported), "failed": len(result.failed), "schemes": schemes})
    return result


def check_import(tx: ImportTransaction, values: Mapping[int, Any]) -> ImportResult:
    """The result that ``import_keys`` would have; nothing is stored. Raises what it raises."""
    return _make_keys(tx, prepare_import(tx, values))[1]


def import_facts(results: Sequence[LineResult], *, dry_run: bool) -> dict[str, Any]:
    """The JSON of an import, the same at every door."""
    return {
        "imported": sum(one.key is not None for one in results),
        "already_stored": sum(one.is_stored for one in results),
        "failed": sum(one.has_failed for one in results),
        "items": [
            {
                "line": one.line,
                "id": None if one.key is None or dry_run else one.key.id,
                "already_stored": one.is_stored,
                "errors": [{"location": problem.location, "message": problem.message} for problem in one.problems],
            }
            for one in results
        ],
    }


def _describe_problems(failed: Sequence[LineResult]) -> list[Problem]:
    """The problems of lines, each with the number of its line."""
    return [
        Problem(f"keys.{one.line - 1}.{problem.location}", describe_line(one.line, problem))
        for one in failed
        for problem in one.problems
    ]


def describe_line(number: int, problem: Problem) -> str:
    """A problem with the number of its line, and its field unless it is about the whole line."""
    field = "" if problem.location == "line" or problem in _STORED else f"{problem.location}: "
    return f"Line {number}: {field}{problem.message}"


def _read_rules(tx: ImportTransaction) -> tuple[frozenset[str], tuple[str, ...]]:
    return frozenset(tx.scopes.names()), tuple(get_default_preset(tx).scopes)


def _parse_all(
    tx: ImportTransaction, values: Mapping[int, Any], rules: tuple[frozenset[str], tuple[str, ...]]
) -> PreparedImport:
    lines = {number: _parse(value, tx.now_ms, *rules) for number, value in values.items()}
    return PreparedImport(lines, values, rules)


def _make_keys(tx: ImportTransaction, prepared: PreparedImport) -> tuple[list[ImportedKey], ImportResult]:
    rules = _read_rules(tx)
    if rules != prepared.rules:  # someone changed them since
        prepared = _parse_all(tx, prepared.values, rules)
    taken = _find_taken(tx, [line for line in prepared.lines.values() if isinstance(line, ImportLine)])
    maker = _KeyMaker(tx)
    imported: list[ImportedKey] = []
    results: list[LineResult] = []
    for number, line in prepared.lines.items():
        if not isinstance(line, ImportLine):
            results.append(LineResult(number, None, line))
            continue
        problem = taken.get(line.stored.digest) or taken.get(_find_salted_id(line))
        if problem is not None:
            results.append(LineResult(number, None, (problem,)))
            continue
        taken[line.stored.digest] = _REPEATED
        if line.scheme in SALTED:
            taken[line.scheme, line.stored.foreign_id] = _REPEATED_ID
        try:
            one = maker.make(number, line)
        except Invalid as error:
            results.append(LineResult(number, None, error.problems))
            continue
        imported.append(one)
        results.append(LineResult(number, one.key))
    return imported, ImportResult(results)


def _parse(
    value: Any, now_ms: int, custom_scopes: Collection[str], default: Sequence[str]
) -> ImportLine | tuple[Problem, ...]:
    try:
        return parse_line(value, now_ms, custom_scopes, default)
    except Invalid as error:
        return error.problems


def _find_taken(tx: ImportTransaction, lines: Sequence[ImportLine]) -> dict[bytes | tuple[str, str] | None, Problem]:
    """The problem with each digest that is taken, and with each id by which a salted hash is found."""
    taken: dict[bytes | tuple[str, str] | None, Problem] = {}
    for scheme in SALTED:
        ids = [line.stored.foreign_id for line in lines if line.scheme == scheme]
        taken |= {(scheme, one): _TAKEN_ID for one in tx.imports.find_foreign_ids(scheme, ids)}
    return taken | dict.fromkeys(tx.imports.find_digests([line.stored.digest for line in lines]), _TAKEN)


def _find_salted_id(line: ImportLine) -> tuple[str, str] | None:
    """Two salted hashes with one id would double the work of each request with a wrong key."""
    return None if line.stored.foreign_hash is None else (line.scheme, line.stored.foreign_id)


class _KeyMaker:
    """Makes the keys of one import; what many of its lines share is read or checked once."""

    def __init__(self, tx: ImportTransaction) -> None:
        self._tx = tx
        self._calling = get_calling_key(tx)
        self._instance_policy = tx.instance_policy.get()
        self._consumers: dict[str | None, Consumer | None] = {}
        self._granted: set[tuple[object, ...]] = set()

    def make(self, number: int, line: ImportLine) -> ImportedKey:
        """The secret keeps the date of the other system; ARI has the key since now, which its reports go by.

        Raises ``Invalid`` for an unknown consumer, or an expiry later than the instance allows, and ``Forbidden`` with
        the line's number.
        """
        try:
            return self._make(line)
        except Forbidden as error:
            raise Forbidden(f"Line {number}: {error}", error.scope) from None

    def _make(self, line: ImportLine) -> ImportedKey:
        tx, stored, is_chosen = self._tx, line.stored, line.expires_at_ms is not None
        made_at_ms = tx.now_ms if line.made_at_ms is None else line.made_at_ms
        secret = KeySecret(1, line.hint, made_at_ms, scheme=line.scheme, foreign_id=stored.foreign_id)
        rules = replace_budgets(replace_limits(NO_RULES, line.limits), line.budgets)
        key = ApiKey(
            id=new_id("key", tx.now_ms),
            name=line.name,
            hint=line.hint,
            scopes=line.scopes,
            created_at_ms=tx.now_ms,
            created_by=tx.caller.actor,
            expires_at_ms=limit_lifetime(self._instance_policy, line.expires_at_ms, tx.now_ms, chosen=is_chosen),
            disabled=line.disabled,
            environment=line.environment or default_environment(self._calling),
            tags=line.tags,
            metadata=line.metadata,
            policy=Policy(line.addresses, rules, models=line.models),
            consumer=self._find_consumer(line.consumer),
            secret=secret,
        )
        key = inherit(self._calling, key)
        self._require_grant(key)
        return ImportedKey(key, secret, stored.digest, stored.foreign_hash)

    def _find_consumer(self, reference: str | None) -> Consumer | None:
        if reference not in self._consumers:
            self._consumers[reference] = require_consumer(self._tx, reference)
        return self._consumers[reference]

    def _require_grant(self, key: ApiKey) -> None:
        """A new key is judged by its scopes, expiry, addresses, models and what it belongs to only."""
        belongs_to = (key.environment, key.consumer_id, key.tags, key.metadata)
        asked = (key.scopes, key.expires_at_ms, key.policy.addresses, key.policy.models, *belongs_to)
        if asked not in self._granted:
            granting.require_grant(self._tx, None, key)
            self._granted.add(asked)


def _make_event(tx: ImportTransaction, one: ImportedKey) -> Event:
    detail = {"hint": one.key.hint, "name": one.key.name, "scopes": list(one.key.scopes), "scheme": one.secret.scheme}
    detail |= describe_rules(one.key.policy.limits)
    expires_at = to_optional_rfc3339(one.key.expires_at_ms)
    return new_event(tx, "key_imported", one.key.id, detail | {"expires_at": expires_at})
