"""The settings for copies of the audit log."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from ari.base.file_settings import FileSettings
from ari.base.setting_types import SyslogUrl


class AuditSettings(FileSettings):
    """A part of ``Settings``."""

    audit_file: Path | None = Field(
        None, description="File to which every event of the audit log is appended as a line of JSON (mode 0600)."
    )
    audit_syslog: SyslogUrl | None = Field(
        None,
        description="Collector that gets every event of the audit log as a syslog message (RFC 5424), such as "
        "tls://collector.example.net:6514. Plain tcp:// only on loopback.",
    )
    audit_syslog_ca_file: Path | None = Field(
        None, description="PEM file with the authorities for the collector's certificate. Default: the system's."
    )
    audit_syslog_client_file: Path | None = Field(
        None, description="PEM file with ARI's certificate for the collector and its private key, without a password."
    )

    @model_validator(mode="after")
    def _require_audit_syslog(self) -> Self:
        if self.audit_syslog is None and (self.audit_syslog_ca_file or self.audit_syslog_client_file):
            raise ValueError("ARI_AUDIT_SYSLOG_CA_FILE and ARI_AUDIT_SYSLOG_CLIENT_FILE require ARI_AUDIT_SYSLOG")
        return self
