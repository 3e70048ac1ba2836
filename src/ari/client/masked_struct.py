"""Models with a secret, which their ``repr`` doesn't show."""

from typing import Any, ClassVar

import msgspec


class MaskedStruct(msgspec.Struct, frozen=True, kw_only=True):
    """A struct whose fields in ``masked`` appear as ``…`` in logs, tracebacks and terminals."""

    masked: ClassVar[tuple[str, ...]] = ()

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"{type(self).__name__}({shown})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [(name, "…" if name in self.masked else getattr(self, name)) for name in self.__struct_fields__]
