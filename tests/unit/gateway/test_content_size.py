"""The size of a body's content: all text, however it is written, and attachments only where providers read them."""

import base64
import json
from typing import Any

import pytest

from ari.gateway.content_size import measure_content

GLUED = "the_quick_brown_fox/" * 1_000
DATA = base64.b64encode(bytes(range(256)) * 60).decode()
URL = "data:image/png;base64," + DATA


def count(tree: dict[str, Any], indent: int | None = None) -> tuple[int, int]:
    found = measure_content(json.dumps(tree, indent=indent).encode(), tree)
    return found.text_bytes, found.attachments


@pytest.mark.parametrize(
    "part",
    [
        {"type": "text", "text": GLUED},
        {"type": "text", "text": URL},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": GLUED}},
        {"type": "document", "source": {"type": "text", "data": GLUED}},
        {"type": "tool_use", "input": {"source": {"media_type": "image/png", "data": GLUED}}},
        {"type": "tool_use", "input": {"image_url": URL}},
        {"inlineData": {"mimeType": "text/plain", "data": DATA}},
        {"type": "input_file", "file_data": "data:text/plain;base64," + DATA},
        {"type": "image_url", "image_url": {"url": GLUED}},
        {"image_url": {"url": URL + " and text"}},
        {"tools": [{"input_schema": {"examples": [{"image_url": URL}]}}]},
        {"functionCall": {"args": {"inlineData": {"mimeType": "image/png", "data": DATA}}}},
        {"data": GLUED},
    ],
)
def test_text_counts_with_all_its_bytes(part: dict[str, Any]) -> None:
    """Also text without blanks, and that of a file, a tool or a schema."""
    text_bytes, attachments = count({"messages": [{"role": "user", "content": [part]}]})
    assert attachments == 0
    assert text_bytes >= min(len(GLUED), len(DATA))


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": URL}},
        {"type": "input_image", "image_url": URL},
        {"type": "input_audio", "input_audio": {"data": DATA, "format": "wav"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64," + DATA}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}},
        {"type": "tool_result", "content": [{"source": {"media_type": "image/png", "data": DATA}}]},
        {"inlineData": {"mimeType": "audio/wav", "data": DATA}},
        {"inline_data": {"mime_type": "image/png", "data": DATA}},
        {"images": [DATA]},
    ],
)
def test_an_attachment_is_no_text(part: dict[str, Any]) -> None:
    """In each place where providers read one."""
    text_bytes, attachments = count({"messages": [{"role": "user", "content": [part]}]})
    assert attachments == 1
    assert text_bytes < 300


@pytest.mark.parametrize("indent", [1, 8, 4_000])
def test_blanks_between_values_do_not_count(indent: int) -> None:
    """The model doesn't get them; blanks in a text count."""
    tree = {"messages": [{"role": "user", "content": "a  b" * 100}]}
    assert count(tree, indent) == (len(json.dumps(tree, separators=(",", ":"))), 0)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "file", "file": {"file_id": "file_1"}}, True),
        ({"fileData": {"fileUri": "https://files.example/1"}}, True),
        ({"type": "image_url", "image_url": {"url": "https://files.example/1.png"}}, True),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}, False),
        ({"type": "text", "text": '{"file_id": "file_1"}'}, False),
        ({"previous_response_id": None}, False),
        ({"previous_response_id": "resp_1"}, True),
        ({"conversation": {"id": "conv_1"}}, True),
    ],
)
@pytest.mark.parametrize("more", ["", "x" * 10_000])
def test_input_that_a_body_only_names_is_noticed(part: dict[str, object], expected: bool, more: str) -> None:
    """Text that looks like it isn't."""
    tree = {"messages": [part, more]}
    assert measure_content(json.dumps(tree).encode(), tree).has_references == expected
