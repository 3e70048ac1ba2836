"""A running instance whose providers are a stand-in, with a key that may use them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from ari.integrations.environment import ProviderEnvironment, read_environment
from tests.support.owner import Owner, start_owner
from tests.support.providers import StandIn, stand_in
from tests.support.server import ServerProcess

PROVIDER_KEY = "sk-proj-Qw7e0Rt4Yu8Io2Pa6Sd1Fg5Hj9Kl3Zx7Cv0Bn4Mq8"
PROVIDERS = ("openai", "anthropic", "gemini", "ollama")
CHAT = "/api/ai/openai/v1/chat/completions"


@dataclass
class AiGateway:
    """``key`` may use every provider, ``reader`` do everything; ``provider`` is the stand-in for all of them."""

    owner: Owner
    provider: StandIn
    key: str
    key_id: str
    reader: str

    @property
    def url(self) -> str:
        return self.owner.url

    def client(self) -> httpx2.Client:
        """A client with the key; it ends with the fixture."""
        return self.owner.api(self.key)

    def row(self, request_id: str) -> dict[str, Any]:
        """The row of the log with this request id, as it is now."""
        rows = self.owner.api(self.reader).get(f"/api/keys/{self.key_id}/usage?limit=200").json()["items"]
        return next(row for row in rows if row["request_id"] == request_id)

    def read_usage(self, request_id: str) -> dict[str, Any]:
        """The row once it is complete: what was used is filled in a moment after the response."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = self.row(request_id)
            if found["ai"] is not None:
                return found
            time.sleep(0.02)
        raise AssertionError(f"nothing was told of {request_id}")


def settings_for(provider: StandIn) -> dict[str, str | None]:
    """The environment that leads an instance's providers to the stand-in."""
    names = [name.upper() for name in PROVIDERS]
    found: dict[str, str | None] = {f"{name}_API_KEY": provider.key for name in names}
    return found | {f"{name}_BASE_URL": provider.url for name in names}


def environment_of(provider: StandIn) -> ProviderEnvironment:
    """The same, as an instance in this process reads it."""
    return read_environment({name: value for name, value in settings_for(provider).items() if value is not None})


@contextmanager
def running_gateway(folder: Path, **settings: str | None) -> Iterator[AiGateway]:
    """Start both; ``folder`` holds the instance's data."""
    folder.mkdir(mode=0o700)
    with stand_in(PROVIDER_KEY) as provider:
        owner = start_owner(ServerProcess(folder, settings={**settings_for(provider), **settings}))
        try:
            owner.make_keys_over_http()
            made, secret = owner.create_key("ai", scopes=["ai:*"])
            _, reader = owner.create_key("reader", scopes=["*"])
            yield AiGateway(owner, provider, secret, made["id"], reader)
        finally:
            owner.close()
            owner.server.kill()
