"""URLs of Settings > Audit."""

from collections.abc import Mapping

from ari.web.navigation import with_query

AUDIT = "/settings/audit"
EXPORT = f"{AUDIT}/export"
VERIFY = f"{AUDIT}/verify"
RETURN_TO = (rf"{AUDIT}(?:/evt_[0-9A-HJKMNP-TV-Z]{{26}})?",)


def page_of(event_id: str) -> str:
    """The details of one event."""
    return f"{AUDIT}/{event_id}"


def filter_by(name: str, value: str) -> str:
    """All events with this value of one filter."""
    return with_query(AUDIT, {name: value})


def filter_with(values: Mapping[str, str]) -> str:
    """The page with these query parameters."""
    return with_query(AUDIT, values)
