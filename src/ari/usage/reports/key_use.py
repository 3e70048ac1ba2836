"""What lists of keys and recommendations read from the usage log."""

from typing import Protocol

from ari.usage.advice import UseFacts
from ari.usage.reports.daily import DailyUse
from ari.usage.reports.listing import UseListing


class KeyUse(UseListing, UseFacts, DailyUse, Protocol):
    """The usage log, as lists of keys and advice read it."""
