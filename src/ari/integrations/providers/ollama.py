"""Ollama: a server of the owner's own, usually without a key."""

from ari.integrations.model import MODEL_FIELDS, Provider, Trial

PROVIDER = Provider(
    name="ollama",
    title="Ollama",
    base_url=None,
    base_url_example="http://127.0.0.1:11434",
    variable="OLLAMA_API_KEY",
    base_url_variable="OLLAMA_BASE_URL",
    dropped_ending="/v1",
    needs_key=False,
    keys_page="https://ollama.com/settings/keys",
    trial=Trial("/api/tags"),
    asks_usage=True,
    reaches=(
        "POST /v1/chat/completions",
        "POST /v1/completions",
        "POST /v1/embeddings",
        "POST /v1/responses",
        "POST /v1/messages",
        "GET /v1/models",
        "GET /v1/models/{model...}",
        "POST /api/chat",
        "POST /api/generate",
        "POST /api/embed",
        "POST /api/embeddings",
        "POST /api/show",
        "GET /api/tags",
        "GET /api/ps",
        "GET /api/version",
    ),
    # The older name of the member in https://github.com/ollama/ollama/blob/main/api/types.go.
    model_fields=(*MODEL_FIELDS, "name"),
)
