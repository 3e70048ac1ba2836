"""The mark of a field that a change leaves as it is."""

from enum import Enum
from typing import Final


class Unset(Enum):
    """Marks a field that stays as it is."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
