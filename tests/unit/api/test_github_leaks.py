"""GitHub's alerts over HTTP: nothing without its signature, and feedback in its format."""

import base64
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ari.deps import Deps
from ari.keys.token import mint
from tests.support.app import App, content_of, running_app
from tests.support.asgi import AsgiResponse
from tests.support.commands import create_key, events_of, revoke_key
from tests.support.provider import provider

PRIVATE_KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC_PEM = PRIVATE_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
URL = "https://github.com/octocat/app/blob/main/config.env"


@pytest.fixture
def receiver(data_dir: Path) -> Iterator[App]:
    """An instance that receives alerts and revokes leaked keys."""
    listed = {"public_keys": [{"key_identifier": "current", "key": PUBLIC_PEM, "is_current": True}]}
    with provider() as github:
        github.body = json.dumps(listed).encode()
        with running_app(data_dir, github_keys_url=github.url, leak_action="revoke") as app:
            yield app


def sign(alerts: object, private_key: ec.EllipticCurvePrivateKey = PRIVATE_KEY) -> str:
    """The signature of the body that the app is sent."""
    return base64.b64encode(private_key.sign(json.dumps(alerts).encode(), ec.ECDSA(SHA256()))).decode()


def send(app: App, alerts: Any, key_id: str = "current", signature: str | None = None) -> AsgiResponse:
    """Send alerts as GitHub does."""
    signed = sign(alerts) if signature is None else signature
    headers = {"github_public_key_identifier": key_id, "github_public_key_signature": signed}
    return app("POST", "/api/leaks/github", None, alerts, **headers)


def alert(token: str, **fields: str) -> dict[str, str]:
    return {"token": token, "type": "ari_api_key", "url": URL, "source": "content", **fields}


def test_signed_alerts_are_acted_on_and_labeled(receiver: App) -> None:
    """In the order of the list; the token is not repeated, its hash is. Fields that GitHub adds later do no harm."""
    active, revoked = create_key(receiver.instance, "Backup"), create_key(receiver.instance, "Old")
    revoke_key(receiver.instance, revoked.key)
    unknown = mint()
    tokens = (active.secret, revoked.secret, unknown, "some_token")
    response = send(receiver, [alert(token, new_field="x") for token in tokens])
    assert response.status == 200
    assert content_of(response) == [
        {"token_hash": sha256(token.encode()).hexdigest(), "token_type": "ari_api_key", "label": label}
        for token, label in zip(tokens, ["true_positive"] * 2 + ["false_positive"] * 2, strict=True)
    ]
    assert content_of(receiver("GET", "/api/me", active.secret))["code"] == "revoked"
    [_, event, _] = Deps(receiver.instance).read_sync(lambda tx: tx.events.page(active.key.id, None, 9))
    assert (event.name, event.detail["source"], event.detail["url"]) == ("key_leaked", "GitHub (content)", URL)


def test_nothing_happens_without_githubs_signature(receiver: App) -> None:
    """None, another key's, one of another body, an unknown key ID, a header twice."""
    made = create_key(receiver.instance, "Backup")
    alerts = [alert(made.secret)]
    foreign = sign(alerts, ec.generate_private_key(ec.SECP256R1()))
    refused = [
        receiver("POST", "/api/leaks/github", None, alerts),
        receiver("POST", "/api/leaks/github", None, alerts, github_public_key_signature=sign(alerts)),
        send(receiver, alerts, signature=foreign),
        send(receiver, alerts, signature=sign([alert(mint())])),
        send(receiver, alerts, key_id="unknown"),
        send(receiver, alerts, key_id="current, current"),
        send(receiver, alerts, signature=f"{sign(alerts)}, {sign(alerts)}"),
        send(receiver, [*alerts, alert(mint())], signature=sign(alerts)),
    ]
    assert {(one.status, content_of(one)["code"]) for one in refused} == {(403, "forbidden")}
    assert events_of(receiver.instance, made.key) == ["key_created"]
    assert receiver("GET", "/api/me", made.secret).status == 200


def test_other_bodies_are_invalid(receiver: App) -> None:
    """No list, no token, no text; an empty list is fine. Errors repeat no token."""
    token = mint()
    for alerts in ({"token": token}, [token], [{"type": "x"}], [{"token": 5, "type": "x"}], [{"token": token}]):
        response = send(receiver, alerts)
        assert (response.status, content_of(response)["code"]) == (422, "invalid"), alerts
        assert token.encode() not in response.body
    empty = send(receiver, [])
    assert (empty.status, content_of(empty)) == (200, [])


def test_many_alerts_are_one_report(receiver: App) -> None:
    """As many as fit into a body; repeats of one key are bounded."""
    made = create_key(receiver.instance, "Backup")
    alerts = [alert(made.secret) for _ in range(50)] + [alert(mint()) for _ in range(200)]
    labels = [one["label"] for one in content_of(send(receiver, alerts))]
    assert (labels.count("true_positive"), len(labels)) == (50, 250)
    assert events_of(receiver.instance, made.key) == ["key_revoked", "key_leaked", "key_created"]


def test_an_instance_without_the_setting_has_no_receiver(app: App) -> None:
    """404, also with a good signature."""
    made = create_key(app.instance, "Backup")
    assert send(app, [alert(made.secret)]).status == 404
    assert events_of(app.instance, made.key) == ["key_created"]


def test_alerts_wait_for_githubs_public_keys(data_dir: Path) -> None:
    """A 503 with Retry-After, and nothing done, while they can't be fetched."""
    with provider() as github, running_app(data_dir, github_keys_url=github.url) as app:
        github.status = 500
        made = create_key(app.instance, "Backup")
        response = send(app, [alert(made.secret)])
        assert (response.status, content_of(response)["code"]) == (503, "unavailable")
        assert dict(response.headers)["retry-after"] == "600"
        assert events_of(app.instance, made.key) == ["key_created"]


def test_large_alerts_are_read_up_to_a_bound(receiver: App) -> None:
    """More than other bodies, and parsed only if GitHub signed them."""
    made = create_key(receiver.instance, "Backup")
    alerts = [alert(mint(), padding="x" * 1_000) for _ in range(200)] + [alert(made.secret)]
    assert send(receiver, alerts, signature=sign([])).status == 403
    labels = content_of(send(receiver, alerts))
    assert [one["label"] for one in labels] == ["false_positive"] * 200 + ["true_positive"]
    assert send(receiver, [alert(mint(), padding="x" * 1024 * 1024)]).status == 413
    assert receiver("POST", "/api/leaks", None, {"token": "x" * 70_000}).status == 413
