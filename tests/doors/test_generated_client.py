"""A client that a tool made of the description alone works against a real server."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.missing import skip_missing

pytestmark = pytest.mark.slow

ENVIRONMENT = Path(__file__).parents[2] / "build/client"
STEPS = Path(__file__).with_name("generated_client_steps.py")
CONFIG = "post_hooks: []\ncontent_type_overrides:\n  application/jsonl: application/octet-stream\n"
"""The guide's, without the formatter that the generator would run."""


@pytest.fixture
def client(shared_owner: Any, tmp_path: Path) -> Path:
    """The folder of a package ``ari_client``, generated without a warning."""
    if not (ENVIRONMENT / ".ready").exists():
        skip_missing("no generator of clients: run make test once, or make build/client/.ready")
    _, secret = shared_owner.create_key("reads the description")
    document = shared_owner.api(secret).get("/api/openapi.json")
    (tmp_path / "openapi.json").write_bytes(document.content)
    (tmp_path / "config.yml").write_text(CONFIG)
    options = ["--meta", "none", "--output-path", "ari_client", "--config", "config.yml", "--fail-on-warning"]
    command = [str(ENVIRONMENT / "bin/openapi-python-client"), "generate", "--path", "openapi.json", *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return tmp_path


def test_a_generated_client_lives_through_a_keys_life(shared_owner: Any, client: Path) -> None:
    """Create, list, who am I, verify, revoke and the refusal after it, by typed calls."""
    _, secret = shared_owner.create_key("generated client", scopes=["*"])
    command = [ENVIRONMENT / "bin/python", STEPS, shared_owner.url, secret]
    done = subprocess.run(command, cwd=client, env={"PYTHONPATH": str(client)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout) == {
        "created": "made by a generated client",
        "listed": True,
        "caller": "made by a generated client",
        "verdict": [True, "ok"],
        "revoked": "revoked",
        "verdict after": [False, "revoked"],
        "refused": [401, "revoked"],
    }
