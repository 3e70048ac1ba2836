"""Google Gemini."""
# https://ai.google.dev/api: the response to a wrong key is 400 with the reason API_KEY_INVALID.

from ari.integrations.model import KeyShape, Provider, Trial

_METHODS = (
    "generateContent",
    "streamGenerateContent",
    "countTokens",
    "embedContent",
    "batchEmbedContents",
    "predict",
)
_CALLS = (*(f"POST models/{{model}}:{method}" for method in _METHODS), "GET models", "GET models/{model}")

_FIELDS = (
    "model",
    "requests[].model",
    "generateContentRequest.model",
    "generate_content_request.model",
)
"""The path names the model; some bodies name it again."""
_BATCH_FIELDS = (
    "batch.model",
    "batch.inputConfig.requests.requests[].request.model",
    "batch.input_config.requests.requests[].request.model",
)

PROVIDER = Provider(
    name="gemini",
    title="Google Gemini",
    base_url="https://generativelanguage.googleapis.com",
    variable="GEMINI_API_KEY",
    base_url_variable="GEMINI_BASE_URL",
    keys_page="https://aistudio.google.com/apikey",
    shape=KeyShape(r"AIza[A-Za-z0-9_-]{20,}|AQ\.[A-Za-z0-9._-]{20,}", "begin with AIza or AQ.", telling=True),
    key_header="x-goog-api-key",
    key_prefix="",
    price_list="google",
    trial=Trial("/v1/models", rejected_mark="API_KEY_INVALID"),
    asks_usage=True,
    reaches=(
        *(call.replace(" ", f" /{version}/") for version in ("v1", "v1beta") for call in _CALLS),
        "POST /v1beta/openai/chat/completions",
        "POST /v1beta/openai/embeddings",
        "POST /v1beta/openai/images/generations",
        "GET /v1beta/openai/models",
        "GET /v1beta/openai/models/{model}",
    ),
    # The path holds the model's whole resource name: models/… or tunedModels/….
    model_routes=tuple(
        (f"POST /{version}/{{model...}}:{method}", fields)
        for version in ("v1", "v1beta")
        for method, fields in (
            *((method, _FIELDS) for method in _METHODS),
            ("batchGenerateContent", _BATCH_FIELDS),
            ("asyncBatchEmbedContent", _BATCH_FIELDS),
        )
    ),
)
