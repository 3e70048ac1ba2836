"""Hot-path reads of the instance's rules for AI requests: one for each, so a change counts at once everywhere."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from ari.integrations.ai_rules.model import NO_RULES, AiRules, decode_rules
from ari.storage.commit_counter import CommitCounter
from ari.storage.failover.link import Link
from ari.storage.lookups.keys import ValidatedCache
from ari.storage.lookups.sqlite import PostgresLookup, SqliteLookup
from ari.storage.stores.ai_rules import NAMES

_GONE = "The rules for AI requests can't be read now."
_COLUMNS = ", ".join(f"(SELECT value FROM instance_policy WHERE name = '{name}')" for name in NAMES)  # noqa: S608 - our own
_EVERY = "all"
"""There is one row, of the whole instance."""


class AiRulesLookup(Protocol):
    """Holds a connection of its own."""

    async def find(self) -> AiRules:
        """The rules, as committed now. Raises ``Unavailable``."""

    async def close(self) -> None:
        """Close the connection."""


class _Decoder:
    """Decodes rows, the same texts only once."""

    def __init__(self) -> None:
        self._texts: tuple[str | None, ...] = (None,) * len(NAMES)
        self._rules = NO_RULES

    def decode(self, row: tuple[Any, ...]) -> AiRules:
        texts = row[: len(NAMES)]
        if texts != self._texts:
            self._rules = decode_rules(texts)
            self._texts = texts
        return self._rules


class SqliteAiRulesLookup:
    """Reads on the event loop; see ``ValidatedCache``."""

    def __init__(self, keys_file: Path, commits: CommitCounter, find_watch: Callable[[], SqliteLookup | None]) -> None:
        self.rows = SqliteLookup(keys_file, f"SELECT {_COLUMNS}, ?", _GONE, commits)
        self._cache = ValidatedCache[str, AiRules](self.rows, _Decoder().decode, find_watch=find_watch)

    async def find(self) -> AiRules:
        return self._cache.get(_EVERY) or NO_RULES

    async def close(self) -> None:
        self.rows.close()


class PostgresAiRulesLookup:
    """Reads that share round trips; see ``PostgresLookup``."""

    def __init__(self, link: Link, timeout_seconds: float) -> None:
        query = f"SELECT {_COLUMNS}, unnest(%s::text[])"
        self._rows = PostgresLookup(link, query, _GONE, timeout_seconds)
        self._decoder = _Decoder()

    async def find(self) -> AiRules:
        row = await self._rows.row(_EVERY)
        return NO_RULES if row is None else self._decoder.decode(row)

    async def close(self) -> None:
        await self._rows.close()
