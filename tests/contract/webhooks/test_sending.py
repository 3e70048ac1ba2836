"""A batch that is being sent while its webhook changes, on both databases."""

import asyncio
from functools import partial
from typing import Any

import pytest

from ari.base.clock import DAY_MS
from ari.webhooks import management
from ari.webhooks.management import WebhookChange
from tests.support.commands import as_caller, create_key, revoke_key
from tests.support.hooks import Hooks

SLOW = "https://slow.example.net/a"


@pytest.mark.parametrize("how", ["paused", "removed", "new URL", "rotated", "old secret over", "key revoked"])
def test_nothing_more_of_a_batch_is_sent(hooks: Hooks, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change during a batch counts from the next request on, not after ten of them."""
    key = create_key(hooks.instance, scopes=("*",)).key
    made = hooks.add(caller=as_caller(key))
    if how == "old secret over":
        hooks.do(management.rotate_webhook_secret, made.webhook.id)
    for _ in range(3):
        hooks.happen()
    change = partial(hooks.do, management.change_webhook, made.webhook.id)
    changes = {
        "paused": lambda: change(WebhookChange(on=False)),
        "removed": lambda: hooks.do(management.remove_webhook, made.webhook.id),
        "new URL": lambda: change(WebhookChange(url=SLOW)),
        "rotated": lambda: hooks.do(management.rotate_webhook_secret, made.webhook.id, retire_old_now=True),
        "old secret over": lambda: hooks.clock.advance(DAY_MS / 1000),
        "key revoked": lambda: revoke_key(hooks.instance, key),
    }
    post = hooks.receivers.post

    async def post_and_change(*args: Any, **named: Any) -> Any:
        result = await post(*args, **named)
        if len(hooks.receivers.requests) == 1:
            await asyncio.to_thread(changes[how])
        return result

    monkeypatch.setattr(hooks.receivers, "post", post_and_change)
    first, *rest = hooks.round()
    if how in ("paused", "removed", "key revoked"):
        assert rest == []
    elif how == "new URL":
        assert [url for url, *_ in rest] == [SLOW] * 2
    else:
        assert len(rest) == 2
        assert {len(headers["webhook-signature"].split()) for _, headers, *_ in rest} == {1}
        assert all(headers["webhook-signature"] != first[1]["webhook-signature"] for _, headers, *_ in rest)
