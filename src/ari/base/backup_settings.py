"""The settings for scheduled backups."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from ari.base.backup_plan import BackupSchedule, parse_keep
from ari.base.backup_setting_types import (
    S3,
    BackupDirectory,
    BackupEvery,
    BackupKeep,
    BackupPlace,
    S3Endpoint,
    S3Region,
)
from ari.base.file_settings import FileSettings


class BackupSettings(FileSettings):
    """A part of ``Settings``."""

    backup_to: BackupPlace | None = Field(
        None,
        description="Where ari serve writes scheduled backups: a directory (absolute path), or s3://bucket/prefix. "
        "Unset: none.",
    )
    backup_every: BackupEvery = Field(
        "24h", description="How often: an interval such as 6h, or a time of day in ARI_TIME_ZONE such as 03:00."
    )
    backup_keep: BackupKeep = Field(
        "3 last, 7 daily, 4 weekly, 6 monthly",
        description="Which backups to keep: so many of the last, and the newest of each of so many days, weeks, "
        "months (also hourly, yearly), or all.",
    )
    backup_verify: Literal["restore", "read"] = Field(
        "restore",
        description="How each backup is verified. restore: into a temporary instance. read: only its signature, "
        "checksums and audit log.",
    )
    backup_work_dir: BackupDirectory | None = Field(
        None, description="Directory for temporary files of backups. Default: backup.work in the data directory."
    )
    backup_s3_endpoint: S3Endpoint | None = Field(
        None, description="URL of a service that is compatible with S3. Unset: AWS."
    )
    backup_s3_region: S3Region | None = Field(None, description="Region of the bucket.")
    backup_s3_access_key_id: SecretStr | None = Field(
        None, description="Access key of the bucket. Unset: the environment, profile or role of AWS."
    )
    backup_s3_secret_access_key: SecretStr | None = Field(None, description="Its secret access key.")

    @model_validator(mode="after")
    def _backup_key_is_a_pair(self) -> Self:
        if (self.backup_s3_access_key_id is None) != (self.backup_s3_secret_access_key is None):
            raise ValueError("ARI_BACKUP_S3_ACCESS_KEY_ID and ARI_BACKUP_S3_SECRET_ACCESS_KEY must be set together")
        return self

    @property
    def backup_folder(self) -> Path | None:
        """The directory for scheduled backups, if they are written to one."""
        return None if self.backup_to is None or self.backup_to.startswith(S3) else Path(self.backup_to)

    @property
    def backup_schedule(self) -> BackupSchedule:
        """When backups are due."""
        return BackupSchedule.parse(self.backup_every)

    @property
    def backup_retention(self) -> dict[str, int] | None:
        """How many backups of each period to keep; ``None`` keeps all."""
        return parse_keep(self.backup_keep)
