"""Import keys of other systems by their hashes, so that their holders keep them."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ari.base.clock import to_optional_rfc3339
from ari.base.errors import Forbidden, Invalid, Problem
from ari.base.ids import new_id
from ari.base.transaction import record
from ari.keys import granting
from ari.keys.commands.consumers import require_consumer
from ari.keys.commands.presets import get_default_preset
from ari.keys.events import record_key
from ari.keys.imports.lines import ImportLine, parse_line
from ari.keys.imports.schemes import DJANGO
from ari.keys.instance_policy import limit_lifetime
from ari.keys.model import ApiKey, ImportedKey, KeySecret
from ari.keys.policy import Policy
from ari.keys.ports import ImportTransaction

MAX_LINES = 10_000
"""Of one import. It is one transaction, for which other changes wait."""
_TAKEN = Problem("hash", "A key with this hash is stored already, or was.")
_REPEATED = Problem("hash", "An earlier line has the same hash.")
_TAKEN_ID = Problem("foreign_id", "A key with this ID is stored already, or was.")
_REPEATED_ID = Problem("foreign_id", "An earlier line has the same ID.")


@dataclass(frozen=True, slots=True)
class LineResult:
    """The key of a line, or its problems."""

    line: int
    key: ApiKey | None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The results of all lines, in their order."""

    lines: list[LineResult]

    @property
    def keys(self) -> list[ApiKey]:
        return [line.key for line in self.lines if line.key is not None]

    @property
    def failed(self) -> list[LineResult]:
        return [line for line in self.lines if line.key is None]


def import_keys(tx: ImportTransaction, values: Mapping[int, Any], *, all_or_nothing: bool = False) -> ImportResult:
    """Store a key for each valid line; ``values`` are JSON values by the number of their line.

    A repeated import changes nothing: its hashes are stored already. Raises ``Invalid`` for too many lines, and for any
    invalid one if ``all_or_nothing``; ``ReauthRequired``; ``Forbidden`` if the caller would grant more than it holds.
    """
    imported, result = _prepare(tx, values)
    if all_or_nothing and result.failed:
        raise Invalid(*_describe_problems(result.failed))
    tx.imports.add(imported)
    for one in imported:
        detail = {"name": one.key.name, "scopes": list(one.key.scopes), "scheme": one.secret.scheme}
        expires_at = to_optional_rfc3339(one.key.expires_at_ms)
        record_key(tx, "key_imported", one.key, detail | {"expires_at": expires_at})
    if imported:
        schemes = dict(Counter(one.secret.scheme for one in imported))
        record(tx, "keys_imported", None, {"imported": len(imported), "failed": len(result.failed), "schemes": schemes})
    return result


def check_import(tx: ImportTransaction, values: Mapping[int, Any]) -> ImportResult:
    """The result that ``import_keys`` would have; nothing is stored. Raises what it raises."""
    return _prepare(tx, values)[1]


def import_facts(results: Sequence[LineResult], *, dry_run: bool) -> dict[str, Any]:
    """The JSON of an import, the same at every door."""
    failed = sum(one.key is None for one in results)
    return {
        "imported": len(results) - failed,
        "failed": failed,
        "items": [
            {
                "line": one.line,
                "id": None if one.key is None or dry_run else one.key.id,
                "errors": [{"location": problem.location, "message": problem.message} for problem in one.problems],
            }
            for one in results
        ],
    }


def _describe_problems(failed: Sequence[LineResult]) -> list[Problem]:
    """The problems of lines, each with the number of its line."""
    return [
        Problem(f"keys.{one.line - 1}.{problem.location}", f"Line {one.line}: {problem.message}")
        for one in failed
        for problem in one.problems
    ]


def _prepare(tx: ImportTransaction, values: Mapping[int, Any]) -> tuple[list[ImportedKey], ImportResult]:
    if not 0 < len(values) <= MAX_LINES:
        raise Invalid(Problem("keys", f"Import between 1 and {MAX_LINES:,} keys at once."))
    custom_scopes, default = tx.scopes.names(), get_default_preset(tx).scopes
    parsed = {number: _parse(value, tx.now_ms, custom_scopes, default) for number, value in values.items()}
    lines = [line for line in parsed.values() if isinstance(line, ImportLine)]
    taken = _find_taken(tx, lines)
    imported: list[ImportedKey] = []
    results: list[LineResult] = []
    for number, line in parsed.items():
        if not isinstance(line, ImportLine):
            results.append(LineResult(number, None, line))
            continue
        problem = taken.get(line.stored.digest) or taken.get(_find_salted_id(line))
        if problem is not None:
            results.append(LineResult(number, None, (problem,)))
            continue
        taken[line.stored.digest] = _REPEATED
        if line.stored.foreign_hash is not None:
            taken[line.stored.foreign_id] = _REPEATED_ID
        try:
            one = _make_key(tx, line)
        except Invalid as error:
            results.append(LineResult(number, None, error.problems))
            continue
        _require_grant(tx, number, one.key)
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


def _find_taken(tx: ImportTransaction, lines: Sequence[ImportLine]) -> dict[bytes | str | None, Problem]:
    """The problem with each digest that is taken, and with each id by which a salted hash is found."""
    salted = [foreign_id for line in lines if (foreign_id := _find_salted_id(line)) is not None]
    taken: dict[bytes | str | None, Problem] = {}
    taken |= dict.fromkeys(tx.imports.find_foreign_ids(DJANGO, salted), _TAKEN_ID)
    return taken | dict.fromkeys(tx.imports.find_digests([line.stored.digest for line in lines]), _TAKEN)


def _find_salted_id(line: ImportLine) -> str | None:
    """Two salted hashes with one id would double the work of each request with a wrong key."""
    return line.stored.foreign_id if line.stored.foreign_hash is not None else None


def _make_key(tx: ImportTransaction, line: ImportLine) -> ImportedKey:
    """The secret keeps the date of the other system; ARI has the key since now, which its reports go by.

    Raises ``Invalid`` for an unknown consumer, or an expiry later than the instance allows.
    """
    made_at_ms = tx.now_ms if line.made_at_ms is None else line.made_at_ms
    stored = line.stored
    secret = KeySecret(1, line.hint, made_at_ms, scheme=line.scheme, foreign_id=stored.foreign_id)
    key = ApiKey(
        id=new_id("key", tx.now_ms),
        name=line.name,
        hint=line.hint,
        scopes=line.scopes,
        created_at_ms=tx.now_ms,
        created_by=tx.caller.actor,
        expires_at_ms=limit_lifetime(tx.instance_policy.get(), line.expires_at_ms, tx.now_ms, chosen=False),
        disabled=line.disabled,
        environment=line.environment,
        tags=line.tags,
        metadata=line.metadata,
        policy=Policy(addresses=line.addresses),
        consumer=require_consumer(tx, line.consumer),
        secret=secret,
    )
    return ImportedKey(key, secret, stored.digest, stored.foreign_hash)


def _require_grant(tx: ImportTransaction, number: int, key: ApiKey) -> None:
    try:
        granting.require_grant(tx, None, key)
    except Forbidden as error:
        raise Forbidden(f"Line {number}: {error}", error.scope) from None
