"""Exceptions can be caught by the names of ARI's own tree, sent to another process, and printed."""

import pickle

import pytest

from ari.base import errors
from ari.client.exceptions import (
    BY_STATUS,
    ApiError,
    Conflict,
    ConnectionFailed,
    InvalidRequest,
    NotFound,
    RateLimited,
    Unavailable,
)

KINDS: list[type[ApiError]] = [*dict.fromkeys(BY_STATUS.values()), ApiError, ConnectionFailed]


@pytest.mark.parametrize("kind", KINDS)
def test_an_exception_survives_pickling(kind: type[ApiError]) -> None:
    """Task queues send exceptions between processes."""
    error = kind("No.", status=409, code="key_active", request_id="req_1", retry_after_seconds=3)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert vars(copy) == vars(error)
    assert str(copy) == str(error) == "No. (key_active, 409, req_1)"


@pytest.mark.parametrize("kind", [NotFound, Conflict, RateLimited, Unavailable])
def test_an_exception_is_also_aris_own(kind: type[ApiError]) -> None:
    """Code that handles both a local and a remote instance catches one name."""
    assert issubclass(kind, getattr(errors, kind.__name__))
    assert issubclass(InvalidRequest, errors.Invalid)


def test_the_operator_reads_one_sentence() -> None:
    """The command line prints these as it prints its own."""
    assert errors.for_operator(ConnectionFailed("No response.")) == "No response."
