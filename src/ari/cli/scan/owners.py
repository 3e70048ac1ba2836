"""Find out whose the found keys are, on the instance of the data directory."""
# Imports inside functions here: start-up speed.

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from ari.base.errors import AriError, for_operator
from ari.cli import output
from ari.cli.instances import exists, open_deps, read_settings
from ari.keys.token import digest

if TYPE_CHECKING:
    from ari.keys.model import ApiKey
    from ari.keys.ports import KeyTransaction


P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TokenOwner:
    """The key that a token belongs to. A deleted key has the status ``deleted``, an old secret ``retired``."""

    id: str
    name: str
    status: str


def find_owners(
    tokens: Iterable[str], data_dir: Path | None, *, required: bool = False
) -> dict[str, TokenOwner] | None:
    """The keys of this instance among these tokens, or ``None`` if there is no instance here.

    An instance that doesn't exist or can't be opened is an error only if it is ``required`` or ``data_dir`` names it.
    """
    return _read(data_dir, required, "Whose keys these are is unknown.", _find_all, tokens)


def read_prefixes(data_dir: Path | None) -> list[str] | None:
    """The prefixes of the kinds of keys of this instance, in the same way."""
    return _read(data_dir, False, "Its kinds of keys are unknown.", _list_prefixes)


def _read(
    data_dir: Path | None,
    required: bool,
    otherwise: str,
    query: "Callable[Concatenate[KeyTransaction, P], T]",
    *args: P.args,
    **kwargs: P.kwargs,
) -> "T | None":
    try:
        settings = read_settings(data_dir)
        is_named = required or data_dir is not None or settings.database_url is not None
        if not is_named and not exists(settings):
            return None
        with open_deps(data_dir) as deps:
            return deps.read_sync(query, *args, **kwargs)
    except (AriError, OSError) as error:
        if required or data_dir is not None:
            raise
        said = for_operator(error) if isinstance(error, AriError) else f"{error.strerror}."
        output.tell(f"{otherwise} {said}")
        return None


def _list_prefixes(tx: "KeyTransaction") -> list[str]:
    return [kind.prefix for kind in tx.kinds.all()]


def _find_all(tx: "KeyTransaction", tokens: Iterable[str]) -> dict[str, TokenOwner]:
    found = {}
    for token in tokens:
        key = tx.keys.find(digest(token.encode()))
        if key is not None:
            found[token] = TokenOwner(key.id, key.name, _describe_status(key, tx.now_ms))
    return found


def _describe_status(key: "ApiKey", now_ms: int) -> str:
    if key.deleted_at_ms is not None:
        return "deleted"
    is_retired = key.secret is not None and key.secret.is_retired(now_ms)
    return "retired" if is_retired and not key.is_inactive(now_ms) else key.status(now_ms)
