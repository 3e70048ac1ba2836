"""Keys that nobody uses are disabled by the job, and keys in use never are."""

import asyncio
from pathlib import Path

from ari import keys
from ari.base.clock import DAY_MS
from ari.deps import Deps
from ari.instance import Instance
from ari.jobs.unused_keys import disable_unused_keys
from ari.keys import InstancePolicyChange
from ari.usage.ports import Batch
from tests.support.commands import clock_of, create_key
from tests.support.instances import opened
from tests.support.usage import make_row


def _run(instance: Instance) -> int:
    return asyncio.run(disable_unused_keys(Deps(instance), instance.key_use, instance.now_ms()))


def test_unused_keys_are_disabled_and_used_ones_are_not(data_dir: Path, database_url: str | None) -> None:
    """By the last allowed request; off by default."""
    with opened(data_dir, database_url) as instance:
        unused, used = (create_key(instance, name).key for name in ("unused", "used"))
        clock_of(instance).step(40 * DAY_MS / 1000)
        instance.database.usage.commit(Batch([make_row(instance.now_ms() - DAY_MS, key_id=used.id)]))
        instance.database.usage.fold_all()
        assert _run(instance) == 0
        Deps(instance).do_sync(keys.change_instance_policy, InstancePolicyChange(disable_unused_days=30))
        assert _run(instance) == 1
        assert _run(instance) == 0
        found = {key.id: key.disabled for key in Deps(instance).read_sync(keys.get_page, "all", None, 9)}
        assert found == {unused.id: True, used.id: False}
