"""The product and the plain reference lead the same lives of keys: a short form of what ``make fuzz`` does."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import seed

from tests.proof.lifecycle import check_agreement, machine_on
from tests.proof.reference import contains
from tests.support.seeds import choose_seed

EXAMPLES = {"sqlite": 4, "postgresql": 2}


@pytest.mark.slow
def test_product_and_reference_agree(data_dir: Path, database: Any) -> None:
    """Whatever the owner and callers that are keys do, in any order, while time passes and the clock is set back."""
    with machine_on(data_dir, database.url) as machine:
        check_agreement(seed(choose_seed())(machine), EXAMPLES[database.kind])


def test_the_reference_knows_wildcards() -> None:
    """Its own rule of scopes, spelled out: what it grants too much, it could not find."""
    assert contains({"*"}, "keys:*")
    assert contains({"keys:*"}, "keys:read")
    assert contains({"keys:read"}, "keys:read")
    assert not contains({"keys:read"}, "keys:write")
    assert not contains({"keys:*"}, "usage:read")
    assert not contains({"keys:*"}, "*")
