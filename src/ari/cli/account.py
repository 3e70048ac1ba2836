"""``ari account``: who may sign in, and a way back in for the locked-out."""
# Imports inside functions here: start-up speed (Argon2).

import getpass
import sys
from typing import Annotated

import typer

from ari.accounts.model import Account, check_email
from ari.accounts.ports import AccountTransaction
from ari.base.clock import to_rfc3339
from ari.base.errors import Invalid, NotFound, Problem
from ari.cli import output
from ari.cli.opening import opened_deps
from ari.cli.options import AsJson, DataDir, Yes

Email = Annotated[
    str | None, typer.Option("--email", metavar="ADDRESS", help="Whose; without it the owner's.", show_default=False)
]

app = typer.Typer(help="See the owner's account; change its password or address.", no_args_is_help=True)


@app.command()
def show(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show the owner's account."""
    with opened_deps(data_dir) as deps:
        account = deps.read_sync(_account, None)
    if as_json:
        created_at = to_rfc3339(account.created_at_ms)
        output.as_json({"id": account.id, "email": account.email, "created_at": created_at})
    else:
        output.facts([("email", account.email), ("id", account.id), ("created", to_rfc3339(account.created_at_ms))])


@app.command("reset-password")
def reset_password(
    email: Email = None,
    data_dir: DataDir = None,
) -> None:
    """Set a new password, asked for twice or read from standard input, and end all sessions."""
    from ari.accounts import setup
    from ari.accounts.password import check_new_password, hash_password

    with opened_deps(data_dir) as deps:
        account = deps.read_sync(_account, email)
        password = _new_password(account.email)
        check_new_password(password, account.email)
        password_hash = hash_password(password)
        deps.do_sync(setup.reset_password, account.email, password_hash)
    output.say(f"The password of {account.email} is set; all its sessions have ended.")


@app.command("set-email")
def set_email(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The new address; no mail is sent to prove it.")],
    data_dir: DataDir = None,
) -> None:
    """Give the owner's account another e-mail address, to sign in with and to get mail at."""
    from ari.accounts import mail_links

    with opened_deps(data_dir) as deps:
        account = deps.read_sync(_account, None)
        changed = deps.do_sync(mail_links.change_address, account.id, address)
    output.say(f"The owner's address is {changed.email} now.")


@app.command("disable-two-factor")
def disable_two_factor(email: Email = None, yes: Yes = False, data_dir: DataDir = None) -> None:
    """Turn off two-factor for an owner who lost the app and the backup codes; ends all sessions."""
    from ari.accounts import two_factor

    with opened_deps(data_dir) as deps:
        account = deps.read_sync(_account, email)
        if deps.read_sync(two_factor.is_on, account.id):
            question = (
                f"Turn off two-factor of {account.email} and end all its sessions? Then the password alone signs in."
            )
            output.confirm(question, yes=yes)
        was_on = deps.do_sync(two_factor.turn_off, account.id)
    if was_on:
        output.say(f"Two-factor of {account.email} is off; all its sessions have ended.")
    else:
        output.say(f"Two-factor of {account.email} was off already.")


def _account(tx: AccountTransaction, email: str | None) -> Account:
    account = tx.accounts.owner() if email is None else tx.accounts.by_email(check_email(email))
    if account is None:
        nobody = "There is no owner yet; ari serve prints the setup link."
        raise NotFound("No such account." if email else nobody)
    return account


def _new_password(email: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass(f"New password for {output.clean(email)}: ")
    if getpass.getpass("The same again: ") != password:
        raise Invalid(Problem("password", "The two passwords differ; nothing was changed."))
    return password
