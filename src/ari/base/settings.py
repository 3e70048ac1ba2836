"""Every setting of ARI: name, default, help, secret or not. Docs and the command line read this list.

All are environment variables with the prefix ``ARI_``; ``ALLOWED_IPS`` is an alias of ``ARI_ALLOWED_IPS``.
"""

import ipaddress
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, ByteSize, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ari.base.errors import ConfigurationError
from ari.base.master_key import keys_of

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


def _default_data_dir() -> Path:
    import platformdirs  # noqa: PLC0415 - only where no directory is named

    return Path(platformdirs.user_data_dir("ari", appauthor=False))


class Settings(BaseSettings):
    """Read from the environment; a bad value stops the start with one plain sentence."""

    model_config = SettingsConfigDict(
        env_prefix="ARI_", env_ignore_empty=True, hide_input_in_errors=True, extra="ignore", populate_by_name=True
    )

    data_dir: Path = Field(
        default_factory=_default_data_dir,
        description="Where ARI keeps its databases (mode 0700). Default: the platform's place for user data.",
    )
    database_url: SecretStr | None = Field(
        None, description="postgresql://… for many nodes; unset: SQLite files in the data directory."
    )
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(3000, ge=1, le=65535, description="The port to listen on.")
    workers: int = Field(1, ge=1, le=64, description="How many worker processes serve.")
    public_url: str | None = Field(
        None,
        description="The address that people use, such as https://ari.example.net. Decides Secure cookies and HSTS.",
    )
    insecure_http: bool = Field(
        False, description="Allow listening beyond loopback although the public address is plain http."
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Further host names that ARI answers to, separated by commas."
    )
    allowed_ips: Annotated[tuple[Network, ...], NoDecode] = Field(
        (),
        validation_alias=AliasChoices("ARI_ALLOWED_IPS", "ALLOWED_IPS", "allowed_ips"),
        description="Addresses and CIDRs that may use the instance at all, separated by commas; empty: everyone.",
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="Addresses and CIDRs of proxies whose X-Forwarded-For counts, separated by commas."
    )
    master_key: SecretStr | None = Field(
        None,
        description="The key that seals secrets such as those of two-factor: 32 random bytes as base64 or 64 "
        "hexadecimal digits; a second one, after a comma, opens what an older key sealed. Unset: master.key in the "
        "data directory.",
    )
    master_key_file: Path | None = Field(None, description="A file that holds what ARI_MASTER_KEY would.")
    admin_email: str | None = Field(None, description="Makes the owner account at the first start, without a browser.")
    admin_password: SecretStr | None = Field(None, description="The password of ARI_ADMIN_EMAIL.")
    ai_max_seconds: float = Field(
        600.0, gt=0, le=86_400, description="How long one request through the AI gateway may take in all."
    )
    ai_idle_seconds: float = Field(
        300.0,
        gt=0,
        le=86_400,
        description="How long a provider may stay silent, before its answer and within it, until the AI gateway gives "
        "up.",
    )
    usage_addresses: Literal["full", "network", "none"] = Field(
        "full", description="What the usage log keeps of client addresses: all, the network (/24, /48), or nothing."
    )
    usage_buffer_rows: int = Field(
        10_000, ge=1, description="How many usage rows may wait for the disk; beyond that callers wait."
    )
    usage_durability: Literal["commit", "fsync"] = Field(
        "commit",
        description="What a usage row survives before its response goes out: commit: the death of any process of ARI; "
        "fsync: also a power loss, at the price of one disk flush a commit.",
    )
    usage_retention_days: int = Field(
        90, ge=0, le=36_500, description="How many days usage rows are kept; totals stay. 0: all for ever."
    )
    usage_wait_seconds: float = Field(
        5.0, gt=0, le=60, description="How long a response waits for its usage row before it becomes a 503."
    )
    verify_timeout_seconds: float = Field(
        2.0, gt=0, le=60, description="How long a verification waits for the database before it becomes a 503."
    )
    stop_seconds: float = Field(
        5.0, ge=0, le=600, description="How long a stopping server waits for the requests in flight."
    )
    min_free_disk: ByteSize = Field(
        ByteSize(100_000_000), description="Below this free space (such as 100MB) refusals are counted, not listed."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What the log tells.")
    log_format: Literal["auto", "text", "json"] = Field(
        "auto", description="text for people, json for machines; auto: text on a terminal."
    )
    test_clock_file: Path | None = Field(
        None, description="Test mode: a file with milliseconds to add to the clock. Never in production."
    )

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        return (
            tuple(part.strip().lower() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("allowed_ips", "trusted_proxies", mode="before")
    @classmethod
    def _split_networks(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in value.split(",") if part.strip())

    @field_validator("trusted_proxies")
    @classmethod
    def _not_everyone(cls, value: tuple[Network, ...]) -> tuple[Network, ...]:
        if any(network.prefixlen == 0 for network in value):
            raise ValueError("trusting every address as a proxy lets anyone forge theirs")
        return value

    @field_validator("public_url")
    @classmethod
    def _origin_only(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.username
            or parts.query
            or parts.fragment
        ):
            raise ValueError("give an address such as https://ari.example.net, without path, user or query")
        if parts.path not in ("", "/"):
            raise ValueError("ARI lives at the root of its host; give the address without a path")
        return f"{parts.scheme}://{parts.netloc.lower()}"

    @field_validator("database_url")
    @classmethod
    def _postgresql_only(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("give a postgresql:// address, or leave it unset for SQLite")
        return value

    @model_validator(mode="after")
    def _admin_is_a_pair(self) -> Self:
        if (self.admin_email is None) != (self.admin_password is None):
            raise ValueError("ARI_ADMIN_EMAIL and ARI_ADMIN_PASSWORD go together")
        return self

    @field_validator("master_key")
    @classmethod
    def _no_passphrase(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            try:
                keys_of(value.get_secret_value(), "x")
            except ConfigurationError as error:
                raise ValueError(str(error).removeprefix("x: ").removesuffix(".")) from None
        return value

    @model_validator(mode="after")
    def _one_place_for_the_key(self) -> Self:
        if self.master_key is not None and self.master_key_file is not None:
            raise ValueError("ARI_MASTER_KEY and ARI_MASTER_KEY_FILE exclude each other")
        return self

    @property
    def base_url(self) -> str:
        """Our own address without a slash at its end."""
        if self.public_url is not None:
            return self.public_url
        host = self.host if _is_loopback(self.host) else "127.0.0.1"
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def secure(self) -> bool:
        """Whether people reach the instance by https."""
        return self.base_url.startswith("https://")

    @property
    def loopback_only(self) -> bool:
        return _is_loopback(self.host)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def load_settings(**overrides: object) -> Settings:
    """The settings from the environment, with overrides from the command line.

    Raises ``ConfigurationError`` naming the setting, never its value (security.md 7).
    """
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})  # type: ignore[arg-type]  # checked by pydantic
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = str(first["loc"][0]) if first["loc"] else ""
        message = first["msg"].removeprefix("Value error, ")
        name = f"ARI_{field.upper().removeprefix('ARI_')}" if field else "The settings"
        raise ConfigurationError(f"{name}: {message}.") from None
