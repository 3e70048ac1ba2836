"""Problems with a request in ARI's own words, never with a value from it (security.md 7)."""

from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ari.api.validation import MAX_PROBLEMS, problems_of
from ari.base.errors import Problem
from ari.keys.names import EMPTY_NAME


class Sent(BaseModel):
    """A body with a field of each kind."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=3)] = "n"
    limit: Annotated[int, Field(ge=1, le=9)] = 1
    scopes: Annotated[list[str], Field(max_length=1)] = []
    on: bool = True


def _problems(**sent: object) -> list[Problem]:
    with pytest.raises(ValidationError) as refused:
        Sent.model_validate(sent)
    return problems_of([{**one, "loc": ("body", *one["loc"])} for one in refused.value.errors()])


@pytest.mark.parametrize(
    ("sent", "location", "message"),
    [
        ({"name": "four"}, "name", "Use at most 3 characters."),
        ({"name": ""}, "name", EMPTY_NAME),
        ({"name": 7}, "name", "Must be a string."),
        ({"limit": 0}, "limit", "Must be 1 or more."),
        ({"limit": 10}, "limit", "Must be 9 or less."),
        ({"limit": "hunter2"}, "limit", "Must be a whole number."),
        ({"scopes": ["a", "b"]}, "scopes", "Specify at most 1 item."),
        ({"scopes": ["a", 7][1:]}, "scopes.0", "Must be a string."),
        ({"on": "maybe"}, "on", "Must be true or false."),
        ({"extra": 1}, "extra", "Unknown field."),
    ],
)
def test_each_mistake_has_a_sentence_and_a_place(sent: dict[str, object], location: str, message: str) -> None:
    """The sentences are ours, so that they are the same at every door."""
    assert _problems(**sent) == [Problem(location, message)]


@pytest.mark.parametrize("name", ["ari_k_Ab12Cd34", "hunter 2", "A", "x" * 41, "é"])
def test_a_name_that_may_be_a_pasted_secret_is_not_repeated(name: str) -> None:
    """A client that mixes up name and value would find its key in an error message, and in its logs."""
    assert _problems(**{name: 1}) == [Problem("?", "Unknown field.")]


def test_an_error_that_nobody_foresaw_repeats_nothing() -> None:
    """Pydantic's own sentence may contain the value."""
    error = {"type": "from_the_future", "loc": ("body", "name"), "msg": "hunter2 is wrong", "input": "hunter2"}
    [problem] = problems_of([error])
    assert problem.location == "name"
    assert "hunter2" not in problem.message


def test_a_body_that_is_no_object_has_no_field() -> None:
    """The place is then the body itself."""
    assert problems_of([{"type": "model_attributes_type", "loc": ("body",)}]) == [
        Problem("body", "Must be a JSON object.")
    ]


def test_the_number_of_problems_is_bounded() -> None:
    """security.md 6: a small request must not cause a large response."""
    many = [{"type": "missing", "loc": ("body", "name")}] * (MAX_PROBLEMS + 1)
    assert len(problems_of(many)) == MAX_PROBLEMS
