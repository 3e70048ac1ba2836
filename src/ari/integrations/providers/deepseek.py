"""DeepSeek."""

from ari.integrations.model import KeyShape, Provider, Trial

PROVIDER = Provider(
    name="deepseek",
    title="DeepSeek",
    base_url="https://api.deepseek.com",
    variable="DEEPSEEK_API_KEY",
    keys_page="https://platform.deepseek.com/api_keys",
    shape=KeyShape(r"sk-[0-9a-f]{32}", "begins with sk- and has 32 hexadecimal digits"),
    trial=Trial("/user/balance"),
    meter="openai",
    reaches=(
        "POST /chat/completions",
        "POST /v1/chat/completions",
        "POST /beta/chat/completions",
        "POST /beta/completions",
        "POST /anthropic/v1/messages",
        "GET /models",
        "GET /v1/models",
    ),
)
