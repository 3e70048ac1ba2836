"""``ari keys``: create, look, change, revoke, delete. The rules are those of ``ari.keys.manage``, as for every door."""

from typing import Annotated, Literal

import typer

from ari import keys
from ari.base.caller import Caller
from ari.cli import key_words, output
from ari.cli.key_words import found
from ari.cli.opening import CALLER, opened, opened_deps
from ari.cli.options import AsJson, DataDir, Expires, ExpiresAt, KeyName, Scopes, Yes
from ari.cli.words import instant, one_of
from ari.keys import manage
from ari.keys.expiry import expiry_of
from ari.keys.manage import KeyChange, NewKey
from ari.keys.model import ApiKey
from ari.keys.ports import KeyTransaction

NewName = Annotated[str, typer.Argument(metavar="NAME", help="What uses the key.", show_default=False)]
Status = Annotated[
    Literal["all", "active", "inactive"],
    typer.Option(
        "--status",
        metavar="all|active|inactive",
        parser=one_of("all", "active", "inactive"),
        help="Which keys; inactive = revoked or expired.",
    ),
]
Why = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why, for the trail.", show_default=False)]

app = typer.Typer(help="Create, list, change, revoke and delete API keys.", no_args_is_help=True)


@app.command()
def create(
    name: NewName,
    expires: Expires = None,
    expires_at: ExpiresAt = None,
    scope: Scopes = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Make a key and show its secret this once; piped, only the secret is printed. Without an expiry it never ends."""
    new = NewKey(name, expires, instant(expires_at, "--expires-at"), tuple(scope) if scope else None)
    with opened(data_dir) as instance:
        created = instance.command(CALLER(), lambda unit, caller: manage.create(unit, caller, instance.now_ms(), new))
        key_words.show_created(instance, created, as_json)


@app.command("list")
def list_(
    status: Status = "all",
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """List the keys, newest first."""
    with opened(data_dir) as instance:
        listed = instance.read(lambda unit: list(key_words.every_key(unit, instance.now_ms(), status)))
        key_words.show_list(instance, listed, as_json)


@app.command()
def show(key: KeyName, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show everything about one key."""
    with opened(data_dir) as instance:
        key_words.show_key(instance, instance.read(lambda unit: found(unit, instance.now_ms(), key)), as_json)


@app.command()
def rename(key: KeyName, name: NewName, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Give a key another name."""
    _change(key, KeyChange(name=name), "Renamed", as_json, data_dir)


@app.command()
def scopes(key: KeyName, scope: Scopes = None, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Replace a key's scopes."""
    if not scope:
        raise typer.BadParameter("give at least one --scope.")
    _change(key, KeyChange(scopes=tuple(scope)), "Changed", as_json, data_dir)


@app.command()
def expiry(
    key: KeyName,
    expires: Expires = None,
    expires_at: ExpiresAt = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Change when a key expires, counted from now."""
    if expires is None and expires_at is None:
        raise typer.BadParameter("give --expires or --expires-at.")
    at_ms = instant(expires_at, "--expires-at")
    with opened(data_dir) as instance:
        wanted = KeyChange(expires_at_ms=expiry_of(expires, at_ms, instance.now_ms()))
    _change(key, wanted, "Changed", as_json, data_dir)


@app.command()
def disable(key: KeyName, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Stop a key from working until it is enabled again."""
    _change(key, KeyChange(disabled=True), "Disabled", as_json, data_dir)


@app.command()
def enable(key: KeyName, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Let a disabled key work again."""
    _change(key, KeyChange(disabled=False), "Enabled", as_json, data_dir)


@app.command()
def revoke(
    key: KeyName,
    reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Why, for the audit trail.", show_default=False)
    ] = None,
    with_made: Annotated[
        bool, typer.Option("--with-made", help="Also revoke the keys that it created or let do more.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Kill a key for good: its next request is refused."""
    with opened_deps(data_dir) as deps:
        now_ms = deps.instance.now_ms()
        named = deps.read_sync(found, now_ms, key, even_deleted=with_made)
        made = deps.read_sync(keys.get_active_made_by, named.id) if with_made else []
        if made or not named.is_inactive(now_ms):
            output.confirm(_revoke_question(named, len(made)), yes=yes)
        dead = deps.do_sync(keys.revoke, named.id, reason, with_made)
        if as_json:
            key_words.show_key(deps.instance, dead, as_json)
            return
        output.say(f"Revoked {_called(dead)}.")
        for child in deps.read_sync(keys.get_active_made_by, named.id):
            output.tell(f"It created {_called(child)}, or let it do more; --with-made revokes such keys too.")


@app.command()
def delete(key: KeyName, yes: Yes = False, data_dir: DataDir = None) -> None:
    """Take a revoked or expired key out of the list; its usage and events stay."""
    with opened(data_dir) as instance:
        named = instance.read(lambda unit: found(unit, instance.now_ms(), key))
        if named.is_inactive(instance.now_ms()):
            output.confirm(f"Delete {_called(named)}? It leaves the list; its usage and events stay.", yes=yes)
        instance.command(CALLER(), lambda unit, caller: manage.delete(unit, caller, instance.now_ms(), named.id))
        output.say(f"Deleted {_called(named)}.")


def _change(key: str, wanted: KeyChange, done: str, as_json: bool, data_dir: DataDir) -> None:
    with opened(data_dir) as instance:

        def change(unit: KeyTransaction, caller: Caller) -> ApiKey:
            now_ms = instance.now_ms()
            return manage.change(unit, caller, now_ms, found(unit, now_ms, key).id, wanted)

        changed = instance.command(CALLER(), change)
        if as_json:
            key_words.show_key(instance, changed, as_json)
        else:
            output.say(f"{done} {_called(changed)}.")


def _called(key: ApiKey) -> str:
    return f"“{key.name}” ({key.hint}, {key.id})"


def _revoke_question(key: ApiKey, made: int) -> str:
    others = f" and the {made:,} active key{'' if made == 1 else 's'} that it made" if made else ""
    return f"Revoke {_called(key)}{others} for good? Whatever uses {'them' if made else 'it'} stops working at once."
