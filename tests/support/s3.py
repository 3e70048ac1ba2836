"""A stand-in for S3 (moto) on loopback."""

from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from moto.server import ThreadedMotoServer


@contextmanager
def serving_bucket(bucket: str) -> Iterator[str]:
    """The URL of a running stand-in that has this empty bucket."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        given = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        boto3.client("s3", "us-east-1", endpoint_url=url, **given).create_bucket(Bucket=bucket)
        yield url
    finally:
        server.stop()
