"""Secrets from files: ``ARI_SMTP_URL_FILE`` names the file with the value of ``ARI_SMTP_URL``, and so on.

Containers, systemd and Kubernetes hand secrets to a program as files. A file is read again when it changes.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from ari.base.errors import ConfigurationError
from ari.base.file_identity import Identity, find_settled_identity, identity_of

T = TypeVar("T")
SUFFIX = "_FILE"
MAX_BYTES = 64 * 1024


class SecretFile(Generic[T]):
    """The value in a file. ``variable`` names the file, and ``parse`` raises ``ValueError`` for an invalid value.

    The constructor reads the file and raises ``ConfigurationError``, which never shows its content.
    """

    def __init__(self, variable: str, path: Path, parse: Callable[[str], T]) -> None:
        self._variable = variable
        self._path = path
        self._parse = parse
        self._identity: Identity | None = None
        self._reported: str | None = None
        self._value = self._read()

    def current(self) -> T:
        """The value now. While the file can't be used, the last good value, and one warning in the log."""
        if self._identity is None or self._identity != identity_of(self._path):
            try:
                self._value = self._read()
                self._reported = None
            except ConfigurationError as error:
                self._report(str(error))
        return self._value

    def _read(self) -> T:
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                content = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            raise self._error(f"no such file: {self._path}") from None
        except OSError as error:
            raise self._error(f"can't read {self._path}: {error.strerror}") from None
        value = self._parse_content(content)
        self._identity = find_settled_identity(status)
        return value

    def _parse_content(self, content: bytes) -> T:
        if len(content) > MAX_BYTES:
            raise self._error(f"{self._path} is larger than {MAX_BYTES // 1024} KiB")
        try:
            text = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            raise self._error(f"{self._path} isn't UTF-8 text") from None
        if not text.strip():
            raise self._error(f"{self._path} is empty")
        try:
            return self._parse(text)
        except ValueError as error:
            raise self._error(str(error)) from None

    def _error(self, reason: str) -> ConfigurationError:
        return ConfigurationError(f"{self._variable}: {reason.removesuffix('.')}.")

    def _report(self, message: str) -> None:
        if message != self._reported:
            import structlog  # noqa: PLC0415 - a command starts without it (0.06 s)

            structlog.get_logger("ari.settings").warning(f"{message} The last value stays in use.")
            self._reported = message


def find_files(variables: Iterable[str], environment: Mapping[str, str]) -> dict[str, Path]:
    """The files that ``…_FILE`` variables name, by the variable whose value they hold; an empty one counts as unset.

    Raises ``ConfigurationError`` if a variable and its file are both set.
    """
    given = {name.upper(): value.strip() for name, value in environment.items()}
    found = {name: Path(given[name + SUFFIX]) for name in variables if given.get(name + SUFFIX)}
    for name in found:
        if given.get(name):
            raise ConfigurationError(f"{name} and {name}{SUFFIX} can't both be set.")
    return found
