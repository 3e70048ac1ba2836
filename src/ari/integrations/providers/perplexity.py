"""Perplexity."""
# It lists no models to a key; a list of asynchronous requests is the one call that costs nothing.

from ari.integrations.model import KeyShape, Provider, Trial

PROVIDER = Provider(
    name="perplexity",
    title="Perplexity",
    base_url="https://api.perplexity.ai",
    variable="PERPLEXITY_API_KEY",
    keys_page="https://www.perplexity.ai/account/api/keys",
    shape=KeyShape(r"pplx-[A-Za-z0-9]{20,}", "begin with pplx-", telling=True),
    price_list="perplexity",
    trial=Trial("/v1/async/sonar"),
    returns_keys=("/generate_auth_token", "/revoke_auth_token", "/v1/generate_auth_token"),
    reaches=(
        "POST /chat/completions",
        "POST /v1/chat/completions",
        "POST /router/v1/chat/completions",
        "POST /v1/sonar",
        "POST /v1/responses",
        "GET /v1/responses/{id}",
        "POST /v1/agent",
        "POST /v1/embeddings",
        "POST /search",
    ),
    model_routes=(("POST /search", ()),),
)
