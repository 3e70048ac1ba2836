"""How to call a provider through ARI: code for each client, which reads the ARI key from ``ARI_API_KEY``."""

from dataclasses import dataclass

from ari.integrations.model import Provider

_CHAT, _MESSAGES = "/chat/completions", "/v1/messages"
_PYTHON = """\
import os
from {package} import {client}

client = {client}(
    base_url="{base_url}",
    api_key=os.environ["ARI_API_KEY"],
)"""
_JAVASCRIPT = """\
import {client} from "{package}";

const client = new {client}({{
  baseURL: "{base_url}",
  apiKey: process.env.ARI_API_KEY,
}});"""


@dataclass(frozen=True, slots=True)
class Snippet:
    """The code for one language or tool; ``id`` is unique on the page."""

    id: str
    name: str
    code: str


@dataclass(frozen=True, slots=True)
class Instructions:
    """``base_url`` is for an SDK, ``scope`` what a key needs; ``snippets`` are never empty."""

    base_url: str
    scope: str
    snippets: list[Snippet]


def build_instructions(provider: Provider, ari_url: str) -> Instructions | None:
    """How to call the provider, or ``None`` if the gateway doesn't forward to it."""
    if not provider.is_ai:
        return None
    gateway = f"{ari_url}/api/ai/{provider.name}"
    paths = [one.partition(" ")[2] for one in provider.reaches if one.startswith("POST ")]
    snippets, base_url = [], gateway
    if provider.key_header == "x-api-key" and _MESSAGES in paths:
        snippets = _sdk_snippets(provider.name, "anthropic", "Anthropic", "@anthropic-ai/sdk", base_url)
    else:
        chat = next((path for path in paths if path.endswith(_CHAT)), None)
        if chat is not None:
            base_url = gateway + chat.removesuffix(_CHAT)
            snippets = _sdk_snippets(provider.name, "openai", "OpenAI", "openai", base_url)
    snippets.append(Snippet(f"{provider.name}-curl", "curl", _curl(provider, gateway, paths)))
    return Instructions(base_url, f"ai:{provider.name}", snippets)


def _sdk_snippets(name: str, package: str, client: str, javascript: str, base_url: str) -> list[Snippet]:
    python = _PYTHON.format(package=package, client=client, base_url=base_url)
    script = _JAVASCRIPT.format(package=javascript, client=client, base_url=base_url)
    return [Snippet(f"{name}-python", "Python", python), Snippet(f"{name}-javascript", "JavaScript", script)]


def _curl(provider: Provider, gateway: str, paths: list[str]) -> str:
    """A request that costs nothing if there is one, or the start of one that reads its body from a file."""
    key = '-H "x-api-key: $ARI_API_KEY"'
    free = next((one.partition(" ")[2] for one in provider.reaches if one.startswith("GET ") and "{" not in one), None)
    if free is not None:
        return f"curl {key} {gateway}{free}"
    return f'curl {key} -H "content-type: application/json" -d @request.json {gateway}{paths[0]}'
