"""Until when the figures of a command are complete."""

from ari.base.clock import from_rfc3339
from ari.cli import output


def show_complete_until(until: str | None) -> None:
    """Say on standard error that newer requests aren't counted yet."""
    if until is not None:
        moment = output.moment(from_rfc3339(until))
        output.tell(f"Complete until {moment}. Newer requests are still being counted.")
