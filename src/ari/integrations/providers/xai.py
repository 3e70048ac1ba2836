"""xAI."""

from ari.integrations.model import SESSION_PATHS, KeyShape, Provider, Trial

PROVIDER = Provider(
    name="xai",
    title="xAI",
    base_url="https://api.x.ai",
    dropped_ending="/v1",
    variable="XAI_API_KEY",
    keys_page="https://console.x.ai",
    shape=KeyShape(r"xai-[A-Za-z0-9]{20,}", "begin with xai-", telling=True),
    price_list="x-ai",
    trial=Trial("/v1/api-key", rejected_mark="Incorrect API key"),
    asks_usage=True,
    returns_keys=tuple(f"/v1{path}" for path in SESSION_PATHS),
    reaches=(
        "POST /v1/chat/completions",
        "POST /v1/responses",
        "POST /v1/completions",
        "POST /v1/messages",
        "POST /v1/embeddings",
        "POST /v1/images/generations",
        "POST /v1/tokenize-text",
        "GET /v1/models",
        "GET /v1/responses/{id}",
        "GET /v1/chat/deferred-completion/{id}",
        "GET /v1/models/{model...}",
        "GET /v1/language-models",
        "GET /v1/language-models/{model}",
    ),
)
