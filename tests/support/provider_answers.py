"""Responses of the stand-in for providers to a chat, in each manner: a document, or the events of a stream."""

import json
from typing import Any

from tests.support.provider_formats import name_event


def _wants_weather(asked: dict[str, Any]) -> bool:
    """Whether the caller offers the one tool that the stand-in uses; programs offer many others."""
    tools = [tool.get("function", tool) for tool in asked.get("tools") or ()]
    return any(tool.get("name") == "weather" for tool in tools)


def chat(asked: dict[str, Any], model: str) -> dict[str, Any] | list[str]:
    tools = _wants_weather(asked)
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}
    message: dict[str, Any] = {"role": "assistant", "content": None if tools else "Hello"}
    if tools:
        message["tool_calls"] = [call]
    reason = "tool_calls" if tools else "stop"
    usage = {
        "prompt_tokens": 11,
        "completion_tokens": 7,
        "total_tokens": 18,
        "prompt_tokens_details": {"cached_tokens": 3},
    }
    head = {"id": "chatcmpl-1", "created": 1, "model": model}
    if not asked.get("stream"):
        choice = {"index": 0, "message": message, "finish_reason": reason}
        return {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
    telling = (asked.get("stream_options") or {}).get("include_usage") is True
    head["object"] = "chat.completion.chunk"
    pieces: list[dict[str, Any]] = [{"role": "assistant"}, {"content": "Hel"}, {"content": "lo"}]
    if tools:
        pieces = [{"role": "assistant", "tool_calls": [{"index": 0, **call}]}]
    chunks = [{**head, "choices": [{"index": 0, "delta": one, "finish_reason": None}]} for one in pieces]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    if telling:
        chunks = [{**chunk, "usage": None} for chunk in chunks] + [{**head, "choices": [], "usage": usage}]
    return [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks] + ["data: [DONE]\n\n"]


def response(asked: dict[str, Any], model: str) -> dict[str, Any] | list[str]:
    text = {"type": "output_text", "text": "Hello", "annotations": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [text]}
    usage = {
        "input_tokens": 21,
        "input_tokens_details": {"cached_tokens": 8},
        "output_tokens": 9,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 30,
    }
    whole = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": model,
        "status": "completed",
        "output": [item],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }
    if not asked.get("stream"):
        return {**whole, "usage": usage}
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    delta = {"item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": "Hello", "logprobs": []}
    events = [
        {"type": "response.created", "sequence_number": 0, "response": begun},
        {"type": "response.output_text.delta", "sequence_number": 1, **delta},
        {"type": "response.output_item.done", "sequence_number": 2, "output_index": 0, "item": item},
        {"type": "response.completed", "sequence_number": 3, "response": {**whole, "usage": usage}},
    ]
    return [name_event(event) for event in events]


def message(asked: dict[str, Any], model: str) -> dict[str, Any] | list[str]:
    tools = _wants_weather(asked)
    use = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}}
    content = [use] if tools else [{"type": "text", "text": "Hello"}]
    usage = {
        "input_tokens": 10,
        "cache_read_input_tokens": 30,
        "cache_creation_input_tokens": 2,
        "output_tokens": 6,
    }
    reason = "tool_use" if tools else "end_turn"
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "stop_sequence": None}
    if not asked.get("stream"):
        return {**head, "content": content, "stop_reason": reason, "usage": usage}
    begun: dict[str, Any] = {**head, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    ended = {"delta": {"stop_reason": reason, "stop_sequence": None}, "usage": {"output_tokens": 6}}
    block = {"index": 0, "content_block": {"type": "text", "text": ""}}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", **block},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", **ended},
        {"type": "message_stop"},
    ]
    return [name_event(event) for event in events]
