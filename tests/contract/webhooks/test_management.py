"""Adding, changing and removing webhooks, with their rights, on both databases."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ari import keys
from ari.base.caller import Caller
from ari.base.errors import Conflict, Forbidden, Invalid, NotFound, RateLimited, ReauthRequired
from ari.base.events import Origin
from ari.base.seal import get_sealed
from ari.deps import Deps
from ari.keys import Rotation
from ari.webhooks import management, replay
from ari.webhooks.management import MAX_KEY_WEBHOOKS, MAX_WEBHOOKS, NewWebhook, WebhookChange
from tests.support.commands import as_caller, change_key, create_key, revoke_key
from tests.support.hooks import URL, Hooks

SCOPES = ["keys:read", "webhooks:write"]


def _events(hooks: Hooks, webhook: Any) -> list[Any]:
    return list(Deps(hooks.instance).read_sync(lambda tx: tx.events.page(webhook.id, None, 50)))


def test_secrets_are_encrypted_and_shown_once(hooks: Hooks) -> None:
    """Neither the URL's path nor the signing secret is in the webhook, in an event, or in the database unencrypted."""
    made = hooks.add()
    webhook = hooks.get(made.webhook)
    assert webhook.place == "https://hooks.example.net/…"
    assert made.secret.startswith("whsec_")
    assert made.secret not in repr(webhook)
    hooks.do(management.change_webhook, webhook.id, WebhookChange(url="https://hooks.example.net/other-secret"))
    hooks.do(management.rotate_webhook_secret, webhook.id)
    assert "secret-path" not in str(_events(hooks, webhook))
    assert "other-secret" not in str(_events(hooks, webhook))
    assert [one.name for one in _events(hooks, webhook)] == [
        "webhook_secret_rotated",
        "webhook_changed",
        "webhook_added",
    ]
    assert len(Deps(hooks.instance).read_sync(get_sealed)) == 3
    hooks.do(management.remove_webhook, webhook.id)
    assert Deps(hooks.instance).read_sync(get_sealed) == []
    with pytest.raises(NotFound):
        hooks.get(webhook)


def test_all_problems_at_once(hooks: Hooks) -> None:
    """None of them repeats the URL."""
    with pytest.raises(Invalid) as found:
        hooks.do(management.add_webhook, NewWebhook("", "http://example.com/secret", ["nothing.at_all"], "xml"))
    assert [problem.location for problem in found.value.problems] == ["name", "url", "events", "format"]
    assert "secret" not in str(found.value)
    made = hooks.add()
    with pytest.raises(Invalid):
        hooks.do(management.change_webhook, made.webhook.id, WebhookChange(name="", events=[]))
    assert hooks.get(made.webhook) == made.webhook


def test_only_so_many(hooks: Hooks) -> None:
    """Every event costs a row for each webhook."""
    for _ in range(MAX_WEBHOOKS):
        hooks.add(format="slack")
    with pytest.raises(Conflict):
        hooks.add()


def test_keys_leave_room_for_the_owner(hooks: Hooks) -> None:
    """Keys together may add fewer than the owner; removing one makes room again."""
    callers = [as_caller(_use_key(hooks, ["keys:read", "webhooks:write"])) for _ in range(2)]
    made = [hooks.add(format="slack", caller=callers[number % 2]) for number in range(MAX_KEY_WEBHOOKS)]
    for caller in callers:
        with pytest.raises(Conflict, match="API keys"):
            hooks.add(caller=caller)
    hooks.add(format="slack")
    hooks.do(management.remove_webhook, made[0].webhook.id)
    hooks.add(format="slack", caller=callers[0])
    with pytest.raises(Conflict):
        hooks.add(caller=callers[1])


def test_chat_formats_have_no_secret(hooks: Hooks) -> None:
    """Their services can't verify signatures; the URL is the secret."""
    made = hooks.add(format="discord")
    assert made.secret is None
    with pytest.raises(Conflict):
        hooks.do(management.rotate_webhook_secret, made.webhook.id)
    hooks.happen(name="Laptop")
    [(_, headers, body, _)] = hooks.round()
    assert "webhook-signature" not in headers
    assert "Laptop" in body.decode()


def test_changes_are_sensitive(hooks: Hooks) -> None:
    """A session that gave its password long ago must give it again (rule 29), whatever it changes."""
    made = hooks.add()
    session = Caller("usr_1", Origin("web"), session_digest=b"x" * 32)

    def refuse(command: Any, *args: Any) -> None:
        with hooks.instance.database.writing(session) as tx, pytest.raises(ReauthRequired):
            command(tx, *args)

    refuse(management.add_webhook, NewWebhook("Other", URL))
    for change in (WebhookChange(url=URL), WebhookChange(events=["*"]), WebhookChange(on=False), WebhookChange("New")):
        refuse(management.change_webhook, made.webhook.id, change)
    refuse(management.rotate_webhook_secret, made.webhook.id)
    refuse(management.remove_webhook, made.webhook.id)


def _use_key(hooks: Hooks, scopes: list[str]) -> Any:
    return create_key(hooks.instance, "Automation", scopes=tuple(scopes)).key


def test_a_key_needs_to_read_what_the_webhook_sends(hooks: Hooks) -> None:
    """``webhooks:write`` alone would read the audit log by sending it somewhere."""
    caller = as_caller(_use_key(hooks, ["webhooks:write"]))
    made = hooks.add()
    with pytest.raises(Forbidden):
        hooks.add(caller=caller)
    with pytest.raises(Forbidden):
        hooks.do(management.change_webhook, made.webhook.id, WebhookChange(url=URL), caller=caller)


def test_a_keys_webhook_gets_only_what_the_key_can_read(hooks: Hooks) -> None:
    """Events that aren't about keys need the scope ``*`` (rule 21), also through a webhook."""
    limited, everything = _use_key(hooks, SCOPES), _use_key(hooks, ["*"])
    few = hooks.add(["*"], caller=as_caller(limited))
    all_ = hooks.add(["*"], caller=as_caller(everything))
    hooks.happen("signed_in")
    hooks.happen("key_revoked")
    hooks.round()
    assert [one.type for one in hooks.deliveries(few.webhook)] == ["key.revoked"]
    assert {"account.signed_in", "webhook.added"} <= {one.type for one in hooks.deliveries(all_.webhook)}


@pytest.mark.parametrize("how", ["revoked", "disabled", "without the scope"])
def test_a_keys_webhook_ends_with_the_key(hooks: Hooks, how: str) -> None:
    """On the very next event, and for what is queued: a revoked key gets nothing, by no way."""
    key = _use_key(hooks, SCOPES)
    made = hooks.add(caller=as_caller(key))
    hooks.happen()
    hooks.gather()
    if how == "revoked":
        revoke_key(hooks.instance, key)
    else:
        change = {"disabled": True} if how == "disabled" else {"scopes": ("keys:read",)}
        change_key(hooks.instance, key, **change)
    hooks.happen()
    assert hooks.round() == []
    assert hooks.get(made.webhook).off_reason == "key_ended"
    with pytest.raises(Conflict):
        hooks.do(replay.begin_test, made.webhook.id, None, "job_1")
    with pytest.raises(Conflict):
        hooks.do(management.change_webhook, made.webhook.id, WebhookChange(on=True))
    on = hooks.do(management.change_webhook, made.webhook.id, WebhookChange(url=URL, on=True))
    assert (on.is_on, on.url_by) == (True, "system")


def test_turning_on_a_keys_webhook_keeps_it_the_keys(hooks: Hooks) -> None:
    """The owner turns it on without seeing the URL, so it gets no more events than before, at no private address."""
    key = _use_key(hooks, SCOPES)
    made = hooks.add(["*"], caller=as_caller(key))
    hooks.do(management.change_webhook, made.webhook.id, WebhookChange(on=False))
    hooks.do(management.change_webhook, made.webhook.id, WebhookChange(on=True))
    hooks.happen("signed_in")
    assert hooks.round() == []
    assert hooks.get(made.webhook).url_by == key.id


def test_a_keys_webhook_ends_with_the_secret_that_set_it(hooks: Hooks) -> None:
    """A rotation ends what a leaked secret set up, once the overlap is over; the new secret can set the URL again."""
    key = _use_key(hooks, SCOPES)
    leaked = hooks.add(caller=replace(as_caller(key), secret_number=1))
    hooks.do(keys.rotate, key.id, Rotation(overlap="1h"))
    kept = hooks.add(caller=replace(as_caller(key), secret_number=2))
    hooks.round()
    assert [hooks.get(one.webhook).is_on for one in (leaked, kept)] == [True, True]
    hooks.clock.advance(3600)
    hooks.happen()
    hooks.round()
    assert [hooks.get(one.webhook).off_reason for one in (leaked, kept)] == ["key_ended", None]
    again = WebhookChange(url=URL, on=True)
    hooks.do(management.change_webhook, leaked.webhook.id, again, caller=replace(as_caller(key), secret_number=2))
    assert hooks.get(leaked.webhook).is_on


def test_secrets_are_not_in_a_traceback(hooks: Hooks) -> None:
    """``repr`` of what commands take and return has neither a URL nor a secret."""
    made = hooks.add()
    shown = repr((NewWebhook("Receiver", URL), WebhookChange(url=URL), made))
    assert "secret-path" not in shown
    assert made.secret not in shown


def test_a_key_that_sets_the_url_is_checked_from_then_on(hooks: Hooks) -> None:
    """A key that redirects the owner's webhook can't keep getting events after it was revoked."""
    made, key = hooks.add(["*"]), _use_key(hooks, SCOPES)
    hooks.do(management.change_webhook, made.webhook.id, WebhookChange(url=URL), caller=as_caller(key))
    hooks.happen("signed_in")
    assert [body for _, _, body, private in hooks.round() if private] == []
    revoke_key(hooks.instance, key)
    hooks.happen()
    assert hooks.round() == []


@pytest.mark.parametrize("how", ["takes over the URL", "loses a scope"])
def test_a_key_gets_no_stored_event_that_it_cannot_read(hooks: Hooks, how: str) -> None:
    """Events queued for the owner, or while the key had ``*``, are neither sent nor replayed to the key's URL."""
    key = _use_key(hooks, ["*"] if how == "loses a scope" else SCOPES)
    made = hooks.add(["*"], caller=as_caller(key) if how == "loses a scope" else None)
    hooks.round()
    [old] = hooks.deliveries(made.webhook)
    hooks.happen("signed_in")
    hooks.happen("key_revoked")
    hooks.gather()
    if how == "loses a scope":
        change_key(hooks.instance, key, scopes=tuple(SCOPES))
    else:
        hooks.do(management.change_webhook, made.webhook.id, WebhookChange(url=URL), caller=as_caller(key))
    sent = {json.loads(body)["type"] for _, _, body, _ in hooks.round()}
    assert sent - {"key.scopes_changed"} == {"key.revoked"}
    refused = next(one for one in hooks.deliveries(made.webhook) if one.type == "account.signed_in")
    assert (refused.state, refused.attempts) == ("failed", 0)
    for one in (refused, old):
        with pytest.raises(Conflict):
            hooks.do(replay.replay, made.webhook.id, one.id)
    assert hooks.replay_failed(made.webhook) == 0
    assert hooks.round() == []


def test_a_key_cannot_set_private_addresses(hooks: Hooks) -> None:
    """As with providers (decision 26); a name that leads to one is refused at every connection."""
    caller = as_caller(_use_key(hooks, SCOPES))
    for url in ("http://127.0.0.1:8000/", "https://10.0.0.1/", "https://ari.internal/", "http://localhost/"):
        with pytest.raises(Invalid):
            hooks.add(url=url, caller=caller)
    hooks.add(caller=caller)
    hooks.happen()
    [(_, _, _, private)] = hooks.round()
    assert private is False


def test_a_failure_at_a_keys_url_reveals_nothing(hooks: Hooks) -> None:
    """Neither why there was no response nor how long it took (decision 26)."""
    hooks.receivers.statuses["hooks.example.net"] = None
    key = _use_key(hooks, SCOPES)
    made, own = hooks.add(caller=as_caller(key)), hooks.add()
    hooks.happen()
    hooks.round()
    [by_key], [by_owner] = hooks.deliveries(made.webhook), hooks.deliveries(own.webhook)
    assert by_owner.error == "Couldn't connect."
    assert "No usable response" in (by_key.error or "")
    assert by_key.duration_ms == 15_000


def test_a_restored_webhook_waits_for_the_owner(hooks: Hooks) -> None:
    """It is turned on by hand, and then gets what happens from then on."""
    made = hooks.add()
    hooks.do(lambda tx: tx.webhooks.save(replace(hooks.get(made.webhook), off_reason="restored")))
    hooks.happen()
    assert hooks.round() == []
    hooks.do(management.change_webhook, made.webhook.id, WebhookChange(on=True))
    assert hooks.round() == []


def test_tests_are_limited(hooks: Hooks) -> None:
    """Twenty an hour for each webhook."""
    made = hooks.add()
    for _ in range(replay.TESTS_PER_HOUR):
        hooks.do(replay.begin_test, made.webhook.id, None, "job_1")
    with pytest.raises(RateLimited):
        hooks.do(replay.begin_test, made.webhook.id, None, "job_1")
