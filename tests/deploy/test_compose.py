"""The Compose files: their references, their settings in real servers, and their Caddy in front of two nodes."""

import json
import re
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.package.conftest import ROOT
from tests.proxies.harness import Setup, find_program, running_proxy
from tests.support.certificates import self_signed
from tests.support.command import Cli
from tests.support.dockerfile import parse
from tests.support.ports import free_port
from tests.support.server import ServerProcess

FOLDER = ROOT / "deploy/compose"
FILES = ("sqlite.yaml", "postgresql.yaml")
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
DOMAIN = "localhost"


def _read(name: str) -> dict[str, Any]:
    """A file as Compose reads it with ``ARI_DOMAIN`` set."""

    def fill(found: re.Match[str]) -> str:
        return DOMAIN if found[1] == "ARI_DOMAIN" else (found[3] or "")

    document: dict[str, Any] = yaml.safe_load(VARIABLE.sub(fill, (FOLDER / name).read_text(encoding="utf-8")))
    return document


def _find_nodes(document: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in document["services"].items() if one["image"] == "ari-keys"}


def _settings_of(service: dict[str, Any], secrets: Path) -> dict[str, str | None]:
    """The service's variables, those of the image included, with the secrets of a folder."""
    image = parse((ROOT / "Dockerfile").read_text(encoding="utf-8"))[-1].environment
    merged = {name: value for name, value in (image | service["environment"]).items() if name.startswith("ARI_")}
    changed = {name: value.replace("/run/secrets/", f"{secrets}/") for name, value in merged.items()}
    return {**changed, "ARI_DATA_DIR": None}


@pytest.mark.parametrize("name", FILES)
def test_what_a_file_names_is_in_it(name: str) -> None:
    """Volumes, networks, secrets and services, which Compose would miss when it starts."""
    document = _read(name)
    for service in document["services"].values():
        for listed in service.get("volumes", []):
            source = listed.split(":")[0]
            assert source in document["volumes"] or (FOLDER / source).is_file()
        assert set(service.get("secrets", [])) <= set(document.get("secrets", {}))
        assert set(service.get("networks", [])) <= set(document.get("networks", {}))
        assert set(service.get("depends_on", {})) <= set(document["services"])
        assert service.get("build") in (None, "../..")


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_valid(name: str) -> None:
    """By the schema that the Compose specification publishes."""
    schema = files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    validator = Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))
    document = _read(name)
    assert [error.message for error in validator.iter_errors(document)] == []
    next(iter(document["services"].values()))["restarts"] = "always"
    assert len(list(validator.iter_errors(document))) == 1


@pytest.mark.parametrize("name", FILES)
def test_nodes_may_do_little(name: str) -> None:
    """Read-only files, no capabilities, and enough time to stop."""
    nodes = _find_nodes(_read(name))
    assert len(nodes) == (1 if name == "sqlite.yaml" else 2)
    for node in nodes.values():
        assert node["read_only"] is True
        assert node["cap_drop"] == ["ALL"]
        assert node["security_opt"] == ["no-new-privileges:true"]
        assert int(node["stop_grace_period"].removesuffix("s")) > 28
        assert [one for one in node["volumes"] if one.endswith(":/data")]
        assert all(port.startswith("127.0.0.1:") for port in node.get("ports", []))


def test_secrets_are_made_once(tmp_path: Path) -> None:
    """A second run must not replace the master key."""
    script = tmp_path / "make-secrets.sh"
    script.write_bytes((FOLDER / "make-secrets.sh").read_bytes())
    assert subprocess.run(["sh", script]).returncode == 0
    made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert {name: f"secrets/{name}" for name in made} == {
        name: one["file"] for name, one in _read("postgresql.yaml")["secrets"].items()
    }
    assert re.fullmatch(r"[0-9a-f]{64}", made["master_key"])
    assert made["database_url"] == f"postgresql://ari:{made['database_password']}@db/ari"
    assert subprocess.run(["sh", script], stdout=subprocess.DEVNULL).returncode == 1
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == made


def test_the_file_for_sqlite_starts(data_dir: Path, tmp_path: Path) -> None:
    """With its settings, on all addresses as in a container."""
    (node,) = _find_nodes(_read("sqlite.yaml")).values()
    settings = _settings_of(node, tmp_path)
    assert settings.pop("ARI_HOST") == "0.0.0.0"
    server = ServerProcess(data_dir, settings=settings, args=["--host", "0.0.0.0"])
    try:
        server.start()
        assert server.setup_link.startswith("http://localhost:3000/setup#")
        assert server.stop() == 0
    finally:
        server.kill()


@pytest.fixture
def nodes(postgres_url: str, tmp_path: Path) -> Iterator[list[ServerProcess]]:
    """Both nodes of the file for PostgreSQL, with a database of the tests."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "database_url").write_text(postgres_url)
    (secrets / "master_key").write_text(token_hex(32))
    servers = []
    for name, node in _find_nodes(_read("postgresql.yaml")).items():
        (tmp_path / name).mkdir(mode=0o700)
        settings = {**_settings_of(node, secrets), "ARI_HOST": None, "ARI_TRUSTED_PROXIES": "127.0.0.1"}
        servers.append(ServerProcess(tmp_path / name, settings=settings))
    try:
        for server in servers:
            server.start()
        yield servers
    finally:
        for server in servers:
            server.kill()


def _write_caddy(setup: Setup, nodes: list[ServerProcess]) -> list[str]:
    text = (FOLDER / "Caddyfile").read_text(encoding="utf-8")
    changes = {
        "node1:3000 node2:3000": " ".join(f"127.0.0.1:{node.port}" for node in nodes),
        "{$ARI_DOMAIN} {": f"https://{DOMAIN}:{setup.port} {{\n\ttls {setup.certificate} {setup.certificate}",
    }
    for old, new in changes.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    options = f"{{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n\tdefault_sni {DOMAIN}\n}}\n"
    (setup.folder / "Caddyfile").write_text(options + text)
    return [find_program("caddy"), "run", "--config", "Caddyfile"]


def test_two_nodes_behind_caddy_are_one_instance(nodes: list[ServerProcess], tmp_path: Path) -> None:
    """A key that one node made is valid through Caddy, also after either node has stopped."""
    folder = tmp_path / "caddy"
    folder.mkdir()
    setup = Setup(folder, free_port(), 0, 0, self_signed(folder / "certificate.pem"))
    secret = Cli(nodes[0].environment, nodes[0].folder).create_key("first", scopes=["keys:read"])[1]
    context = ssl.create_default_context(cafile=str(setup.certificate))
    request = urllib.request.Request(f"https://{DOMAIN}:{setup.port}/api/me", headers={"x-api-key": secret})
    with running_proxy(_write_caddy(setup, nodes), setup, tls=True):
        for stopped in (None, *nodes):
            if stopped is not None:
                stopped.stop()
            for _ in range(4):
                with urllib.request.urlopen(request, timeout=20, context=context) as response:
                    assert response.status == 200
            if stopped is not None:
                stopped.start()
