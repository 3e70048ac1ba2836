"""``ari keys unused-scopes``: least-privilege advice from the log."""

from ari.cli import output
from ari.cli.key_output import describe_key
from ari.cli.options import AsJson, DataDir, KeyName
from ari.cli.targets import open_target
from ari.usage.scope_use import GAPS


def show(key: KeyName, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List scopes that a key holds but has not used in 90 days, as far as the log proves it."""
    with open_target(data_dir) as target:
        named = target.keys.find(key)
        found = target.keys.find_unused_scopes(named["id"])
    if as_json:
        output.as_json(found)
    elif found["gap"] is not None:
        output.say(f"ARI can't recommend anything for {describe_key(named)}. {GAPS[found['gap']]}")
    elif not found["unused"]:
        output.say(f"Nothing to remove: the log shows no scope that {describe_key(named)} doesn't need.")
    else:
        output.say(f"{describe_key(named)} hasn't used these scopes in 90 days: {', '.join(found['unused'])}")
        kept = " ".join(f"--scope {scope}" for scope in found["kept"])
        output.say(f"Remove them: ari keys scopes {named['id']} {kept}")
