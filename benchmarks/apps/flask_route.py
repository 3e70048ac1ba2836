"""One Flask view: bare, or with GUARD=1 behind ``ari.guard``."""

import os

from flask import Flask

from ari.guard.flask import Ari


def read_thing(thing_id: str) -> dict[str, object]:
    """The same five fields as everywhere."""
    return {"id": thing_id, "name": "a thing", "size": 3, "tags": ["x"], "ok": True}


wsgi = Flask(__name__)
if os.environ.get("GUARD") == "1":
    ari = Ari.local(trusted_proxies=["127.0.0.1/32"])
    ari.init_app(wsgi)
    read_thing = ari.key(any_key=True)(read_thing)
wsgi.add_url_rule("/api/things/<thing_id>", view_func=read_thing)
