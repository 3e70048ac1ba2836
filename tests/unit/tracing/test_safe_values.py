"""Values in spans have no secrets, and no messages of errors."""

from ari.tracing.safe_values import MAX_LENGTH, clean_attributes, describe_error

SECRET = "sk-ant-api03-Secret0123456789abcdef"


def test_texts_are_cut_and_cleaned() -> None:
    """Attributes without a value are left out."""
    found = clean_attributes({"a": f"x {SECRET}\n", "b": None, "c": 7, "d": "y" * 9_999})
    assert SECRET not in str(found)
    assert (found["c"], len(str(found["d"])), "b" in found) == (7, MAX_LENGTH, False)


def test_an_error_is_described_without_its_message() -> None:
    """It may quote a caller."""
    try:
        raise ValueError(SECRET)
    except ValueError as error:
        found = describe_error(error)
    assert found["exception.type"] == "ValueError"
    assert "test_safe_values.py" in found["exception.stacktrace"]
    assert SECRET not in str(found)
