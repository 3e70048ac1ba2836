"""Read a TOML or JSON file; every mistake is one sentence with its line."""
# Imports inside functions here: start-up speed.

import json
from pathlib import Path
from typing import Any

from ari.base.errors import Invalid, Problem

MAX_BYTES = 8 * 1024 * 1024


def read_data_file(path: Path) -> object:
    """The file's content. Raises ``Invalid`` if it can't be read, is too large, or isn't valid TOML or JSON."""
    suffix = path.suffix.lower()
    if suffix not in (".toml", ".json"):
        raise _invalid("Use a .toml or .json file.")
    try:
        with path.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise _invalid(f"Can't read it: {error.strerror}.") from None
    if len(content) > MAX_BYTES:
        raise _invalid(f"At most {MAX_BYTES // 1024 // 1024} MiB.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _invalid(f"Line {line} isn't UTF-8.") from None
    return _parse_toml(text) if suffix == ".toml" else _parse_json(text)


def _parse_toml(text: str) -> object:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _invalid(f"{error}.") from None
    except RecursionError:
        raise _invalid("It's nested too deeply.") from None


def _parse_json(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_require_distinct)
    except json.JSONDecodeError as error:
        raise _invalid(f"{error.msg} (at line {error.lineno}, column {error.colno}).") from None
    except _RepeatedName as error:
        raise _invalid(f"The name {str(error)[:100]!r} occurs twice in one object.") from None
    except (RecursionError, ValueError):  # ValueError: a number with more digits than Python converts
        raise _invalid("It's nested too deeply, or a number is too long.") from None


class _RepeatedName(Exception):
    """JSON itself would keep the last value and hide the others."""


def _require_distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _RepeatedName(name)
        found[name] = value
    return found


def _invalid(sentence: str) -> Invalid:
    return Invalid(Problem("file", sentence))
