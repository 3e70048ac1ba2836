"""nginx with Lua: a key looked up and counted in shared memory, nothing stored. The physical reference."""

import re
import shutil
import subprocess
from pathlib import Path

from ari.keys import token
from benchmarks import data
from benchmarks.apps.bare import BODY
from benchmarks.process import Probe, Server, free_port
from benchmarks.rows import Row, skipped, with_keys

ID = "nginx-lua"
LABEL = "nginx + Lua, keys and counts in a shared dictionary (physical reference)"
STORED = "nothing: keys and counts are in memory and gone after a restart"
MISSING = "no nginx with the Lua module here; install your system's packages nginx and libnginx-mod-http-lua"
_MODULES = ("ndk_http_module.so", "ngx_http_lua_module.so")
_CONFIG = """\
%(modules)s
daemon off;
worker_processes 1;
pid %(folder)s/nginx.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path %(folder)s; proxy_temp_path %(folder)s; fastcgi_temp_path %(folder)s;
    uwsgi_temp_path %(folder)s; scgi_temp_path %(folder)s;
    lua_shared_dict keys 32m;
    lua_shared_dict counts 32m;
    init_by_lua_block {
        local ffi = require "ffi"
        ffi.cdef "unsigned char *SHA256(const unsigned char *text, size_t length, unsigned char *digest);"
        local digest = ffi.new("unsigned char[32]")
        function sha256(text)
            return ffi.string(ffi.C.SHA256(text, #text, digest), 32)
        end
        local file = assert(io.open("%(folder)s/digests", "rb"))
        for one in file:read("*a"):gmatch(("."):rep(32)) do ngx.shared.keys:set(one, true) end
        file:close()
    }
    server {
        listen 127.0.0.1:%(port)d;
        default_type application/json;
        location / {
            content_by_lua_block {
                local key = ngx.var.http_x_api_key
                local digest = key and sha256(key)
                if not digest or not ngx.shared.keys:get(digest) then return ngx.exit(401) end
                ngx.shared.counts:incr(digest, 1, 0)
                ngx.header.content_length = %(length)d
                ngx.print('%(body)s')
            }
        }
    }
}
"""


def nginx_row(folder: Path, known: data.Data) -> Row:
    """The row, or the reason why it can't run."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    modules = _modules(nginx) if nginx else None
    if nginx is None or modules is None:
        return skipped(ID, LABEL, MISSING)

    def start() -> tuple[Server, list[bytes]]:
        port, place = free_port(), folder / ID
        place.mkdir(parents=True, exist_ok=True)
        (place / "digests").write_bytes(b"".join(token.digest(key.encode()) for key in known.keys))
        values = {"modules": modules, "folder": place, "port": port, "length": len(BODY), "body": BODY.decode()}
        (place / "nginx.conf").write_text(_CONFIG % values)
        command = [nginx, "-p", str(place), "-e", "stderr", "-c", str(place / "nginx.conf")]
        messages = with_keys(port, "/api/me", known.keys)
        return Server(ID, command, {}, place, port).start(Probe(messages[0])), messages

    return Row(ID, LABEL, start, stored=STORED)


def _modules(nginx: str) -> str | None:
    """The lines that load the Lua module, or ``None`` without it."""
    built = subprocess.run([nginx, "-V"], capture_output=True, text=True, check=False).stderr
    named = re.search(r"--modules-path=(\S+)", built)
    folder = Path(named[1] if named else "/usr/lib/nginx/modules")
    if not all((folder / name).exists() for name in _MODULES):
        return None
    return "\n".join(f"load_module {folder / name};" for name in _MODULES)
