"""A running nginx in front of an instance, with its default settings and nothing but ``proxy_pass``."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.missing import skip_missing
from tests.support.ports import free_port

_CONFIG = """
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
{user}
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass {url};
            proxy_set_header Host $host:{target_port};
        }}
    }}
}}
"""


@contextmanager
def nginx_before(url: str, folder: Path) -> Iterator[str]:
    """The address at which nginx passes everything on to ``url``."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    if program is None:
        skip_missing("nginx is not installed")
    folder.mkdir()
    port, user = free_port(), "user root;" if os.getuid() == 0 else ""
    config = folder / "nginx.conf"
    target_port = url.rpartition(":")[2]
    config.write_text(_CONFIG.format(folder=folder, user=user, port=port, url=url, target_port=target_port))
    process = subprocess.Popen([program, "-p", str(folder), "-e", str(folder / "start.log"), "-c", str(config)])
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError("nginx does not start")
