"""Every setting of ARI: name, default, help, secret or not. Docs and the command line read this list.

All are environment variables with the prefix ``ARI_``, but for ``RESEND_API_KEY``, which has the name that people know;
``ALLOWED_IPS`` is an alias of ``ARI_ALLOWED_IPS``.
"""

import os
from pathlib import Path
from typing import Literal, Self

from pydantic import (
    AliasChoices,
    ByteSize,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from ari.base.errors import ConfigurationError
from ari.base.hosts import is_loopback
from ari.base.master_key import keys_of
from ari.base.setting_types import (
    DEFAULT_PORT,
    Days,
    Directory,
    HostNames,
    ListeningHost,
    MailAddress,
    Network,
    Networks,
    Origin,
    Port,
    PostgresUrl,
    PrivateAddresses,
    ResendKey,
    ResendUrl,
    RetentionDays,
    SmtpUrl,
    TimeZone,
)
from ari.base.setting_words import sentence_for

__all__ = ["LOOPBACK_NAMES", "Network", "Settings", "environment_name", "load_settings"]

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


def _default_data_dir() -> Path:
    import platformdirs  # noqa: PLC0415 - only where no directory is named

    try:
        found = Path(platformdirs.user_data_dir("ari", appauthor=False))
    except RuntimeError:  # pathlib finds no home directory
        found = Path("~")
    if not found.is_absolute():
        raise ConfigurationError(
            "ARI_DATA_DIR: this user has no home directory to keep data in; set it, or --data-dir, to a directory that "
            "this user may write."
        )
    return found


class Settings(BaseSettings):
    """Read from the environment; a bad value stops the start with one plain sentence."""

    model_config = SettingsConfigDict(
        env_prefix="ARI_", env_ignore_empty=True, hide_input_in_errors=True, extra="ignore", populate_by_name=True
    )

    data_dir: Directory = Field(
        default_factory=_default_data_dir,
        description="Where ARI keeps its databases (mode 0700). Default: the platform's place for user data.",
    )
    database_url: PostgresUrl | None = Field(
        None, description="postgresql://… for many nodes; unset: SQLite files in the data directory."
    )
    database_sync: Literal["off", "required"] = Field(
        "off",
        description="required: changes are refused (503) unless a synchronous standby of PostgreSQL confirms them.",
    )
    database_pooler: Literal["auto", "session", "transaction"] = Field(
        "auto",
        description="The mode of a connection pooler, such as PgBouncer, in front of PostgreSQL. auto: ARI detects a "
        "pooler, and works with either mode.",
    )
    host: ListeningHost = Field("127.0.0.1", description="The address to listen on.")
    port: Port = Field(DEFAULT_PORT, description="The port to listen on.")
    workers: int = Field(1, ge=1, le=64, description="How many worker processes serve.")
    public_url: Origin | None = Field(
        None,
        description="The address that people use, such as https://ari.example.net. Decides Secure cookies and HSTS.",
    )
    insecure_http: bool = Field(
        False, description="Allow listening beyond loopback although the public address is plain http."
    )
    allowed_hosts: HostNames = Field((), description="Further host names that ARI answers to, separated by commas.")
    allowed_ips: Networks = Field(
        (),
        validation_alias=AliasChoices("ARI_ALLOWED_IPS", "ALLOWED_IPS", "allowed_ips"),
        description="Addresses and CIDRs that may use the instance at all, separated by commas; empty: everyone.",
    )
    trusted_proxies: Networks = Field(
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
    ai_private_addresses: PrivateAddresses = Field(
        (),
        description="Private addresses, networks and host names that API keys may set as base URLs too, separated by "
        "commas, each with a port if you like: 10.0.0.0/8, ollama:11434. The owner may set any.",
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
    event_retention_days: RetentionDays = Field(
        0,
        description="How many days events of the audit trail are kept, at least 7. 0: all for ever. What is removed "
        "leaves a signed cut, from which the rest is verified.",
    )
    usage_wait_seconds: float = Field(
        5.0, gt=0, le=60, description="How long a response waits for its usage row before it becomes a 503."
    )
    watch: bool = Field(
        True, description="Whether the usage of keys is watched in the background for what their owner should know."
    )
    watch_in_use_days: int = Field(
        35, ge=3, le=400, description="A key that was not used for so many days is not in use, however rare its use is."
    )
    watch_dead_grace_minutes: int = Field(
        60, ge=0, le=10_080, description="How long after its end calls with a revoked or expired key are no news."
    )
    watch_repeat_days: int = Field(
        7,
        ge=1,
        le=400,
        description="After how many days the watch tells again of what goes on with a key; of calls with a dead key, "
        "twice as many after the second time, four times as many after each later one.",
    )
    watch_first_hours: int = Field(
        24, ge=0, le=8_760, description="How long a new key may be put to use anywhere without a word."
    )
    watch_new_from: Literal["network", "address"] = Field(
        "network", description="Whether a new address of a network that is known (/24, /48) is news."
    )
    watch_many_networks: int = Field(
        5, ge=1, le=1_000, description="A key that is known from so many networks wanders: a new one is no news."
    )
    watch_burst_count: int = Field(
        100, ge=2, le=1_000_000, description="So many refused attempts, on a key or from an address, are a burst."
    )
    watch_burst_minutes: int = Field(10, ge=1, le=60, description="Within how many minutes they are a burst.")
    watch_unused_days: Days = Field(
        (30, 90), description="After how many days without use a key is named in the monthly word about unused keys."
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
    resend_api_key: ResendKey | None = Field(
        None,
        validation_alias=AliasChoices("RESEND_API_KEY", "resend_api_key"),
        description="Turns e-mail on: an API key of resend.com (may be restricted to sending).",
    )
    resend_url: ResendUrl = Field(
        "https://api.resend.com", description="Where Resend's API is; for proxies and tests. https, or loopback."
    )
    smtp_url: SmtpUrl | None = Field(
        None,
        description="Turns e-mail on by a mail server instead: smtp://user:password@host:587 (STARTTLS is demanded) or "
        "smtps://…; without TLS only on loopback.",
    )
    mail_from: MailAddress | None = Field(
        None,
        description="From which address mails come, such as ARI <ari@example.net>. Unset: ARI <onboarding@resend.dev>, "
        "with which a new account at Resend reaches its own address alone.",
    )
    time_zone: TimeZone = Field(
        "UTC", description="The zone of times in mails, such as Europe/Berlin; UTC is told too."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What the log tells.")
    log_format: Literal["auto", "text", "json"] = Field(
        "auto", description="text for people, json for machines; auto: text on a terminal."
    )
    test_clock_file: Path | None = Field(
        None, description="Test mode: a file with milliseconds to add to the clock. Never in production."
    )

    @field_validator("*", mode="before")
    @classmethod
    def _readable(cls, value: object, info: ValidationInfo) -> object:
        """Environment files of other systems bring line ends; what is not UTF-8 is no text."""
        if not isinstance(value, str):
            return value
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            raise ValueError("give the value in UTF-8")
        return value if info.field_name == "admin_password" else value.strip()

    @field_validator("trusted_proxies")
    @classmethod
    def _not_everyone(cls, value: tuple[Network, ...]) -> tuple[Network, ...]:
        if any(network.prefixlen == 0 for network in value):
            raise ValueError("trusting every address as a proxy lets anyone forge theirs")
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

    @model_validator(mode="after")
    def _one_way_for_mail(self) -> Self:
        if self.resend_api_key is not None and self.smtp_url is not None:
            raise ValueError("RESEND_API_KEY and ARI_SMTP_URL exclude each other")
        if self.smtp_url is not None and self.mail_from is None:
            raise ValueError("ARI_SMTP_URL needs ARI_MAIL_FROM, the address that mails come from")
        return self

    @property
    def base_url(self) -> str:
        """Our own address without a slash at its end."""
        if self.public_url is not None:
            return self.public_url
        host = self.host if is_loopback(self.host) else "127.0.0.1"
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def secure(self) -> bool:
        """Whether people reach the instance by https."""
        return self.base_url.startswith("https://")

    @property
    def loopback_only(self) -> bool:
        return is_loopback(self.host)


def environment_name(field: str) -> str:
    """The environment variable of a setting: its known name, or its own with the prefix."""
    return field.upper() if field == "resend_api_key" else f"ARI_{field.upper()}"


def load_settings(**overrides: object) -> Settings:
    """The settings from the environment, with overrides from the command line.

    Raises ``ConfigurationError`` naming the setting, never its value (security.md 7).
    """
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})  # type: ignore[arg-type]  # checked by pydantic
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = str(first["loc"][0]).lower().removeprefix("ari_") if first["loc"] else ""
        info = Settings.model_fields.get(field)
        message = sentence_for(first["type"], first["msg"], info)
        name = _name_in_use(field)
        raise ConfigurationError(f"{name}: {message}." if name else f"{message}.") from None


def _name_in_use(field: str) -> str:
    if not field:
        return ""
    name = environment_name(field)
    return "ALLOWED_IPS" if field == "allowed_ips" and name not in os.environ else name
