"""OpenAI."""
# https://platform.openai.com/docs/api-reference: a restricted key without the right to list models gets 403.

from ari.integrations.model import SESSION_PATHS, KeyShape, Provider, Trial

PROVIDER = Provider(
    name="openai",
    title="OpenAI",
    base_url="https://api.openai.com",
    variable="OPENAI_API_KEY",
    base_url_variable="OPENAI_BASE_URL",
    dropped_ending="/v1",
    keys_page="https://platform.openai.com/api-keys",
    shape=KeyShape(r"sk-[A-Za-z0-9_-]{20,}", "begin with sk-"),
    price_list="openai",
    trial=Trial("/v1/models"),
    asks_usage=True,
    reaches=(
        "POST /v1/responses",
        "POST /v1/responses/input_tokens",
        "POST /v1/responses/compact",
        "GET /v1/responses/{id}",
        "GET /v1/responses/{id}/input_items",
        "POST /v1/responses/{id}/cancel",
        "POST /v1/chat/completions",
        "POST /v1/completions",
        "POST /v1/embeddings",
        "POST /v1/moderations",
        "POST /v1/images/generations",
        "POST /v1/images/edits",
        "POST /v1/images/variations",
        "POST /v1/audio/speech",
        "POST /v1/audio/transcriptions",
        "POST /v1/audio/translations",
        "GET /v1/models",
        "GET /v1/models/{model...}",
    ),
    returns_keys=(
        "/v1/organization/admin_api_keys{rest...}",
        "/dashboard/user/api_keys",
        "/v1/login",
        *(f"/v1{path}" for path in SESSION_PATHS),
    ),
    model_routes=(
        ("POST /v1/responses/{id}/cancel", ()),
        ("POST /v1/batches/{id}/cancel", ()),
        ("DELETE /v1/responses/{id}", ()),
        ("DELETE /v1/chat/completions/{id}", ()),
    ),
)
