"""Settings from the environment, whose secrets may be in files: each secret setting has a variable ``…_FILE``."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr, SecretStr, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from ari.base.secret_file import SUFFIX, SecretFile, find_files
from ari.base.setting_errors import describe_error

_MASTER_KEY = "master_key"
"""Its file is a setting itself: it holds several keys, and ``ari.base.master_key`` reads it."""
_UNSTRIPPED = "admin_password"
_OTHER_NAMES = {"allowed_ips": "ALLOWED_IPS", "resend_api_key": "ARI_RESEND_API_KEY"}
"""Other names of settings, without the prefix or with it."""


def environment_name(field: str) -> str:
    """The environment variable of a setting."""
    return field.upper() if field == "resend_api_key" else f"ARI_{field.upper()}"


def environment_names(field: str) -> list[str]:
    """All environment variables of a setting. The first one that is set counts."""
    return [environment_name(field), *([_OTHER_NAMES[field]] if field in _OTHER_NAMES else [])]


class FileSettings(BaseModel):
    """Base class of the settings.

    Not that of pydantic-settings, which imports command lines and files of a dozen formats: 50 ms of every command.
    """

    model_config = ConfigDict(defer_build=True)
    """Only the class whose values are read builds its validator: 1 ms for each of the others."""

    _files: dict[str, SecretFile[SecretStr]] = PrivateAttr(default_factory=dict)

    @classmethod
    def read(cls, environment: Mapping[str, str], given: Mapping[str, Any]) -> Self:
        """The settings from ``given``, the files that the environment names, and the environment, in this order.

        Names of variables may be in lower case, and an empty one counts as unset.

        Raises ``ConfigurationError`` for a file, and pydantic's ``ValidationError``.
        """
        fields = [field for field in file_fields(cls) if field not in given]
        names = {name: field for field in fields for name in reversed(environment_names(field))}
        files = {
            names[name]: SecretFile(name + SUFFIX, path, _parser_of(names[name], cls.model_fields[names[name]]))
            for name, path in find_files(names, environment).items()
        }
        values: dict[str, Any] = {field: file.current() for field, file in files.items()}
        settings = cls(**_read_variables(cls.model_fields, environment) | values | dict(given))
        settings._files = files
        return settings

    def current(self, field: str) -> SecretStr | None:
        """The present value of a secret setting: its file may have changed since the start."""
        file = self._files.get(field)
        value: SecretStr | None = getattr(self, field) if file is None else file.current()
        return value


def _read_variables(fields: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """The texts of the settings that the environment has."""
    texts = {name.upper(): text for name, text in environment.items() if text}
    found = {}
    for field in fields:
        given = [texts[name] for name in environment_names(field) if name in texts]
        if given:
            found[field] = given[0]
    return found


def list_fields(settings: type[BaseModel]) -> list[str]:
    """All settings: those of the class itself first, then those of its base classes."""
    own = vars(settings).get("__annotations__", {})
    return sorted(settings.model_fields, key=lambda field: field not in own)


def file_fields(settings: type[BaseModel]) -> list[str]:
    """The settings that can be read from a file: all secret ones."""
    annotations = {field: repr(info.annotation) for field, info in settings.model_fields.items()}
    return [field for field, text in annotations.items() if "SecretStr" in text and field != _MASTER_KEY]


def _parser_of(field: str, info: FieldInfo) -> Callable[[str], SecretStr]:
    annotation: Any = info.annotation
    adapter: TypeAdapter[Any] = TypeAdapter(annotation, config={"hide_input_in_errors": True})

    def parse(text: str) -> SecretStr:
        try:
            value: SecretStr = adapter.validate_python(text if field == _UNSTRIPPED else text.strip())
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise ValueError(describe_error(first["type"], first["msg"], info)) from None
        return value

    return parse
