"""Headers and documents that the stand-in for providers sends."""

import json
from typing import Any

BAD_HEADERS = {
    "Set-Cookie": "session=1",
    "Location": "https://evil.example/",
    "Clear-Site-Data": '"*"',
    "Link": "</x>; rel=preload",
    "Refresh": "0; url=https://evil.example/",
    "Service-Worker-Allowed": "/",
    "Access-Control-Allow-Origin": "*",
    "Strict-Transport-Security": "max-age=1",
    "Alt-Svc": 'h3=":443"',
    "Openai-Organization": "org-private",
    "Content-Security-Policy": "default-src *",
    "Cache-Control": "public, max-age=600",
}
LIMITS = {"retry-after": "7", "retry-after-ms": "1", "x-ratelimit-remaining-requests": "0", "x-should-retry": "true"}


def name_event(event: dict[str, Any]) -> str:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"


def gemini_part(model: str, text: str, output: int) -> dict[str, Any]:
    content = {"role": "model", "parts": [{"text": text}]}
    usage = {
        "promptTokenCount": 12,
        "candidatesTokenCount": output,
        "thoughtsTokenCount": 2,
        "cachedContentTokenCount": 4,
        "totalTokenCount": 14 + output,
    }
    return {"candidates": [{"content": content, "index": 0}], "modelVersion": model, "usageMetadata": usage}
