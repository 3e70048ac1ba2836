"""``ari doctor`` and a server whose environment is another."""

from pathlib import Path

from ari.base import server_url
from ari.cli.server_check import check_server
from tests.support.instances import settings_for


def test_a_server_with_other_settings_is_a_note(data_dir: Path) -> None:
    """What doctor shows are the settings of its own environment, so it says when the server's differ."""
    settings = settings_for(data_dir, None, port=4321)
    assert check_server(settings).message == f"no ari serve runs on {data_dir} on this machine"
    with server_url.publish(data_dir, "http://127.0.0.1:4321"):
        assert check_server(settings).state == "ok"
    with server_url.publish(data_dir, "https://ari.example.net"):
        found = check_server(settings)
    assert found.state == "note"
    assert "ari serve runs at https://ari.example.net, but these settings give http://127.0.0.1:4321" in found.message
