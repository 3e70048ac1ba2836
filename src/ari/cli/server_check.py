"""The check in ``ari doctor`` of the running server: whether it has the settings that ``doctor`` sees."""

from ari.base import server_url
from ari.base.settings import Settings
from ari.cli.finding import Finding

_CHECK = "server"


def check_server(settings: Settings) -> Finding:
    """A note if the server that runs on the data directory has another URL: its environment is another one."""
    running = server_url.read(settings.data_dir)
    if running is None:
        return Finding(_CHECK, "ok", f"no ari serve runs on {settings.data_dir} on this machine")
    if running == settings.base_url:
        return Finding(_CHECK, "ok", f"ari serve runs at {running}")
    said = f"ari serve runs at {running}, but these settings give {settings.base_url}"
    return Finding(
        _CHECK, "note", f"{said}: it has other variables or options than this command. Run doctor with the server's."
    )
