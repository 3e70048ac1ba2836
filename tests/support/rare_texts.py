"""Requests whose user agents have letters that databases compare differently, and searches for them."""

import random
from collections.abc import Iterable

from ari.instance import Instance
from ari.usage.model import UsageFilter, UsageRow
from ari.usage.ports import Batch
from ari.usage.search import UsageSearch, text_of
from tests.support.usage import make_row

_LETTERS = "aAkKsSiIzZ-%_\\'" + "İıßẞſ\u212aÅÄäéÉΣςσǅǆﬁﬀ…\u0301😀\ufffd" + "\0\ud800\udfff\u202e\n"
"""ASCII, then letters with several cases or forms, then what the log replaces."""


def make_texts(seed: int, count: int) -> list[str]:
    """Texts of one to four of these letters, each letter alone among them."""
    chance = random.Random(seed)
    return [*_LETTERS, *("".join(chance.choices(_LETTERS, k=chance.randint(1, 4))) for _ in range(count))]


def check_searches(instance: Instance, seed: int) -> None:
    """Log requests with these texts, and fail unless each search finds those with its text, whatever its ASCII case."""
    rows = [make_row(user_agent=f"<{text}>") for text in make_texts(seed, 150)]
    for row in rows:
        row.path = row.route = "/"
    instance.database.usage.commit(Batch(rows))
    instance.database.usage.fold_all()
    stored = instance.database.usage.rows.find(UsageSearch(UsageFilter()), None, 1_000).rows
    assert len(stored) == len(rows)
    for text in make_texts(seed + 1, 60):
        wanted = text_of(text)
        if wanted is not None:
            found = instance.database.usage.rows.find(UsageSearch(text=wanted), None, 1_000).rows
            assert _list_agents(found) == _list_agents(row for row in stored if _has(row, wanted)), ascii(text)


def _has(row: UsageRow, text: str) -> bool:
    places = row.path, row.route, row.client_address or "", row.user_agent or ""
    return any(_lower(text) in _lower(place) for place in places)


def _lower(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def _list_agents(rows: Iterable[UsageRow]) -> list[str]:
    return sorted(row.user_agent or "" for row in rows)
