"""Finds requests whose response would not report what they use, so that a hard budget could never settle them. No I/O.

Some run later, and others make the provider leave the usage out, or write it in a way that ARI can't read.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from ari.gateway.form_fields import is_form
from ari.gateway.json_tree import Ambiguous, fold_name, require_clear
from ari.gateway.json_walk import MAX_MEMBERS
from ari.http.request_head import RequestHead

_LATER_PATH = re.compile(r"(?:/batches|:batchGenerateContent|:asyncBatchEmbedContent)\Z")
_LATER = ("background", "deferred")
"""Members of OpenAI's and xAI's requests whose response is fetched later."""
_COUNTS = ("n", "best_of")
_CONFIGS = ("generationConfig", "generation_config")
_CONFIG_COUNTS = ("candidateCount", "candidate_count")
_MEMBERS = frozenset((*_LATER, *_COUNTS, *_CONFIGS, "stream", "stream_options", "response_format"))
_TEXT_PATH = re.compile(r"/(?:completions|responses|messages)\Z")
_RECORDING_PATH = re.compile(r"/audio/(?:transcriptions|translations)\Z")
_REPORTING_FORMATS = (None, "json", "verbose_json", "diarized_json")
"""Formats of a transcription that have a place for the usage; others are only its text."""
_SELECTS_FIELDS = frozenset(("callback", "fields"))
_FIELD_HEADER, _PREFER_HEADER = b"x-goog-fieldmask", b"prefer"
USE_HEADERS = (_FIELD_HEADER, _PREFER_HEADER)
# https://cloud.google.com/apis/docs/system-parameters: most also work with a leading $.
_READABLE = frozenset(("json", "sse"))


def find_unreported(path: str, head: RequestHead, asked: Mapping[str, Any]) -> str | None:
    """Why the response would not report the use, as a sentence for the caller; ``None`` if it will.

    ``asked`` are the members of a JSON body, or those of a form that ``read_facts`` reads.
    """
    return next(_list_reasons(path, head, asked), None)


def _list_reasons(path: str, head: RequestHead, asked: Mapping[str, Any]) -> Iterator[str]:
    if _LATER_PATH.search(path):
        yield "Batches run later."
    if _FIELD_HEADER in head.headers or any(_hides_usage(name, value) for name, value in _read_query(head)):
        yield "Don't select the fields or the format of the response: it must report the usage."
    if b"respond-async" in b",".join(head.lines(_PREFER_HEADER)).lower():
        yield "Requests with Prefer: respond-async run later."
    if is_form(head.first(b"content-type") or b"") and _TEXT_PATH.search(path):
        yield "Send the body as application/json."
    if _RECORDING_PATH.search(path) and asked.get("response_format") not in _REPORTING_FORMATS:
        yield "Use the response_format json or verbose_json: others don't report the usage."
    yield from _list_member_reasons(asked)
    yield from _list_count_reasons(asked)


def _read_query(head: RequestHead) -> list[tuple[str, str]]:
    query = (head.query or b"").replace(b";", b"&").decode("latin-1")
    return [(fold_name(name), value) for name, value in parse_qsl(query, keep_blank_values=True)]


def _hides_usage(name: str, value: str) -> bool:
    return name in _SELECTS_FIELDS or (name == "alt" and value.lower() not in _READABLE)


def _list_count_reasons(asked: Mapping[str, Any]) -> Iterator[str]:
    """Counts of responses that servers could read as another number, or as none."""
    configs = [one for name in _CONFIGS if isinstance(one := asked.get(name), dict)]
    counts = [(name, asked.get(name)) for name in _COUNTS]
    counts += [(name, one.get(name)) for one in configs for name in _CONFIG_COUNTS]
    for name, value in counts:
        if value is not None and (type(value) is not int or value < 1):
            yield f"The member {name} must be a positive whole number."


def _list_member_reasons(asked: Mapping[str, Any]) -> Iterator[str]:
    try:
        require_clear(dict(asked), _MEMBERS)
    except Ambiguous as error:
        yield str(error)
    if len(asked) > MAX_MEMBERS:
        yield f"The body has more than {MAX_MEMBERS:,} members, so ARI can't ask for the usage."
    for name in _LATER:
        if asked.get(name) not in (None, False):
            yield f"Requests with {name} run later."
    if not isinstance(asked.get("stream"), bool | None):
        yield "The member stream must be true or false."
    if not isinstance(asked.get("stream_options"), dict | None):
        yield "The member stream_options must be an object."
