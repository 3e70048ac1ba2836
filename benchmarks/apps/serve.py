"""Serve another app exactly as a worker of ``ari serve`` serves ARI.

Usage: ``python serve.py PORT MODULE:NAME [factory]``.
"""

import socket
import sys
from importlib import import_module

from ari.base.settings import load_settings
from ari.serving import worker

if __name__ == "__main__":
    port, target, *rest = sys.argv[1:]
    module, name = target.split(":")
    app = getattr(import_module(module), name)
    listener = socket.create_server(("127.0.0.1", int(port)), backlog=worker.BACKLOG)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    settings = load_settings(host="127.0.0.1", port=int(port))
    served = app() if rest == ["factory"] else app
    sys.exit(worker.work([(served, listener)], settings))
