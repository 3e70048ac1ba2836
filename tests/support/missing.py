"""What happens to a test whose service is not on this machine: a skip, or a failure where all must run."""

import os
from typing import NoReturn

import pytest

REQUIRE_ALL = os.environ.get("ARI_TEST_REQUIRE_ALL", "") not in ("", "0")


def skip_missing(what: str) -> NoReturn:
    """Skip the test with one line; with ARI_TEST_REQUIRE_ALL=1 fail it."""
    if REQUIRE_ALL:
        pytest.fail(f"{what} (ARI_TEST_REQUIRE_ALL=1)", pytrace=False)
    pytest.skip(what)
