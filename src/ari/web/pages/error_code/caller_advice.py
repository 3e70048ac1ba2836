"""Advice for callers that get an error: what to do next, on the page of its code."""

_ASK = "Ask the people who run this API"
_WAIT = "Wait as many seconds as the header Retry-After says, then send the request again."
_AGAIN = "Send the request again in a moment, unless it may not run twice."

ADVICE = {
    "missing": f"{_ASK} for a key if you have none.",
    "malformed": "A key has a prefix and no spaces. Look for a missing character, or for quotes that were copied too.",
    "unknown": f"Check that the key is of this instance. {_ASK} for another one if it was deleted.",
    "expired": "Sending the request again doesn't help.",
    "revoked": "Sending the request again doesn't help.",
    "disabled": "Sending the request again doesn't help until it is enabled.",
    "retired": "Restart your app if its settings have the new secret already: it may still use the old one.",
    "ip_not_allowed": "Send the request from another address, or give yours to the people who run this API.",
    "insufficient_scope": "The response names the scope that is missing. The people who run this API can add it.",
    "rate_limited": f"{_WAIT} The headers RateLimit and RateLimit-Policy show what is left.",
    "credits_exhausted": (
        f"{_WAIT} Without that header, waiting doesn't help: ask the people who run this API for more credits."
    ),
    "budget_exhausted": (
        f"{_WAIT} The budget has room again by then. Without that header, waiting doesn't help: send a smaller "
        "request, such as one with a lower max_tokens, or ask the people who run this API to increase the budget."
    ),
    "cost_unknown": "Use a model whose price is known, or ask the people who run this API to set its price.",
    "unavailable": f"{_WAIT} Nothing is wrong with your key.",
    "model_not_allowed": f"Use another model. {_ASK} to allow this one.",
    "provider_rate_limited": "Nothing is wrong with your key.",
    "provider_rejected": f"{_ASK} to replace the provider's key. Nothing is wrong with yours.",
    "provider_unreachable": _AGAIN,
    "provider_timed_out": _AGAIN,
    "internal": f"{_ASK} for help, and name the request ID of the response.",
}
"""By code. The sentence of other codes says it already."""
