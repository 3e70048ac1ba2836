"""Invalid settings are explained without their value and without the names of Python types."""

from typing import Any, Literal

import pytest
from pydantic import ByteSize, Field
from pydantic.fields import FieldInfo

from ari.base.setting_errors import describe_error


@pytest.mark.parametrize(
    ("annotation", "limits", "expected"),
    [
        (Literal["a", "b"], {}, "must be one of a, b"),
        (bool, {}, "must be true or false"),
        (ByteSize, {}, "must be a size such as 100MB or 2GB"),
        (int, {}, "must be a whole number"),
        (int, {"ge": 1}, "must be a whole number of at least 1"),
        (int, {"ge": 1, "le": 9}, "must be a whole number between 1 and 9"),
        (float, {"gt": 0, "le": 1}, "must be a number above 0, at most 1"),
        (str, {}, "isn't valid"),
    ],
)
def test_a_type_becomes_a_sentence(annotation: Any, limits: Any, expected: str) -> None:
    """Its range is part of it."""
    info = FieldInfo.from_annotated_attribute(annotation, Field(**limits))
    assert describe_error("int_parsing", "Input should be 'hunter2'", info) == expected


def test_our_own_messages_stay() -> None:
    """Without the prefix that the library adds."""
    assert describe_error("value_error", "Value error, use a URL", None) == "use a URL"
