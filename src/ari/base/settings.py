"""Every setting of ARI: name, type, default and description. The docs and the command line read this list.

Each is a variable with the prefix ``ARI_``. ``ARI_RESEND_API_KEY`` and ``ARI_ALLOWED_IPS`` also work without it.
Secrets may be in files, which variables with the suffix ``_FILE`` name.
"""

import os
from pathlib import Path
from typing import Literal, Self

from pydantic import (
    ByteSize,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ari.base.audit_settings import AuditSettings
from ari.base.backup_settings import BackupSettings
from ari.base.default_data_dir import default_data_dir
from ari.base.errors import ConfigurationError
from ari.base.file_settings import environment_name, environment_names
from ari.base.hosts import is_loopback
from ari.base.money import DisplayCurrency, make_display_currency
from ari.base.setting_errors import describe_error
from ari.base.setting_rules import check_combinations
from ari.base.setting_types import (
    DEFAULT_PORT,
    ClickHouseLogUrl,
    CurrencyCode,
    CurrencyRate,
    Days,
    Directory,
    HostNames,
    KeysUrl,
    ListenAddress,
    ListeningHost,
    MailAddress,
    MasterKey,
    Network,
    Networks,
    Origin,
    Port,
    PostgresUrl,
    PrivateAddresses,
    Proxy,
    ProxyNetworks,
    RequestHeaders,
    ResendKey,
    ResendUrl,
    RetentionDays,
    Routes,
    SmtpUrl,
    TimeZone,
    UnknownPrice,
)

__all__ = ["LOOPBACK_NAMES", "Network", "Settings", "environment_name", "load_settings"]

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


class Settings(AuditSettings, BackupSettings):
    """Read from the environment. An invalid value stops the start with one sentence."""

    model_config = ConfigDict(hide_input_in_errors=True, validate_default=True)

    data_dir: Directory = Field(
        default_factory=default_data_dir,
        description="Data directory (mode 0700). Default: the platform's directory for user data.",
    )
    data_dir_access: Literal["private", "group"] = Field(
        "private",
        description="private: only ARI's user can reach the data directory. group: its owner and group can too.",
    )
    database_url: PostgresUrl | None = Field(
        None,
        description="PostgreSQL URL (postgresql://…), for several nodes. Unset: SQLite files in the data directory.",
    )
    database_sync: Literal["off", "required"] = Field(
        "off",
        description="Set to required to fail changes with 503 unless a synchronous PostgreSQL standby confirms them.",
    )
    database_pooler: Literal["auto", "session", "transaction"] = Field(
        "auto",
        description="Mode of the connection pooler in front of PostgreSQL, such as PgBouncer. auto: detect a pooler "
        "and work with either mode.",
    )
    database_connections: int = Field(
        31,
        ge=15,
        le=1_000,
        description="Most connections to PostgreSQL that each process opens; 7 are for verification and the gateway.",
    )
    host: ListeningHost = Field("127.0.0.1", description="Address to listen on.")
    port: Port = Field(DEFAULT_PORT, description="Port to listen on.")
    workers: int = Field(1, ge=1, le=64, description="Number of worker processes.")
    metrics_address: ListenAddress | None = Field(
        None, description="Another address at which /metrics needs no key, such as 127.0.0.1:9464."
    )
    public_url: Origin | None = Field(
        None,
        description="The public URL, such as https://ari.example.net. https turns on Secure cookies and HSTS.",
    )
    insecure_http: bool = Field(False, description="Allow plain http on non-loopback addresses.")
    allowed_hosts: HostNames = Field((), description="Comma-separated additional host names that ARI responds to.")
    allowed_ips: Networks = Field(
        (),
        description="Comma-separated IP addresses or CIDRs allowed to reach ARI. Empty allows everyone.",
    )
    trusted_proxies: ProxyNetworks = Field(
        (), description="Comma-separated IP addresses or CIDRs of proxies whose X-Forwarded-For is trusted."
    )
    forward_auth: Proxy | None = Field(
        None,
        description="The proxy that asks /api/forward-auth about requests to your API. Requires ARI_TRUSTED_PROXIES.",
    )
    forward_auth_routes: Routes = Field(
        1,
        description="Routes of your API in the usage log: how many path segments they have after /api and a version, "
        "or a comma-separated list such as /orders/{id},/files/*.",
    )
    master_key: MasterKey | None = Field(
        None,
        description="Master key that encrypts stored secrets: 32 random bytes as base64 or 64 hexadecimal digits. A "
        "second key, after a comma, decrypts what an older key encrypted. Unset: master.key in the data directory.",
    )
    master_key_file: Path | None = Field(None, description="File with the master key, instead of ARI_MASTER_KEY.")
    admin_email: str | None = Field(None, description="Creates the owner on the first start, without a browser.")
    admin_password: SecretStr | None = Field(None, description="Password for ARI_ADMIN_EMAIL.")
    ai_max_seconds: float = Field(
        600.0, gt=0, le=86_400, description="Maximum total duration of a request through the AI gateway."
    )
    ai_idle_seconds: float = Field(
        300.0,
        gt=0,
        le=86_400,
        description="Maximum time the AI gateway waits for the next bytes of a provider's response.",
    )
    ai_unknown_price: UnknownPrice = Field(
        "refuse",
        description="What happens to an AI request whose model has no known price, if a hard budget in money applies: "
        "`refuse`, or the US dollars per million tokens to count it at, such as `15.00`.",
    )
    ai_private_addresses: PrivateAddresses = Field(
        (),
        description="Comma-separated private addresses, networks and host names that API keys may use in base URLs, "
        "each with an optional port: 10.0.0.0/8, ollama:11434. The owner may use any.",
    )
    ai_request_headers: RequestHeaders = Field(
        (), description="Comma-separated headers that also go from callers to one provider: litellm/x-litellm-tags."
    )
    usage_addresses: Literal["full", "network", "none"] = Field(
        "full",
        description="How much of client IP addresses the usage log keeps: all, the network (/24, /48) or nothing.",
    )
    usage_buffer_rows: int = Field(
        10_000, ge=1, description="Maximum number of usage rows waiting for the disk. Beyond that, requests wait."
    )
    usage_backlog_rows: int = Field(
        1_000_000, ge=10_000, description="Uncounted requests that slow callers down most; a tenth begins to."
    )
    usage_durability: Literal["commit", "fsync"] = Field(
        "commit",
        description="When a usage row counts as saved. commit: survives a crash of ARI. fsync: also survives power "
        "loss, at the cost of a disk flush per commit.",
    )
    usage_log_url: ClickHouseLogUrl | None = Field(
        None,
        description="ClickHouse database for the rows of the usage log, for very large logs on PostgreSQL: "
        "clickhouse://user:password@host:8443/database. Unset: PostgreSQL keeps them.",
    )
    usage_retention_days: int = Field(
        90,
        ge=0,
        le=36_500,
        description="Days to keep usage rows (totals are kept), on PostgreSQL up to a day longer. 0: forever.",
    )
    event_retention_days: RetentionDays = Field(
        0,
        description="Days to keep events in the audit log, at least 7. 0: forever. A signed cut replaces removed "
        "events, so the rest can still be verified.",
    )
    usage_wait_seconds: float = Field(
        5.0, gt=0, le=60, description="Maximum time a response waits for its usage row before it becomes a 503."
    )
    watch: bool = Field(True, description="Watch key usage in the background and alert the owner.")
    watch_in_use_days: int = Field(
        35, ge=3, le=400, description="A key unused for this many days counts as no longer in use."
    )
    watch_dead_grace_minutes: int = Field(
        60,
        ge=0,
        le=10_080,
        description="Grace period (minutes) before calls with a revoked or expired key are reported.",
    )
    watch_repeat_days: int = Field(
        7,
        ge=1,
        le=400,
        description="Days before the same alert repeats. Alerts about inactive keys repeat after 1×, 2×, then 4× this.",
    )
    watch_first_hours: int = Field(
        24, ge=0, le=8_760, description="Hours during which a new key may be used from anywhere without an alert."
    )
    watch_new_from: Literal["network", "address"] = Field(
        "network",
        description="Alert on a new network (/24, /48), or (address) also on a new address in a known network.",
    )
    watch_many_networks: int = Field(
        5, ge=1, le=1_000, description="Number of networks after which new ones are no longer reported for a key."
    )
    watch_burst_count: int = Field(
        100,
        ge=2,
        le=1_000_000,
        description="Refused requests, with one key or from one IP address, that trigger an alert.",
    )
    watch_burst_minutes: int = Field(10, ge=1, le=60, description="Time window in minutes for ARI_WATCH_BURST_COUNT.")
    watch_unused_days: Days = Field(
        (30, 90), description="Days without use after which a key appears in the monthly summary."
    )
    leak_action: Literal["notify", "disable", "revoke"] = Field(
        "notify",
        description="Reaction to the report of a leaked key. notify: email the owner. disable, revoke: also end its "
        "access.",
    )
    github_keys_url: KeysUrl | None = Field(
        None,
        description="URL of the public keys of GitHub's secret scanning. Set it to accept GitHub's alerts at "
        "/api/leaks/github.",
    )
    verify_timeout_seconds: float = Field(
        2.0, gt=0, le=60, description="Maximum time a verification waits for the database before it becomes a 503."
    )
    stop_seconds: float = Field(
        5.0, ge=0, le=600, description="Maximum time to wait for requests in progress when ARI stops."
    )
    min_free_disk: ByteSize = Field(
        ByteSize(100_000_000),
        description="When less disk space is free (such as 100MB), refused requests are counted but not listed.",
    )
    resend_api_key: ResendKey | None = Field(
        None,
        description="Resend API key; enables email. Sending access is enough.",
    )
    resend_url: ResendUrl = Field(
        "https://api.resend.com", description="Resend base URL, for proxies and tests. https, or http on loopback."
    )
    smtp_url: SmtpUrl | None = Field(
        None,
        description="SMTP server; enables email. smtp://user:password@host:587 (requires STARTTLS) or smtps://…; plain "
        "SMTP only on loopback.",
    )
    mail_from: MailAddress | None = Field(
        None,
        description="From address, such as ARI <ari@example.net>. Default: onboarding@resend.dev, which can only send "
        "to your own Resend address.",
    )
    display_currency: CurrencyCode = Field(
        "USD", description="Currency in which pages and the command line show costs, such as EUR."
    )
    display_currency_rate: CurrencyRate | None = Field(
        None,
        description="How much of ARI_DISPLAY_CURRENCY one US dollar is, such as 0.92. The rate is fixed: ARI counts "
        "costs and budgets in US dollars.",
    )
    time_zone: TimeZone = Field("UTC", description="Time zone for emails, such as Europe/Berlin.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Log level.")
    log_format: Literal["auto", "text", "json"] = Field(
        "auto",
        description="Log format. text: for people. json: for programs. auto: text at a terminal, otherwise json.",
    )
    slow_request_ms: int = Field(
        1_000,
        ge=0,
        le=3_600_000,
        description="Log requests whose response begins later than this many milliseconds, with the reason. 0: none.",
    )
    traces: Literal["off", "on", "link"] = Field(
        "off",
        description="Send traces with OpenTelemetry, which the variables OTEL_… configure. on: continue the traces of "
        "callers with a valid key or session. link: begin a new trace for each request, linked to the caller's.",
    )
    test_clock_file: Path | None = Field(None, description="Tests only: file with milliseconds to add to the clock.")

    @field_validator("*", mode="before")
    @classmethod
    def _readable(cls, value: object, info: ValidationInfo) -> object:
        """Strip line ends, which environment files from other systems bring, and refuse values that aren't UTF-8."""
        if not isinstance(value, str):
            return value
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            raise ValueError("must be valid UTF-8")
        return value if info.field_name == "admin_password" else value.strip()

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        check_combinations(self)
        return self

    @property
    def currency(self) -> DisplayCurrency:
        """The currency in which people read costs."""
        return make_display_currency(self.display_currency, self.display_currency_rate)

    @property
    def base_url(self) -> str:
        """The public URL, without a trailing slash."""
        if self.public_url is not None:
            return self.public_url
        host = self.host if self.loopback_only else "127.0.0.1"
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def secure(self) -> bool:
        """Whether the public URL is https."""
        return self.base_url.startswith("https://")

    @property
    def loopback_only(self) -> bool:
        return is_loopback(self.host)


def load_settings(**overrides: object) -> Settings:
    """The settings from the environment, overridden by the arguments that aren't ``None``.

    Raises ``ConfigurationError`` that names the setting, never its value (security.md 7).
    """
    try:
        return Settings.read(os.environ, {name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = str(first["loc"][0]).lower().removeprefix("ari_") if first["loc"] else ""
        info = Settings.model_fields.get(field)
        message = describe_error(first["type"], first["msg"], info)
        name = _name_in_use(field)
        raise ConfigurationError(f"{name}: {message}." if name else f"{message}.") from None


def _name_in_use(field: str) -> str:
    names = environment_names(field) if field else [""]
    return next((name for name in names if name in os.environ), names[-1])
