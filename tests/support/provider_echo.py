"""Responses of the stand-in for providers that repeat the key where nobody would look for it."""

import gzip
import json
from typing import Any


def echo(handler: Any, model: str, key: str) -> None:
    """In a body and headers; ``echo-stream``, ``echo-gzip`` and ``echo-model`` say where else."""
    headers = {"x-ratelimit-key": key, "x-request-id": key[:20]}
    if model == "echo-stream":
        _send_pieces(handler, f"data: {key}\n\n".encode() * 20)
    elif model == "echo-gzip":
        body = gzip.compress(json.dumps({"key": key}).encode())
        handler.send_body(200, body, "application/json", {**headers, "Content-Encoding": "gzip"})
    elif model == "echo-model":
        handler.send_json({"model": key, "usage": {"prompt_tokens": 1, "completion_tokens": 1}})
    else:
        handler.send_body(200, json.dumps({"model": model, "key": key}).encode(), "application/json", headers)


def _send_pieces(handler: Any, body: bytes) -> None:
    """As a stream, in pieces of 1 to 13 bytes."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    at = 0
    while at < len(body):
        size = 1 + at % 13
        handler.send_chunk(body[at : at + size])
        at += size
    handler.wfile.write(b"0\r\n\r\n")
