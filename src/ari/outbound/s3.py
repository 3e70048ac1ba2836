"""Backups in a bucket of S3 or a compatible service, through boto3 (decision 81)."""

import hashlib
import logging
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ari.backups.backup_name import BackupName
from ari.backups.ports import ByteSink, StoredFile
from ari.base.errors import ConfigurationError, Unavailable
from ari.base.extras import how_to_install
from ari.base.settings import Settings

_CONNECT_SECONDS, _READ_SECONDS, _ATTEMPTS = 10, 60, 4
PART_BYTES = 32 * 1024 * 1024
"""S3 allows 10,000 parts, so a backup may have 320 GB."""
_CHUNK = 1_000_000
MAX_PAGES = 1_000
"""Of a list, each of up to 1,000 files: a bad service could send pages forever."""
_CODE = re.compile(r"[A-Za-z0-9.]{1,60}")
_EXISTS = ("PreconditionFailed", "412")
_NO_CONDITIONS = ("NotImplemented", "501")
"""What services respond that don't know ``If-None-Match: *``."""
_SENTENCES = {
    "NoSuchBucket": "the bucket doesn't exist",
    "NoSuchKey": "the file doesn't exist",
    "404": "the bucket or the file doesn't exist",
    "AccessDenied": "the access key isn't allowed to do this",
    "403": "the access key isn't allowed to do this",
    "InvalidAccessKeyId": "the access key is unknown",
    "SignatureDoesNotMatch": "the secret access key is wrong",
    "RequestTimeTooSkewed": "the clock of this machine is wrong",
    "AuthorizationHeaderMalformed": "the region is wrong; set ARI_BACKUP_S3_REGION",
    "PermanentRedirect": "the bucket is in another region; set ARI_BACKUP_S3_REGION",
    "301": "the bucket is in another region; set ARI_BACKUP_S3_REGION",
    "SlowDown": "it is overloaded",
}


def split_s3_url(url: str) -> tuple[str, str]:
    """The bucket and the rest of ``s3://bucket/rest``."""
    bucket, _, rest = url.removeprefix("s3://").partition("/")
    return bucket, rest


class S3Target:
    """Implements ``backups.ports.BackupTarget``. ``folder`` is where a backup is written before it is sent.

    The constructor raises ``ConfigurationError`` without boto3 or with settings that it rejects.
    """

    def __init__(self, settings: Settings, bucket: str, prefix: str, folder: Path) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self.folder = folder
        self.place = f"s3://{bucket}/{self._prefix}".rstrip("/")
        self._service = settings.backup_s3_endpoint or "S3"
        self._client = _make_client(settings)
        self.is_conditional = True
        for operation in ("PutObject", "CompleteMultipartUpload"):
            self._client.meta.events.register(f"before-call.s3.{operation}", self._add_condition)

    def list_files(self) -> list[StoredFile]:
        found = list[StoredFile]()
        with self._reporting("list"):
            for page in self._list("list_objects_v2", Delimiter="/"):
                found += [
                    StoredFile(one["Key"].removeprefix(self._prefix), one["Size"]) for one in page.get("Contents", ())
                ]
        return found

    def store(self, path: Path, name: str) -> None:
        """Send the file, read it back and compare: what is kept is what was verified. Nothing is overwritten.

        A name that exists is accepted if it has these bytes: then only the response to an attempt was lost.
        """
        is_new = self._send(path, name)
        if not self._has_bytes(path, name):
            if not is_new:
                raise Unavailable(f"{self.place}/{name} exists. ARI never overwrites a backup.")
            self.remove(name)
            raise Unavailable(f"{self.place} returned other bytes than ARI sent, so the backup was removed there.")
        path.unlink()

    def _send(self, path: Path, name: str) -> bool:
        """Upload the file; false if there is one with this name, which stays as it is."""
        from boto3.exceptions import Boto3Error  # noqa: PLC0415 - an extra, and slow to import
        from boto3.s3.transfer import TransferConfig  # noqa: PLC0415 - as above
        from botocore.exceptions import ClientError  # noqa: PLC0415 - as above

        transfer = TransferConfig(multipart_chunksize=PART_BYTES, multipart_threshold=PART_BYTES, max_concurrency=2)
        if any(one.name == name for one in self.list_files()):  # services older than 2024 ignore the condition
            return False
        with self._reporting("write to"):
            while True:
                try:
                    self._client.upload_file(str(path), self._bucket, self._prefix + name, Config=transfer)
                except (Boto3Error, ClientError) as error:
                    cause = error if isinstance(error, ClientError) else error.__context__
                    code = _find_code(cause) if isinstance(cause, ClientError) else ""
                    if code in _EXISTS:
                        return False
                    if code not in _NO_CONDITIONS or not self.is_conditional:
                        raise
                    self.is_conditional = False
                else:
                    return True

    def _add_condition(self, params: dict[str, Any], **_: Any) -> None:
        """Keep the service from overwriting a file; ``upload_file`` has no option for it."""
        if self.is_conditional:
            params["headers"]["If-None-Match"] = "*"

    def _has_bytes(self, path: Path, name: str) -> bool:
        """Whether the stored file has the bytes of this one."""
        sent, kept = hashlib.sha256(), hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                sent.update(chunk)
        left = path.stat().st_size
        for chunk in self._read(name):
            kept.update(chunk)
            left -= len(chunk)
            if left < 0:
                break
        return sent.digest() == kept.digest()

    def fetch(self, name: str, file: ByteSink) -> None:
        for chunk in self._read(name):
            file.write(chunk)

    def read_start(self, name: str, length: int) -> bytes:
        return self._read_range(name, f"bytes=0-{length - 1}", length)

    def read_end(self, name: str, length: int) -> bytes:
        return self._read_range(name, f"bytes=-{length}", length)

    def _read_range(self, name: str, wanted: str, length: int) -> bytes:
        with self._reporting("read"):
            response = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name, Range=wanted)
            with closing(response["Body"]) as body:
                found: bytes = body.read(length)
        return found

    def remove(self, name: str) -> None:
        with self._reporting("remove files in"):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    def clean(self, writer: str) -> None:
        """Abort uploads of this writer that never completed. They aren't listed as files, but stored and paid for."""
        with self._reporting("clean"):
            for page in self._list("list_multipart_uploads"):
                for one in page.get("Uploads", ()):
                    name = BackupName.parse(one["Key"].removeprefix(self._prefix))
                    if name is not None and name.writer == writer:
                        upload = {"Key": one["Key"], "UploadId": one["UploadId"]}
                        self._client.abort_multipart_upload(Bucket=self._bucket, **upload)

    def _list(self, operation: str, **more: str) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator(operation).paginate(Bucket=self._bucket, Prefix=self._prefix, **more)
        for number, page in enumerate(pages):
            if number == MAX_PAGES:
                raise Unavailable(f"Can't list {self.place}: it has more than {MAX_PAGES:,} pages of files.")
            yield page

    def _read(self, name: str) -> Iterator[bytes]:
        with self._reporting("read"):
            response = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
            with closing(response["Body"]) as body:
                yield from body.iter_chunks(_CHUNK)

    @contextmanager
    def _reporting(self, verb: str) -> Iterator[None]:
        from boto3.exceptions import Boto3Error  # noqa: PLC0415 - an extra, and slow to import
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as above

        try:
            yield
        except OSError as error:
            raise Unavailable(f"Can't {verb} {self.place}: {error.strerror or 'no response'}.") from None
        except (Boto3Error, BotoCoreError, ClientError) as error:
            raise Unavailable(f"Can't {verb} {self.place}: {self._explain(error)}.") from None
        except (KeyError, TypeError, ValueError):
            raise Unavailable(
                f"Can't {verb} {self.place}: {self._service} responded something that S3 never sends."
            ) from None

    def _explain(self, error: Exception) -> str:
        """The end of a sentence, with nothing in it that the service could choose."""
        from boto3.exceptions import Boto3Error  # noqa: PLC0415 - an extra, and slow to import
        from botocore import exceptions  # noqa: PLC0415 - as above

        cause = error.__context__ if isinstance(error, Boto3Error) else error
        if isinstance(cause, exceptions.ClientError):
            code = _find_code(cause)
            shown = code if _CODE.fullmatch(code) else "an unknown error"
            return _SENTENCES.get(code, f"{self._service} responded {shown}")
        if isinstance(cause, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
            return "there are no credentials; set ARI_BACKUP_S3_ACCESS_KEY_ID and ARI_BACKUP_S3_SECRET_ACCESS_KEY"
        if isinstance(cause, exceptions.SSLError):
            return f"{self._service} has no certificate that this machine trusts; AWS_CA_BUNDLE can name another"
        if isinstance(cause, exceptions.HTTPClientError | exceptions.ConnectionError):
            return f"{self._service} can't be reached or didn't respond in time"
        return f"an error of the client ({type(cause).__name__})"


def _find_code(error: Any) -> str:
    """The code in the service's response to a ``ClientError``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _make_client(settings: Settings) -> Any:
    try:
        import boto3  # noqa: PLC0415 - an extra, and slow to import (0.2 s)
        from botocore.config import Config  # noqa: PLC0415 - as above
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - as above
    except ModuleNotFoundError:
        raise ConfigurationError(f"Backups to S3 need the Python package boto3. {how_to_install('s3')}") from None
    for name in ("boto3", "botocore", "s3transfer", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # at debug they log requests with their signatures
    endpoint = settings.backup_s3_endpoint
    key_id, secret = settings.current("backup_s3_access_key_id"), settings.current("backup_s3_secret_access_key")
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        s3={"addressing_style": "path" if endpoint else "auto"},
        # Services older than 2025 reject the checksums of new clients. ARI reads back what it stores.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    try:
        return boto3.session.Session().client(
            "s3",
            endpoint_url=endpoint,
            region_name=settings.backup_s3_region or ("us-east-1" if endpoint else None),
            aws_access_key_id=key_id and key_id.get_secret_value(),
            aws_secret_access_key=secret and secret.get_secret_value(),
            config=config,
        )
    except (BotoCoreError, ValueError) as error:
        raise ConfigurationError(f"The S3 client rejects its settings ({type(error).__name__}).") from None
