"""Any service that speaks as OpenAI does; its base URL usually ends with a version such as /v1."""

from ari.integrations.model import MODEL_FIELDS, OPENROUTER_ROUTERS, SESSION_PATHS, Provider, Trial

_PATHS = (
    "POST /chat/completions",
    "POST /completions",
    "POST /responses",
    "POST /messages",
    "POST /responses/compact",
    "GET /responses/{id}",
    "GET /responses/{id}/input_items",
    "POST /responses/{id}/cancel",
    "POST /embeddings",
    "POST /moderations",
    "POST /rerank",
    "POST /audio/speech",
    "POST /audio/transcriptions",
    "POST /images/generations",
    "GET /models",
    "GET /models/{model...}",
)

PROVIDER = Provider(
    name="openai_compatible",
    title="OpenAI-compatible",
    base_url=None,
    base_url_example="http://127.0.0.1:8000/v1",
    variable="OPENAI_COMPATIBLE_API_KEY",
    base_url_variable="OPENAI_COMPATIBLE_BASE_URL",
    needs_key=False,
    keys_page="",
    trial=Trial("/models"),
    asks_usage=True,
    # LiteLLM's, the most common proxy here.
    returns_keys=(
        "/key/{rest...}",
        "/keys",
        "/keys/{rest...}",
        "/v1/key/{rest...}",
        "/config/yaml",
        "/get/config/{rest...}",
        "/user/new",
        # Deepgram's
        "/auth/grant",
        "/v1/auth/grant",
        *SESSION_PATHS,
        *(f"/v1{path}" for path in SESSION_PATHS),
    ),
    # Azure's model-router, LiteLLM's auto_router/…, and the name that most other routers use.
    routing_models=(*OPENROUTER_ROUTERS, "auto_router", "auto-router", "model-router", "model_router"),
    routing_names=("auto",),
    model_routes=tuple((f"POST {path}/messages/count_tokens", MODEL_FIELDS) for path in ("", "/v1")),
    reaches=_PATHS + tuple(path.replace(" /", " /v1/", 1) for path in _PATHS),
)
