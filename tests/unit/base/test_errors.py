"""Errors are safe to show; the operator's reason stays out of what callers see."""

from ari.base import errors
from ari.base.errors import AriError, Invalid, NotFound, Problem, Unavailable, for_operator


def test_every_error_is_an_ari_error() -> None:
    """The doors catch one base class, so no error of ARI becomes a 500."""
    found = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, Exception)]
    assert len(found) >= 9
    assert all(issubclass(one, AriError) for one in found)


def test_invalid_names_every_field() -> None:
    """As one text for the command line, and one by one for forms and JSON."""
    error = Invalid(Problem("name", "Enter a name."), Problem("expires", "Choose a time."))
    assert str(error) == "Enter a name. Choose a time."
    assert [one.location for one in error.problems] == ["name", "expires"]


def test_the_reason_is_for_the_operator_alone() -> None:
    """It may name hosts and users of the database."""
    error = Unavailable("The database is down.", reason="FATAL: no such role")
    assert "FATAL" not in str(error)
    assert for_operator(error) == "The database is down. FATAL: no such role"
    assert for_operator(Unavailable("Down.")) == "Down."
    assert for_operator(NotFound("None.")) == "None."
