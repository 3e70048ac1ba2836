"""Mistral."""

from ari.integrations.model import KeyShape, Provider, Trial

PROVIDER = Provider(
    name="mistral",
    title="Mistral",
    base_url="https://api.mistral.ai",
    dropped_ending="/v1",
    variable="MISTRAL_API_KEY",
    keys_page="https://console.mistral.ai/api-keys",
    shape=KeyShape(r"[A-Za-z0-9]{20,}", "contain only letters and digits"),
    price_list="mistral",
    trial=Trial("/v1/models"),
    reaches=(
        "POST /v1/chat/completions",
        "POST /v1/fim/completions",
        "POST /v1/embeddings",
        "POST /v1/moderations",
        "POST /v1/chat/moderations",
        "POST /v1/ocr",
        "POST /v1/audio/transcriptions",
        "GET /v1/models",
        "GET /v1/models/{model...}",
    ),
)
