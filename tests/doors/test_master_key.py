"""The master key is replaced while a server of two workers opens and encrypts with it."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import Any

from tests.support.processes import eventually
from tests.support.provider import provider

FIRST, SECOND = "sk-proj-0123456789abcdefABCDEFwxyz", "sk-proj-another-0123456789abcdABCD"


def test_a_rotation_goes_unnoticed(make_owner: Any) -> None:
    """No call through the gateway and no new key fails in the meantime; afterwards one master key opens everything."""
    owner, stop = make_owner(workers=2), Event()
    _, maker = owner.create_key("maker", scopes=["integrations:write", "ai:openai"])
    with provider() as upstream:

        def put(key: str) -> int:
            body = {"base_url": upstream.url, "key": key}
            return int(owner.api(maker).put("/api/integrations/openai", json=body).status_code)

        def list_sent() -> set[str]:
            return {headers["authorization"] for _, _, headers in list(upstream.asked)}

        def was_sent(key: str) -> bool:
            return f"Bearer {key}" in list_sent()

        def call() -> set[int]:
            client, seen = owner.api(maker, headers={"connection": "close"}), set()
            while not stop.is_set():
                seen.add(client.get("/api/ai/openai/v1/models").status_code)
            return seen

        assert put(FIRST) == 200
        added = owner.api(maker).post("/api/integrations/openai/keys", json={"key": FIRST[:-1] + "y"})
        assert added.status_code == 201
        file = owner.server.data_dir / "master.key"
        before = file.read_text()
        with ThreadPoolExecutor(2) as pool:
            calls = [pool.submit(call) for _ in range(2)]
            try:
                for key in (SECOND, FIRST):
                    assert (
                        "Encrypted 2 secrets"
                        in owner.cli("integrations", "rotate-master-key", "--yes", check=True).stdout
                    )
                    assert put(key) == 200
                    eventually(partial(was_sent, key))
            finally:
                stop.set()
            assert [one.result() for one in calls] == [{200}, {200}]
        assert list_sent() == {f"Bearer {key}" for key in (FIRST, SECOND, FIRST[:-1] + "y")}
    assert len(file.read_text().split()) == 1
    assert file.read_text() != before
    checks = {one["check"]: one["state"] for one in owner.cli.json("doctor")["checks"]}
    assert checks["encrypted secrets"] == "ok"
