"""``ari master-key``: rotation."""

import json

from tests.unit.cli.conftest import Ari
from tests.unit.cli.owner import with_two_factor


def test_replacing_the_master_key(owned_ari: Ari) -> None:
    """Everything opens with the new one, the old one is forgotten, and doctor agrees; without secrets there is none."""
    assert "no master key to rotate" in owned_ari.refuse("master-key", "rotate")
    with_two_factor(owned_ari)
    file = owned_ari.data_dir / "master.key"
    before = file.read_text()
    assert "Encrypted 1 secret with master key" in owned_ari("master-key", "rotate").out
    assert file.read_text() != before
    assert len(file.read_text().split()) == 1
    checks = {one["check"]: one for one in owned_ari.json("doctor")["checks"]}
    assert checks["encrypted secrets"]["state"] == "ok"
    assert owned_ari.json("events")["items"][0]["name"] == "master_key_rotated"
    file.write_text(before)
    checks = {one["check"]: one for one in json.loads(owned_ari("doctor", "--json", check=False).out)["checks"]}
    assert checks["encrypted secrets"]["state"] == "wrong"
    assert "two-factor secret of usr_1" in checks["encrypted secrets"]["message"]
