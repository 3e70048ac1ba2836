"""Secrets as older instances encrypted them."""

import json
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ari.base.master_key import MasterKey
from ari.base.seal import Context


def first_version(key: MasterKey, context: Context, secret: bytes) -> bytes:
    """An envelope of version 1: directly under a key of the master key."""
    head, nonce = b"\x01" + key.id, os.urandom(12)
    bound = head + json.dumps([context.kind, context.subject, *context.parts]).encode()
    return head + nonce + AESGCM(key.derive_key("ari seal 1")).encrypt(nonce, secret, bound)
