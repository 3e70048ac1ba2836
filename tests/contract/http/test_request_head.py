"""Control characters in a query are refused before a database sees them, with the same status on both."""

from pathlib import Path

from tests.support.app import running_app


def test_control_characters_in_a_filter(data_dir: Path, database_url: str | None) -> None:
    """PostgreSQL cannot compare a NUL: 400 for any query with one, 422 for other control characters, on SQLite too."""
    targets = ("/api/events?subject=%00", "/api/usage?key_id=a%00b", "/api/events?subject=%0a")
    with running_app(data_dir, database_url) as app:
        key = app.key()
        responses = [app("GET", target, key) for target in targets]
    assert [response.status for response in responses] == [400, 400, 422]
    assert b'"location":"subject"' in responses[2].body
