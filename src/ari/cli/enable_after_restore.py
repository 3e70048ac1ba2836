"""``ari keys enable-restored``."""

from typing import TYPE_CHECKING

from ari.base.clock import from_rfc3339
from ari.cli import output
from ari.cli.chosen_instance import require_data_dir
from ari.cli.instances import open_deps
from ari.cli.options import AsJson, DataDir, Yes

if TYPE_CHECKING:
    from ari.keys.restored_keys import RestoredKeys


def enable_restored(yes: Yes = False, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Enable the keys that ari restore disabled, once you have reviewed them.

    Revoke those that must not work again first: a backup may be older than their revoke. Keys that you enabled,
    disabled or revoked since stay as they are, and so do those reported as leaked.
    """
    require_data_dir(data_dir)
    from ari.keys.commands import enable_restored as command

    enabled, left_out, is_more = 0, 0, True
    with open_deps(data_dir) as deps:
        restored = deps.read_sync(command.find_restored)
        if restored is not None:
            output.confirm(_ask(restored), yes=yes)
        while restored is not None and is_more:
            batch = deps.do_sync(command.enable_restored)
            enabled, left_out, is_more = enabled + len(batch.enabled), left_out + batch.left_out, batch.is_more
    if as_json:
        output.as_json({"enabled": enabled, "left_out": left_out})
    elif restored is None:
        output.say("There is no key that a restore disabled.")
    else:
        others = f" Left {output.count(left_out, 'key')} as they are." if left_out else ""
        output.say(f"Enabled {output.count(enabled, 'key')}.{others}")


def _ask(restored: "RestoredKeys") -> str:
    written = _format_time(restored.written_at)
    return (
        f"Enable {output.count(restored.count, 'key')} that the restore disabled? Keys that were revoked after the "
        f"backup was written ({written}) work again, unless you revoke them first."
    )


def _format_time(rfc3339: str) -> str:
    try:
        return output.moment(from_rfc3339(rfc3339))
    except ValueError:
        return rfc3339
