"""Sentences for invalid settings: the library's own messages name Python types and may show values."""

from typing import Any, Literal, get_args, get_origin

from pydantic import ByteSize
from pydantic.fields import FieldInfo


def describe_error(kind: str, message: str, info: FieldInfo | None) -> str:
    """Describe the valid values of a setting, without its value. ``kind`` and ``message`` are the library error's.

    Messages of ARI's own validators are returned unchanged.
    """
    if kind == "value_error" or info is None:
        return message.removeprefix("Value error, ")
    choices = _choices(info.annotation)
    if choices:
        return f"must be one of {', '.join(choices)}"
    if info.annotation is bool:
        return "must be true or false"
    if info.annotation is ByteSize:
        return "must be a size such as 100MB or 2GB"
    if info.annotation in (int, float):
        return f"must be a {'whole ' if info.annotation is int else ''}number{_range(info)}"
    return "isn't valid"


def _choices(annotation: Any) -> tuple[str, ...]:
    """The values of a ``Literal``, which may be optional."""
    for one in (annotation, *get_args(annotation)):
        if get_origin(one) is Literal:
            return tuple(map(str, get_args(one)))
    return ()


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
