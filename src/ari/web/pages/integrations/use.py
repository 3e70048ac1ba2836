"""How to call a provider through this instance: ready lines that hold no key but name ``ARI_API_KEY``."""

from dataclasses import dataclass

from ari.integrations.model import Provider

_CHAT, _MESSAGES = "/chat/completions", "/v1/messages"
_PYTHON = """\
import os
from {package} import {client}

client = {client}(
    base_url="{address}",
    api_key=os.environ["ARI_API_KEY"],
)"""
_JAVASCRIPT = """\
import {client} from "{package}";

const client = new {client}({{
  baseURL: "{address}",
  apiKey: process.env.ARI_API_KEY,
}});"""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to call it: ``id`` is unique on the page."""

    id: str
    name: str
    code: str


@dataclass(frozen=True, slots=True)
class Use:
    """``address`` is the base URL for an SDK, ``scope`` what a key needs, ``ways`` are never empty."""

    address: str
    scope: str
    ways: list[Way]


def use_of(provider: Provider, base_url: str) -> Use | None:
    """How to call it, ``None`` where the gateway does not forward to it; ``base_url`` is that of this instance."""
    if not provider.is_ai:
        return None
    gateway = f"{base_url}/api/ai/{provider.name}"
    paths = [one.partition(" ")[2] for one in provider.reaches if one.startswith("POST ")]
    ways, address = [], gateway
    if provider.key_header == "x-api-key" and _MESSAGES in paths:
        ways = _sdk(provider.name, "anthropic", "Anthropic", "@anthropic-ai/sdk", address)
    else:
        chat = next((path for path in paths if path.endswith(_CHAT)), None)
        if chat is not None:
            address = gateway + chat.removesuffix(_CHAT)
            ways = _sdk(provider.name, "openai", "OpenAI", "openai", address)
    ways.append(Way(f"{provider.name}-curl", "curl", _curl(provider, gateway, paths)))
    return Use(address, f"ai:{provider.name}", ways)


def _sdk(name: str, package: str, client: str, javascript: str, address: str) -> list[Way]:
    python = _PYTHON.format(package=package, client=client, address=address)
    script = _JAVASCRIPT.format(package=javascript, client=client, address=address)
    return [Way(f"{name}-python", "Python", python), Way(f"{name}-javascript", "JavaScript", script)]


def _curl(provider: Provider, gateway: str, paths: list[str]) -> str:
    """A call that costs nothing where there is one, else the beginning of one that says what is asked."""
    key = '-H "x-api-key: $ARI_API_KEY"'
    free = next((one.partition(" ")[2] for one in provider.reaches if one.startswith("GET ") and "{" not in one), None)
    if free is not None:
        return f"curl {key} {gateway}{free}"
    return f'curl {key} -H "content-type: application/json" -d @request.json {gateway}{paths[0]}'
