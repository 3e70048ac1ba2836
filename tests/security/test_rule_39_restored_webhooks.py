"""Rule 39: webhooks of a restored backup are off unless it is trusted, and nothing from before is ever sent."""

from pathlib import Path

import pytest

from ari.deps import Deps
from ari.webhooks import management
from tests.support.backups import MASTER_KEY, back_up, fill, restore
from tests.support.hooks import URL, Hooks
from tests.support.instances import opened


@pytest.mark.parametrize("trusted", [False, True])
def test_restored_webhooks(data_dir: Path, database_url: str | None, tmp_path: Path, trusted: bool) -> None:
    """A copy of an instance must not notify the receivers of the original; URL and secret are as they were."""
    with opened(data_dir, database_url, master_key=MASTER_KEY) as source:
        fill(source)
        hooks = Hooks(source)
        made = hooks.add()
        hooks.happen("key_revoked")
        hooks.gather()
        hooks.do(management.remove_webhook, hooks.add().webhook.id)  # and nobody has deleted its row yet
        body, _ = back_up(source)
    restore(tmp_path / "new", None, body, trust_keys=trusted)
    with opened(tmp_path / "new", None, master_key=MASTER_KEY) as target:
        hooks = Hooks(target)
        [webhook] = Deps(target).read_sync(management.list_webhooks)
        assert webhook.off_reason == (None if trusted else "restored")
        assert hooks.deliveries(webhook) == []
        assert hooks.round() == []
        hooks.happen("key_created", name="afterwards")
        sent = hooks.round()
        assert [url for url, *_ in sent] == ([URL] if trusted else [])
        assert (webhook.id, webhook.name) == (made.webhook.id, "Receiver")
