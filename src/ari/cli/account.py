"""``ari account``: the owner account, and a way back in for someone locked out."""
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
from ari.cli.command_app import CommandApp
from ari.cli.instances import open_deps
from ari.cli.options import AsJson, DataDir, Yes

Email = Annotated[
    str | None,
    typer.Option("--email", metavar="ADDRESS", help="Account email (default: the owner).", show_default=False),
]

app = CommandApp(no_args_is_help=True)


@app.command()
def show(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show the owner account."""
    with open_deps(data_dir) as deps:
        account = deps.read_sync(_account, None)
    if as_json:
        created_at = to_rfc3339(account.created_at_ms)
        output.as_json({"id": account.id, "email": account.email, "created_at": created_at})
    else:
        output.facts([("email", account.email), ("id", account.id), ("created", output.moment(account.created_at_ms))])


@app.command("reset-password")
def reset_password(
    email: Email = None,
    data_dir: DataDir = None,
) -> None:
    """Set a new password (prompt or stdin) and sign out everywhere."""
    from ari.accounts import setup
    from ari.accounts.password import check_new_password, hash_password

    with open_deps(data_dir) as deps:
        account = deps.read_sync(_account, email)
        password = _new_password(account.email)
        check_new_password(password, account.email)
        password_hash = hash_password(password)
        deps.do_sync(setup.reset_password, account.email, password_hash)
    output.say(f"Password changed for {account.email}; signed out everywhere.")


@app.command("set-email")
def set_email(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="New address (no confirmation email is sent).")],
    data_dir: DataDir = None,
) -> None:
    """Change the owner's email address."""
    from ari.accounts import mail_links

    with open_deps(data_dir) as deps:
        account = deps.read_sync(_account, None)
        changed = deps.do_sync(mail_links.change_address, account.id, address)
    output.say(f"Owner email changed to {changed.email}.")


@app.command("disable-two-factor")
def disable_two_factor(email: Email = None, yes: Yes = False, data_dir: DataDir = None) -> None:
    """Turn off two-factor authentication for someone locked out. Signs out everywhere."""
    from ari.accounts import two_factor

    with open_deps(data_dir) as deps:
        account = deps.read_sync(_account, email)
        if deps.read_sync(two_factor.is_on, account.id):
            question = f"Turn off two-factor authentication for {account.email} and sign out everywhere?"
            output.confirm(question, yes=yes)
        was_on = deps.do_sync(two_factor.turn_off, account.id)
    if was_on:
        output.say(f"Two-factor is now off for {account.email}; signed out everywhere.")
    else:
        output.say(f"Two-factor is already off for {account.email}.")


def _account(tx: AccountTransaction, email: str | None) -> Account:
    account = tx.accounts.owner() if email is None else tx.accounts.by_email(check_email(email))
    if account is None:
        no_owner = "There is no owner yet. Run ari serve to get the setup link."
        raise NotFound("No such account." if email else no_owner)
    return account


def _new_password(email: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass(f"New password for {output.clean(email)}: ")
    if getpass.getpass("Repeat password: ") != password:
        raise Invalid(Problem("password", "Passwords don't match. Nothing was changed."))
    return password
