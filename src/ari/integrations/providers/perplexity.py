"""Perplexity."""

from ari.integrations.model import KeyShape, Provider, Trial

PROVIDER = Provider(
    name="perplexity",
    title="Perplexity",
    base_url="https://api.perplexity.ai",
    variable="PERPLEXITY_API_KEY",
    keys_page="https://www.perplexity.ai/account/api/keys",
    shape=KeyShape(r"pplx-[A-Za-z0-9]{20,}", "begins with pplx-", telling=True),
    trial=Trial("/async/chat/completions"),
    meter="openai",
    reaches=(
        "POST /chat/completions",
        "POST /v1/chat/completions",
        "POST /search",
    ),
)
