"""The receiver's own tests: signed and forged requests, repeats, and a rotated secret."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from standardwebhooks.webhooks import Webhook

from examples.webhook_receiver.app import MAX_BYTES, alarms, app

SECRET, OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LEAK = {"type": "key.leaked", "data": {"version": 1, "subject": "key_1", "time": "2026-11-25T18:23:20.000Z"}}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    alarms.clear()
    with TestClient(app) as found:
        yield found


def _send(client: TestClient, event: Any, message_id: str, *secrets: str, age: timedelta = timedelta()) -> int:
    body, at = json.dumps(event), datetime.now(UTC) - age
    signatures = " ".join(Webhook(secret).sign(message_id, at, body) for secret in secrets)
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signatures,
    }
    return client.post("/hooks/ari", content=body, headers=headers).status_code


def test_an_event_is_handled_once(client: TestClient) -> None:
    """A repeat gets the same response, so that ARI stops sending it."""
    assert [_send(client, LEAK, "msg_1", SECRET) for _ in range(2)] == [204, 204]
    assert alarms == ["key_1 leaked at 2026-11-25T18:23:20.000Z"]
    assert _send(client, {"type": "key.new_in_a_later_version", "data": {}}, "msg_2", SECRET) == 204


def test_forged_and_old_requests_are_refused(client: TestClient) -> None:
    """Another secret, no signature, an old one, and a body that is too large."""
    assert _send(client, LEAK, "msg_3", OTHER) == 401
    assert client.post("/hooks/ari", json=LEAK).status_code == 401
    assert _send(client, LEAK, "msg_4", SECRET, age=timedelta(minutes=6)) == 401
    assert _send(client, {"x": "y" * MAX_BYTES}, "msg_5", SECRET) == 413
    assert alarms == []


def test_one_of_two_signatures_is_enough(client: TestClient) -> None:
    """During a rotation ARI signs with both secrets."""
    assert _send(client, LEAK, "msg_6", OTHER, SECRET) == 204
