"""Groq."""

from ari.integrations.model import KeyShape, Provider, Trial

PROVIDER = Provider(
    name="groq",
    title="Groq",
    base_url="https://api.groq.com",
    dropped_ending="/openai/v1",
    variable="GROQ_API_KEY",
    keys_page="https://console.groq.com/keys",
    shape=KeyShape(r"gsk_[A-Za-z0-9]{20,}", "begin with gsk_", telling=True),
    price_list="groq",
    trial=Trial("/openai/v1/models"),
    asks_usage=True,
    reaches=(
        "POST /openai/v1/chat/completions",
        "POST /openai/v1/responses",
        "GET /openai/v1/responses/{id}",
        "POST /openai/v1/audio/transcriptions",
        "POST /openai/v1/audio/translations",
        "POST /openai/v1/audio/speech",
        "POST /openai/v1/embeddings",
        "GET /openai/v1/models",
        "GET /openai/v1/models/{model...}",
    ),
)
