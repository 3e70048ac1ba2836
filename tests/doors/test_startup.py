"""Foreign surroundings: the server starts, and says what has no effect."""

from typing import Any

KUBERNETES = {
    "ARI_PORT": "tcp://10.0.0.1:3000",
    "ARI_PORT_3000_TCP": "tcp://10.0.0.1:3000",
    "ARI_SERVICE_HOST": "10.0.0.1",
    "ARI_SERVICE_PORT": "3000",
}


def test_the_variables_of_a_kubernetes_service_hinder_nothing(make_server: Any, data_dir: Any) -> None:
    """They are ignored; a misspelled setting is named, without its value; a volume's group loses its access."""
    data_dir.chmod(0o2770)
    server = make_server(settings={**KUBERNETES, "ARI_PROT": "hunter2"}).start()
    log = server.log_text()
    assert "ARI_PROT isn't an ARI setting and has no effect. Did you mean ARI_PORT?" in log
    assert "Kubernetes set for a Service: ARI_PORT, ARI_PORT_3000_TCP, ARI_SERVICE_HOST, ARI_SERVICE_PORT." in log
    assert "hunter2" not in log
    assert data_dir.stat().st_mode & 0o777 == 0o700
