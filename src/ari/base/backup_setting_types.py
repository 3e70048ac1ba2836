"""Types of the settings for backups. Each raises ``ValueError`` with the end of a sentence."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from ari.base.backup_plan import BackupSchedule, parse_keep
from ari.base.hosts import is_loopback

S3 = "s3://"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9!_.*'()/-]*")


def _backup_place(value: str) -> str:
    if value.startswith(S3):
        bucket, _, prefix = value.removeprefix(S3).partition("/")
        if not _BUCKET.fullmatch(bucket) or not _PREFIX.fullmatch(prefix) or "//" in prefix or prefix.startswith("/"):
            raise ValueError("use a bucket and an optional prefix, such as s3://backups/ari")
        return value.rstrip("/")
    if "://" in value or not Path(value).is_absolute():
        raise ValueError("use the absolute path of a directory, or s3:// and a bucket")
    return value


def _absolute(value: Path) -> Path:
    if not value.is_absolute():
        raise ValueError("use an absolute path")
    return value


def _every(value: str) -> str:
    BackupSchedule.parse(value)
    return value


def _keep(value: str) -> str:
    parse_keep(value)
    return value


def _endpoint(value: str) -> str:
    example = "use a URL such as https://s3.example.net, without path, user or query"
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(example) from None
    has_more = parts.path not in ("", "/") or parts.query or parts.fragment or "@" in value
    if parts.scheme not in ("http", "https") or not re.fullmatch(r"[0-9A-Za-z._:-]+", host) or has_more:
        raise ValueError(example)
    if parts.scheme == "http" and not _is_near(host):
        raise ValueError("use an https URL; otherwise backups are sent unencrypted")
    return value.rstrip("/")


def _is_near(host: str) -> bool:
    """Whether a host is on this machine or in its private network: a container's name, or a private address."""
    if is_loopback(host) or "." not in host.replace(":", "."):
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False


def _region(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9-]{1,40}", value):
        raise ValueError("use a region such as eu-central-1 or auto")
    return value


BackupPlace = Annotated[str, AfterValidator(_backup_place)]
BackupDirectory = Annotated[Path, AfterValidator(_absolute)]
BackupEvery = Annotated[str, AfterValidator(_every)]
BackupKeep = Annotated[str, AfterValidator(_keep)]
S3Endpoint = Annotated[str, AfterValidator(_endpoint)]
S3Region = Annotated[str, AfterValidator(_region)]
