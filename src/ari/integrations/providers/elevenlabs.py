"""ElevenLabs: speech."""
# A key without the right to read the user gets 401 with the status missing_permissions: it is valid.

from ari.integrations.model import KeyShape, Provider, Trial

PROVIDER = Provider(
    name="elevenlabs",
    title="ElevenLabs",
    base_url="https://api.elevenlabs.io",
    variable="ELEVENLABS_API_KEY",
    keys_page="https://elevenlabs.io/app/settings/api-keys",
    shape=KeyShape(r"(sk_)?[A-Za-z0-9]{20,}", "begin with sk_"),
    key_header="xi-api-key",
    key_prefix="",
    trial=Trial("/v1/user", restricted_mark="missing_permissions"),
    # https://elevenlabs.io/docs/api-reference/user/get: its xi_api_key is the key itself.
    returns_keys=(
        "/v1/user",
        "/v1/workspace/service{rest...}",
        "/v1/convai/conversation/token",
        "/v1/convai/conversation/get-signed-url",
        "/v1/convai/conversation/get_signed_url",
    ),
    reaches=(
        "POST /v1/text-to-speech/{voice}",
        "POST /v1/text-to-speech/{voice}/stream",
        "POST /v1/text-to-speech/{voice}/with-timestamps",
        "POST /v1/text-to-speech/{voice}/stream/with-timestamps",
        "POST /v1/speech-to-text",
        "GET /v1/speech-to-text/transcripts/{id}",
        "POST /v1/speech-to-speech/{voice}",
        "POST /v1/speech-to-speech/{voice}/stream",
        "POST /v1/sound-generation",
        "POST /v1/audio-isolation",
        "GET /v1/models",
        "GET /v1/voices",
        "GET /v1/voices/{voice}",
        "GET /v2/voices",
    ),
    model_fields=("model_id",),
    model_routes=(("POST /v1/audio-isolation", ()),),
)
