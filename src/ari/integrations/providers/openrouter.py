"""OpenRouter."""

from ari.integrations.model import OPENROUTER_ROUTERS, KeyShape, Provider, Trial

PROVIDER = Provider(
    name="openrouter",
    title="OpenRouter",
    base_url="https://openrouter.ai",
    dropped_ending="/api/v1",
    variable="OPENROUTER_API_KEY",
    keys_page="https://openrouter.ai/settings/keys",
    shape=KeyShape(r"sk-or-[A-Za-z0-9-]{20,}", "begin with sk-or-", telling=True),
    price_list="openrouter",
    trial=Trial("/api/v1/key"),
    routing_models=OPENROUTER_ROUTERS,
    returns_keys=("/api/v1/keys", "/api/v1/keys/{rest...}", "/api/v1/auth/{rest...}"),
    reaches=(
        "POST /api/v1/chat/completions",
        "POST /api/v1/completions",
        "POST /api/v1/responses",
        "POST /api/v1/messages",
        "POST /api/v1/embeddings",
        "GET /api/v1/models",
        "GET /api/v1/generation",
        "GET /api/v1/models/{model...}/endpoints",
    ),
)
