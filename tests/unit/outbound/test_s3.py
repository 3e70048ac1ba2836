"""Backups in a bucket, on a local stand-in for S3 (moto), and on servers that behave badly."""

import io
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from ari.base.errors import ConfigurationError, Unavailable
from ari.base.settings import Settings
from ari.instance import open_backup_target
from ari.outbound import s3
from ari.outbound.s3 import S3Target
from tests.support.instances import settings_for

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
INSTANCE = "ins_" + "0" * 26
NAME = f"ari-20270115T080000Z-{INSTANCE}.backup"


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """A running stand-in; its URL."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def _no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No account, profile or instance role of this machine."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def _settings(tmp_path: Path, endpoint: str, **more: Any) -> Settings:
    given = {"backup_s3_access_key_id": "AKIAEXAMPLE", "backup_s3_secret_access_key": SECRET, **more}
    return settings_for(tmp_path, None, backup_s3_endpoint=endpoint, **given)


def _client(endpoint: str) -> Any:
    return boto3.client("s3", "us-east-1", endpoint_url=endpoint, aws_access_key_id="x", aws_secret_access_key="x")


@pytest.fixture
def bucket(moto: str, request: pytest.FixtureRequest) -> str:
    """A new bucket."""
    name = f"bucket-{abs(hash(request.node.name)) % 10**12}"
    _client(moto).create_bucket(Bucket=name)
    return name


@pytest.fixture
def target(moto: str, bucket: str, tmp_path: Path) -> S3Target:
    found = open_backup_target(_settings(tmp_path, moto), f"s3://{bucket}/ari/prod")
    assert isinstance(found, S3Target)
    return found


def _write(target: S3Target, body: bytes) -> Path:
    path = target.folder / "new"
    path.write_bytes(body)
    return path


def test_a_file_goes_there_and_back(target: S3Target, moto: str, bucket: str) -> None:
    """Below the prefix; the local copy is gone, and other files of the bucket aren't listed."""
    for key in ("other", "ari/other", "ari/prod/deep/other", "ari/prod2"):
        _client(moto).put_object(Bucket=bucket, Key=key, Body=b"x")
    path = _write(target, b"body " * 1000)
    target.store(path, NAME)
    assert not path.exists()
    assert [(one.name, one.size_bytes) for one in target.list_files()] == [(NAME, 5000)]
    fetched = io.BytesIO()
    target.fetch(NAME, fetched)
    assert fetched.getvalue() == b"body " * 1000
    assert target.read_end(NAME, 7) == b"y body "[-7:]
    assert target.read_start(NAME, 2) == target.read_end(NAME, 1_000)[:2]
    target.remove(NAME)
    target.remove(NAME)
    assert target.list_files() == []
    assert target.place == f"s3://{bucket}/ari/prod"


def test_a_large_file_is_sent_in_parts(target: S3Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 shows it only when all parts are there."""
    monkeypatch.setattr(s3, "PART_BYTES", 5 * 1024 * 1024)
    body = bytes(range(256)) * 4096 * 11
    target.store(_write(target, body), NAME)
    [found] = target.list_files()
    assert found.size_bytes == len(body)


@pytest.mark.parametrize("how", ["listed", "raced", "unknown"])
def test_a_stored_file_is_never_overwritten(how: str, target: S3Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service refuses it, also in parts; before that, ARI looks, since some services don't know the condition."""
    monkeypatch.setattr(s3, "PART_BYTES", 5 * 1024 * 1024)
    for body in (b"old", b"old" * 2**21):
        target.store(_write(target, body), NAME)
        target.store(_write(target, body), NAME)  # the same bytes: only a response was lost
        if how == "raced":
            monkeypatch.setattr(target, "list_files", list)
        if how == "unknown":
            monkeypatch.setattr(target, "is_conditional", False)
        path = _write(target, body[::-1])
        with pytest.raises(Unavailable, match="ARI never overwrites a backup"):
            target.store(path, NAME)
        assert path.exists()
        kept = io.BytesIO()
        target.fetch(NAME, kept)
        assert kept.getvalue() == body
        target.remove(NAME)


def test_uploads_of_killed_runs_are_removed(target: S3Target, moto: str, bucket: str) -> None:
    """Their parts aren't listed, but paid for. Those of other instances and programs stay: they may be running."""
    client = _client(moto)
    other = NAME.replace("000.", "001.")
    for key in (f"ari/prod/{NAME}", f"ari/prod/{other}", "ari/prod/else", NAME):
        upload = client.create_multipart_upload(Bucket=bucket, Key=key)
        client.upload_part(Bucket=bucket, Key=key, PartNumber=1, UploadId=upload["UploadId"], Body=b"half")
    assert target.list_files() == []
    target.clean(INSTANCE)
    left = client.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert sorted(one["Key"] for one in left) == sorted([f"ari/prod/{other}", "ari/prod/else", NAME])


def test_bytes_that_the_service_changed_are_noticed(target: S3Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stored file is read back and compared with what was verified; the bad copy doesn't stay."""
    monkeypatch.setattr("botocore.response.StreamingBody.iter_chunks", lambda _body, _size: iter((b"bodi",)))
    path = _write(target, b"body")
    with pytest.raises(Unavailable, match="returned other bytes than ARI sent"):
        target.store(path, NAME)
    assert path.exists()
    assert target.list_files() == []


def test_without_its_bucket(moto: str, tmp_path: Path) -> None:
    """One sentence for each use."""
    target = open_backup_target(_settings(tmp_path, moto), "s3://no-such-bucket")
    for use in (target.list_files, lambda: target.read_end(NAME, 1), lambda: target.clean(INSTANCE)):
        with pytest.raises(Unavailable, match=r"s3://no-such-bucket: the bucket doesn't exist\.$"):
            use()


def test_without_credentials(moto: str, tmp_path: Path) -> None:
    """The sentence names the settings."""
    settings = _settings(tmp_path, moto, backup_s3_access_key_id=None, backup_s3_secret_access_key=None)
    with pytest.raises(Unavailable, match="no credentials; set ARI_BACKUP_S3_ACCESS_KEY_ID"):
        open_backup_target(settings, "s3://abc").list_files()


def test_the_credentials_of_aws_are_used_without_own_ones(
    moto: str, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment here; profiles and roles are the client's business."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    settings = _settings(tmp_path, moto, backup_s3_access_key_id=None, backup_s3_secret_access_key=None)
    assert open_backup_target(settings, f"s3://{bucket}").list_files() == []


def test_without_its_package(moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The start says what to install."""
    monkeypatch.setitem(sys.modules, "boto3", None)  # importing it fails
    with pytest.raises(ConfigurationError, match=r"need the Python package boto3. Run: pip install .*\[s3\]"):
        open_backup_target(_settings(tmp_path, moto), "s3://abc")


def test_a_stored_file_that_never_ends(target: S3Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading back stops after what was sent; of the end, no more than its length is read."""
    chunks = iter([b"body"] * 100)
    monkeypatch.setattr("botocore.response.StreamingBody.iter_chunks", lambda _body, _size: chunks)
    with pytest.raises(Unavailable, match="returned other bytes than ARI sent"):
        target.store(_write(target, b"body"), NAME)
    assert len(list(chunks)) == 98
    monkeypatch.undo()


def test_a_range_that_is_ignored(bad: "tuple[str, type[_Bad]]", tmp_path: Path) -> None:
    """Only as many bytes as wanted are read."""
    url, handler = bad
    handler.status, handler.body = 200, b"x" * 100_000
    assert open_backup_target(_settings(tmp_path, url), "s3://abc").read_end(NAME, 7) == b"x" * 7


@pytest.mark.parametrize(
    "file", ["", "<Size>many</Size>", "<Size></Size>", "<Size>-</Size>"], ids=["none", "word", "empty", "sign"]
)
def test_a_list_without_sizes(bad: "tuple[str, type[_Bad]]", tmp_path: Path, file: str) -> None:
    """One sentence, no traceback."""
    url, handler = bad
    found = f"<Contents><Key>{NAME}</Key>{file}</Contents>"
    handler.status, handler.body = 200, f"<ListBucketResult>{found}</ListBucketResult>".encode()
    with pytest.raises(Unavailable, match=r"^Can't list s3://abc: .+\.$"):
        open_backup_target(_settings(tmp_path, url), "s3://abc").list_files()


def test_a_list_without_an_end(target: S3Target, moto: str, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stops at some page."""
    monkeypatch.setattr(s3, "MAX_PAGES", 0)
    with pytest.raises(Unavailable, match="more than 0 pages"):
        target.list_files()


class _Bad(BaseHTTPRequestHandler):
    """Responds to everything with one status, code and header."""

    status, body, location = 500, b"", ""
    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(self.path)
        self.send_response(self.status)
        if self.location:
            self.send_header("Location", self.location)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def bad(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, type[_Bad]]]:
    """A server that behaves badly, and its class; retries don't wait."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    handler = type("Handler", (_Bad,), {"seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", handler
    server.shutdown()
    thread.join()
    server.server_close()


def _error(code: str) -> bytes:
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{SECRET}</Message></Error>".encode()


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (403, _error("AccessDenied"), "isn't allowed to do this"),
        (403, _error("InvalidAccessKeyId"), "the access key is unknown"),
        (403, _error("SignatureDoesNotMatch"), "the secret access key is wrong"),
        (403, _error("RequestTimeTooSkewed"), "the clock of this machine is wrong"),
        (400, _error("AuthorizationHeaderMalformed"), "the region is wrong"),
        (503, _error("SlowDown"), "it is overloaded"),
        (500, _error("InternalError"), "responded InternalError"),
        (500, b"", "responded 500"),
        (502, b"<html>\x1b[31mBad gateway</html>", "responded"),
        (200, b"<html>a login page", "responded"),
        (400, _error("x" * 500), "responded an unknown error"),
    ],
)
def test_what_goes_wrong_is_one_sentence(
    bad: tuple[str, type[_Bad]], tmp_path: Path, status: int, body: bytes, words: str
) -> None:
    """With nothing in it that the service wrote: not its text, nor a code that isn't one."""
    url, handler = bad
    handler.status, handler.body = status, body
    target = open_backup_target(_settings(tmp_path, url), "s3://abc/x")
    with pytest.raises(Unavailable) as caught:
        target.list_files()
    said = str(caught.value)
    assert said.startswith("Can't list s3://abc/x: ")
    assert words in said
    assert said.endswith(".")
    assert len(said) < 200
    assert SECRET not in said
    assert said.isprintable()


def test_a_redirect_to_another_server_is_not_followed(bad: tuple[str, type[_Bad]], tmp_path: Path) -> None:
    """It could lead to an address that only this machine reaches, with a signed request."""
    url, handler = bad
    other: type[_Bad] = type("Other", (_Bad,), {"seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), other)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        for status in (301, 302, 307, 308):
            handler.status, handler.location = status, f"http://127.0.0.1:{server.server_address[1]}/stolen"
            with pytest.raises(Unavailable):
                open_backup_target(_settings(tmp_path, url), "s3://abc").list_files()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert handler.seen
    assert other.seen == []


def test_a_service_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed port, after retries."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    target = open_backup_target(_settings(tmp_path, f"http://127.0.0.1:{port}"), "s3://abc")
    with pytest.raises(Unavailable, match="can't be reached or didn't respond in time"):
        target.list_files()
    with pytest.raises(Unavailable, match="can't be reached or didn't respond in time"):
        target.store(_write(target, b"x"), NAME)  # type: ignore[arg-type]  # an S3Target
