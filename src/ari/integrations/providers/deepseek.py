"""DeepSeek."""

from ari.integrations.model import KeyShape, Provider, Trial

PROVIDER = Provider(
    name="deepseek",
    title="DeepSeek",
    base_url="https://api.deepseek.com",
    variable="DEEPSEEK_API_KEY",
    keys_page="https://platform.deepseek.com/api_keys",
    shape=KeyShape(r"sk-[A-Za-z0-9]{20,}", "begin with sk-"),
    price_list="deepseek",
    trial=Trial("/user/balance"),
    asks_usage=True,
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
