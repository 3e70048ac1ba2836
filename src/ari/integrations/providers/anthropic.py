"""Anthropic."""

from ari.integrations.model import MODEL_FIELDS, KeyShape, Provider, Trial

PROVIDER = Provider(
    name="anthropic",
    title="Anthropic",
    base_url="https://api.anthropic.com",
    variable="ANTHROPIC_API_KEY",
    base_url_variable="ANTHROPIC_BASE_URL",
    dropped_ending="/v1",
    keys_page="https://console.anthropic.com/settings/keys",
    shape=KeyShape(r"sk-ant-[A-Za-z0-9_-]{20,}", "begin with sk-ant-", telling=True),
    key_header="x-api-key",
    key_prefix="",
    default_headers=(("anthropic-version", "2023-06-01"),),
    price_list="anthropic",
    trial=Trial("/v1/models"),
    returns_keys=("/v1/organizations/api_keys{rest...}",),
    reaches=(
        "POST /v1/messages",
        "POST /v1/messages/count_tokens",
        "POST /v1/complete",
        "GET /v1/models",
        "GET /v1/models/{model...}",
    ),
    model_routes=(
        ("POST /v1/messages/batches", tuple(f"requests[].params.{one}" for one in MODEL_FIELDS)),
        ("POST /v1/messages/batches/{id}/cancel", ()),
        ("DELETE /v1/messages/batches/{id}", ()),
    ),
)
