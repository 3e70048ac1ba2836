"""Accounts, browser sessions and email addresses."""

import unicodedata
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from ari.base.errors import Invalid, Problem
from ari.base.hosts import ascii_host, readable_host

Purpose = Literal["reset", "email"]
"""The purpose of an emailed link: reset the password, or confirm a new email address."""
SESSION_DAYS = 30
EMAIL_LENGTH = 254
"""The longest address that a mail server takes (RFC 5321 §4.5.3.1.3, erratum 1690)."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in. ``password_hash`` is Argon2id in PHC form."""

    id: str
    email: str
    password_hash: str = field(repr=False)
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class Session:
    """A browser sign-in; ``digest`` is the SHA-256 of its cookie's token.

    ``confirmed_at_ms`` is when the password was last given in it: at its sign-in, or later for something sensitive.
    """

    digest: bytes
    account_id: str
    created_at_ms: int
    expires_at_ms: int
    client_address: str | None
    user_agent: str | None
    confirmed_at_ms: int

    @property
    def id(self) -> str:
        """A name for it that signs nobody in: 104 bits of the digest."""
        return f"ses_{self.digest.hex()[:26].upper()}"


@dataclass(frozen=True, slots=True)
class HalfSignIn:
    """A sign-in whose password was right and whose code is still to come; ``digest`` as in ``Session``."""

    digest: bytes
    account_id: str
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class MailLink:
    """A link emailed to ``email``; ``digest`` is the SHA-256 of its token."""

    digest: bytes
    account_id: str
    purpose: Purpose
    email: str
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class TwoFactor:
    """That an account also needs a code: since when, and the last time step of one that was accepted."""

    account_id: str
    enabled_at_ms: int
    last_step: int


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An account together with the session that proves it."""

    account: Account
    session: Session


def spell_email(text: str) -> str:
    """One spelling for each address: trimmed, composed (NFC), lower-case."""
    return unicodedata.normalize("NFC", text.strip()).lower()


def spellings(email: str) -> tuple[str, ...]:
    """The address with its host in its own script and in ASCII: browsers send the second for what people type."""
    name, at, host = email.rpartition("@")
    found = [email]
    for spell in (ascii_host, readable_host):
        with suppress(ValueError):
            found.append(name + at + spell(host))
    return tuple(dict.fromkeys(found))


def check_email(text: str) -> str:
    """The address in its one spelling.

    Raises ``Invalid`` for what cannot be an address: not exactly one ``@`` with something on both sides, more than 254
    bytes, spaces or characters that cannot be printed. Delivery isn't checked.
    """
    email = spell_email(text[: EMAIL_LENGTH * 4])
    name, at, host = email.partition("@")
    whole = name and at and host and "@" not in host
    if not whole or " " in email or not email.isprintable() or len(email.encode()) > EMAIL_LENGTH:
        raise Invalid(Problem("email", "Enter an email address, such as owner@example.com."))
    return email
