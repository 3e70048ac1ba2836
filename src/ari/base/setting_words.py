"""What a setting of a plain type may be, in words: the library's own name its types, and may show values."""

from typing import Any, Literal, get_args, get_origin

from pydantic import ByteSize
from pydantic.fields import FieldInfo


def sentence_for(kind: str, message: str, info: FieldInfo | None) -> str:
    """What to give instead of a refused value, without the value; ``kind`` and ``message`` are of the library's error.

    What our own validators raise is a sentence already.
    """
    if kind == "value_error" or info is None:
        return message.removeprefix("Value error, ")
    choices = _choices(info.annotation)
    if choices:
        return f"give one of {', '.join(choices)}"
    if info.annotation is bool:
        return "give true or false"
    if info.annotation is ByteSize:
        return "give a size such as 100MB or 2GB"
    if info.annotation in (int, float):
        return f"give a {'whole ' if info.annotation is int else ''}number{_range(info)}"
    return "give a text that fits this setting"


def _choices(annotation: Any) -> tuple[str, ...]:
    return tuple(map(str, get_args(annotation))) if get_origin(annotation) is Literal else ()


def _range(info: FieldInfo) -> str:
    found = {
        name: getattr(one, name) for one in info.metadata for name in ("ge", "gt", "le", "lt") if hasattr(one, name)
    }
    low, high = found.get("ge", found.get("gt")), found.get("le", found.get("lt"))
    if low is None and high is None:
        return ""
    if high is None:
        return f" of at least {low}"
    return f" between {low} and {high}" if "ge" in found else f" above {low}, at most {high}"
