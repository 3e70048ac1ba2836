"""Only a number of tokens counts."""

from typing import Any

import pytest

from ari.usage.ai import UNKNOWN_USAGE, TokenUsage
from tests.unit.gateway.metering import JSON, feed, read_whole

NOT_NUMBERS: tuple[Any, ...] = (-1, 7.5, "x", "", True, None, [], {}, 10**10, 10**400)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(7, 7), (7.0, 7), ("7", 7), (0, 0), *((value, None) for value in NOT_NUMBERS)],
)
def test_numbers(value: Any, expected: int | None) -> None:
    """An invalid number of tokens is unknown, and does not hide the others."""
    document = {"model": "m", "usage": {"prompt_tokens": value, "completion_tokens": 7, "prompt_tokens_details": value}}
    assert read_whole(document) == TokenUsage("m", expected, 7, None)
    assert feed(JSON, b'{"usage":{"prompt_tokens":1e999,"completion_tokens":NaN}}').usage(whole=True) == UNKNOWN_USAGE
