"""The documented errors of operations are those that ARI returns."""

import pytest

from ari.api.error_docs import document_errors, error_responses
from ari.http.problem import MEDIA_TYPE
from ari.keys.reasons import REASONS, REQUEST_ERRORS


def test_errors_of_one_status_are_one_response() -> None:
    """OpenAPI has one response per status; each code is an example with its own sentence."""
    found = error_responses(["revoked", "expired", "revoked", "not_found"])
    assert list(found) == [401, 404]
    examples = found[401]["content"][MEDIA_TYPE]["examples"]
    assert list(examples) == ["revoked", "expired"]
    assert REASONS["expired"].sentence in found[401]["description"]


def test_every_operation_can_refuse_a_key_or_be_undecided() -> None:
    """A client that knows only documented errors must know 401, 403 and 503."""
    found = document_errors("conflict")
    assert {401, 403, 409, 503} <= set(found)
    assert REQUEST_ERRORS["conflict"].sentence in found[409]["description"]


def test_an_unknown_code_is_a_bug() -> None:
    """It shows at the start and not in the document."""
    with pytest.raises(KeyError):
        document_errors("nobody_knows_this")
