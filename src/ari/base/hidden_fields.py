"""Objects that hold keys, headers or passwords, and show none of it in logs, tracebacks and terminals."""

from typing import Any


class HiddenFields:
    """A base of structs and data classes whose ``repr`` is their name alone."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    def __rich_repr__(self) -> Any:
        return ("…",)
