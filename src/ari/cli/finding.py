"""One line of the report of ``ari doctor``."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """``wrong`` fails the check, ``note`` doesn't."""

    check: str
    state: Literal["ok", "note", "wrong"]
    message: str
