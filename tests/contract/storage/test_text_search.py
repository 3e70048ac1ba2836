"""All databases compare texts by one rule, and none fails for any character that a caller sends."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ari.instance import Instance
from ari.keys.listing import KeyFilter
from ari.storage.stores.consumers import ConsumerTable
from ari.storage.stores.key_listing import KeyListTables
from ari.storage.text_search import lower_ascii
from tests.support.instances import START_MS, opened
from tests.support.rare_texts import check_searches, make_texts
from tests.support.seeds import choose_seed


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def test_searches_of_the_log_ignore_the_case_of_ascii_letters_alone(instance: Instance) -> None:
    """Generated texts of rare letters, of signs with a meaning in SQL, and of what no database stores."""
    check_searches(instance, choose_seed())


def test_lists_take_any_text(instance: Instance) -> None:
    """An empty result, never an error."""
    with instance.database.main.begin() as connection:
        for text in make_texts(choose_seed(), 40):
            assert KeyListTables(connection).count(KeyFilter(START_MS, text=text)) == 0
            assert ConsumerTable(connection).page(text, None, 10) == []


def test_ascii_letters_alone_are_lowered() -> None:
    """What no database stores becomes what is stored in its place."""
    assert lower_ascii("AZ-İſ\u212aÄß") == "az-İſ\u212aÄß"
    assert lower_ascii("a\0b\ud800") == "a\ufffdb\ufffd"
