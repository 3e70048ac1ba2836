"""A provider's errors reach the caller without the key, and never look like a refusal of the ARI key."""

import asyncio
import json
from typing import Any, cast

import pytest

from ari.gateway import provider_errors
from ari.gateway.provider_response import ProviderResponse
from ari.gateway.read_rate import ReadRates
from ari.http.problem import Fault
from ari.http.responses import Response
from ari.integrations.model import Credential
from ari.integrations.providers import providers
from ari.outbound.http import FaultWord
from tests.unit.gateway.wires import FakeReply, ManualClock

SECRET = "sk-proj-Qw7e0Rt4Yu8Io2Pa6Sd1Fg5Hj9Kl3Zx7Cv0Bn4Mq8"
OPENAI = providers()["openai"]
CREDENTIAL = Credential(OPENAI, "https://api.openai.com", "stored", False, SECRET, 1)
JSON = (b"content-type", b"application/json")


def _reply(status: int, *headers: tuple[bytes, bytes], body: bytes = b"") -> ProviderResponse:
    reply = cast("Any", FakeReply([body] if body else [], *headers, status=status))
    return ProviderResponse(reply, "POST", SECRET, ReadRates(ManualClock()))


def _forward(status: int, body: bytes | None, *headers: tuple[bytes, bytes]) -> Response:
    found = provider_errors.to_response(CREDENTIAL, _reply(status, JSON, *headers), body)
    assert isinstance(found, Response)
    return found


def test_an_error_keeps_its_status_and_body_but_not_the_key() -> None:
    """Promise 4: providers quote the key that they were sent."""
    found = _forward(400, f'{{"error": "bad key {SECRET}"}}'.encode())
    assert found.status == 400
    assert SECRET.encode() not in found.body
    assert SECRET[5:25].encode() not in found.body
    assert (b"content-length", b"%d" % len(found.body)) in found.headers


def test_a_providers_own_401_says_whose_it_is() -> None:
    """Otherwise a client would ask its user for another ARI key."""
    said = json.loads(_forward(401, b'{"error": {"code": "mismatched_organization"}}').body)
    assert said["error"] == {"code": "mismatched_organization"}
    assert "your ARI key was accepted" in said["detail"]


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b'{"detail": "theirs"}', b"\xff"])
def test_a_body_that_cannot_be_explained_stays(body: bytes) -> None:
    """No JSON object, or one that has a detail of its own."""
    assert _forward(401, body).body == body


def test_a_compressed_body_stays_as_it_is() -> None:
    """Changing bytes that ARI cannot read would damage them."""
    body = f"packed {SECRET}".encode()
    assert _forward(500, body, (b"content-encoding", b"br")).body == body


def test_a_body_too_long_to_mask_is_not_forwarded() -> None:
    """It is refused rather than sent with parts of the key in it."""
    found = provider_errors.to_response(CREDENTIAL, _reply(500), None)
    assert isinstance(found, Fault)
    assert found.reason.code == "provider_unreachable"


@pytest.mark.parametrize(("size", "is_read"), [(0, True), (10, True), (11, False)])
def test_an_error_is_read_up_to_a_limit(monkeypatch: pytest.MonkeyPatch, size: int, is_read: bool) -> None:
    """By its announced length, and by what arrives."""
    monkeypatch.setattr(provider_errors, "MAX_ERROR_BYTES", 10)
    body = b"x" * size
    for headers in ((), ((b"content-length", b"%d" % size),)):
        found = asyncio.run(provider_errors.read_error(_reply(500, *headers, body=body)))
        assert found == (body if is_read else None)


def test_only_what_the_provider_says_of_the_key_marks_it_rejected() -> None:
    """A 401 for another reason must not turn the provider's card red."""
    rejected = b'{"error": {"code": "invalid_api_key", "message": "Incorrect API key provided"}}'
    assert provider_errors.judge_key(CREDENTIAL, _reply(401), rejected) is not None
    assert provider_errors.judge_key(CREDENTIAL, _reply(401), b'{"error": {"code": "insufficient_quota"}}') is None
    assert provider_errors.judge_key(CREDENTIAL, _reply(401, (b"content-encoding", b"br")), rejected) is None
    assert provider_errors.judge_key(CREDENTIAL, _reply(401), None) is None


def test_hopeless_faults_stop_the_sdks_from_retrying() -> None:
    """A refused address and a bad certificate stay so; a provider that was not reached may be up in a second."""
    hopeless: tuple[FaultWord, ...] = ("refused_address", "tls")
    for word in hopeless:
        assert provider_errors.NO_RETRY in provider_errors.fault_for(OPENAI, word).headers
    passing: tuple[FaultWord, ...] = ("unreachable", "broken", "timed_out")
    for word in passing:
        assert provider_errors.NO_RETRY not in provider_errors.fault_for(OPENAI, word).headers
    assert provider_errors.fault_for(OPENAI, "timed_out").reason.status == 504
    assert provider_errors.try_again(OPENAI).headers == ((b"x-should-retry", b"true"),)
