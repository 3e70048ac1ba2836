"""The usage log of a remote instance."""

from collections.abc import Iterator
from typing import Any

from ari.cli.remote.usage import RemoteUsage
from ari.cli.usage_options import UsageOptions

UNTIL = "2027-01-15T08:00:00.000Z"


class Busy:
    """A connection to an instance with a large backlog."""

    def get(self, *path: str, **_query: Any) -> dict[str, Any]:
        """A page of the log."""
        assert path == ("usage",)
        return {"items": [], "next_cursor": None, "complete_until": UNTIL}

    def stream(self, *path: str, **_query: Any) -> Iterator[bytes]:
        """An exported file."""
        assert path == ("usage", "export")
        yield b"a,b\n"


def test_an_export_says_until_when_it_is_complete() -> None:
    """As on a data directory: it requests the time before the file."""
    connection: Any = Busy()
    usage = RemoteUsage(connection, 0)
    assert b"".join(usage.export(UsageOptions(None, None, None, None, None), "csv", bom=False)) == b"a,b\n"
    assert usage.complete_until == UNTIL
