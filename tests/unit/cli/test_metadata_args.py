"""Metadata on the command line: numbers stay numbers, and a missing value is an error."""

import pytest
import typer

from ari.cli.metadata_args import parse_metadata_options


def test_values_are_json_or_text() -> None:
    """As a shell user means them."""
    pairs = ["plan=pro", "seats=5", "flags=[1,true]", "note=a=b", "empty="]
    expected = {"plan": "pro", "seats": 5, "flags": [1, True], "note": "a=b", "empty": ""}
    assert parse_metadata_options(pairs) == expected
    assert parse_metadata_options(None) == {}


@pytest.mark.parametrize("pair", ["", "plan", "=x"])
def test_a_pair_has_a_name_and_a_value(pair: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(typer.BadParameter):
        parse_metadata_options([pair])
