"""Submitted forms: their fields, the problems with them, and the ID that lets a form be used once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ari.accounts.ports import AccountTransaction
from ari.base.clock import DAY_MS, HOUR_MS
from ari.base.errors import Invalid, Problem
from ari.base.ids import is_id, new_id
from ari.keys.ports import KeyTransaction

FORM_LIVES_MS = 12 * HOUR_MS
_REMEMBERED_MS = 2 * DAY_MS
_KIND = "form"
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TIME_LETTERS = 10
_MAX_DIGITS = 19

STALE = "This form has expired. Review it and submit again."
Use = Literal["first", "again", "stale"]


class KeyFormTransaction(AccountTransaction, KeyTransaction, Protocol):
    """One transaction over keys and the forms that were used."""


@dataclass(frozen=True, slots=True)
class Form:
    """The values of a form and the messages next to its fields; ``""`` is the whole form."""

    values: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)

    def value(self, name: str, default: str = "") -> str:
        """The field's value."""
        return self.values.get(name, default)

    def problem(self, name: str) -> str | None:
        """The field's message."""
        return self.problems.get(name)

    def with_problems(self, problems: Sequence[Problem]) -> "Form":
        """The same values, each field with its first problem."""
        found: dict[str, str] = {}
        for problem in problems:
            found.setdefault(problem.location, problem.message)
        return Form(self.values, found)

    def with_values(self, values: Mapping[str, str]) -> "Form":
        """The form with these values in place of its own."""
        return Form({**self.values, **values}, self.problems)

    def with_problem(self, name: str, sentence: str) -> "Form":
        """The same values and one more problem."""
        return Form(self.values, {**self.problems, name: sentence})


def form_from(fields: Mapping[str, list[str]], *names: str) -> Form:
    """The named fields of a submitted form; a field sent twice counts once."""
    return Form({name: fields[name][0] for name in names if fields.get(name)})


def read_whole_number(text: str, field: str) -> int:
    """The number in a field. Raises ``Invalid``."""
    stripped = text.strip()
    if not (stripped.isascii() and stripped.isdecimal() and len(stripped) <= _MAX_DIGITS):
        raise Invalid(Problem(field, "Enter a whole number."))
    return int(stripped)


def new_form_id(now_ms: int) -> str:
    """An id for a form that must not act twice."""
    return new_id(_KIND, now_ms)


def use_once(tx: AccountTransaction, form_id: str) -> Use:
    """Mark the form as used in the transaction of its command, so every process notices a repeat.

    The mark is kept with counted attempts: atomic, and deleted long after the form went stale.
    """
    if not is_id(_KIND, form_id) or not 0 <= tx.now_ms - _parse_time(form_id) < FORM_LIVES_MS:
        return "stale"
    if find_use(tx, form_id) is not None:
        return "again"
    tx.accounts.keep_attempts(_bucket(form_id), (tx.now_ms,), tx.now_ms + _REMEMBERED_MS)
    return "first"


def find_use(tx: AccountTransaction, form_id: str) -> int | None:
    """When the form was used, in milliseconds; what it did was recorded in the same transaction, at the same time."""
    return next(iter(tx.accounts.attempts(_bucket(form_id))), None)


def _bucket(form_id: str) -> str:
    return f"form:{form_id}"


def _parse_time(form_id: str) -> int:
    number = 0
    for letter in form_id.partition("_")[2][:_TIME_LETTERS]:
        number = number * 32 + _ALPHABET.index(letter)
    return number
