"""Make ``vectors.json`` with the real libraries, which the suite does not install. Run it once per version:

    npm install --legacy-peer-deps better-auth@1.7.5 @better-auth/api-key@1.7.5
    pip install djangorestframework-api-key==2.3.0 'django==5.2.*' argon2-cffi bcrypt==5.0.0 litellm
    python -m tests.unit.keys.imports.make_vectors
    pip install djangorestframework-api-key==3.1.0
    python -m tests.unit.keys.imports.make_vectors

Unkey (Go) and Laravel Sanctum (PHP) are made with OpenSSL, as their sources say: ``go/pkg/hash/sha256.go`` and
``PersonalAccessToken::findToken``.
"""

import json
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from importlib import import_module, metadata
from pathlib import Path

FILE = Path(__file__).with_name("vectors.json")
Vector = dict[str, str]
_BETTER_AUTH = """
import { readFileSync } from "node:fs";
import { defaultKeyHasher } from "@better-auth/api-key";
const version = JSON.parse(readFileSync("node_modules/@better-auth/api-key/package.json")).version;
const key = "acme_QwErTyUiOpAsDfGhJkLzXcVbNmQwErTyUiOpAsDfGhJkLzXcVbNmQwErTyUiOpAs";
console.log(JSON.stringify({key, hash: await defaultKeyHasher(key), version}));
"""
_HASHERS = (
    "PBKDF2PasswordHasher",
    "PBKDF2SHA1PasswordHasher",
    "ScryptPasswordHasher",
    "Argon2PasswordHasher",
    "BCryptSHA256PasswordHasher",
    "BCryptPasswordHasher",
)


def make_better_auth() -> Iterator[Vector]:
    """From npm, in the current directory."""
    command = ["node", "--input-type=module", "--eval", _BETTER_AUTH]
    made = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    library = f"@better-auth/api-key {made['version']}"
    yield {"scheme": "better-auth", "library": library, "key": made["key"], "hash": made["hash"]}


def make_litellm() -> Iterator[Vector]:
    """LiteLLM's virtual keys."""
    key = "sk-4tV9nQ2xWb7LmZr0cYh3Kg"
    hashed = import_module("litellm.proxy._types").hash_token(key)
    yield {"scheme": "litellm", "library": f"litellm {metadata.version('litellm')}", "key": key, "hash": hashed}


def make_django() -> Iterator[Vector]:
    """Version 3 has one hasher; version 2 uses those of Django."""
    hashers = [f"django.contrib.auth.hashers.{name}" for name in _HASHERS]
    import_module("django.conf").settings.configure(PASSWORD_HASHERS=hashers)
    crypto = import_module("rest_framework_api_key.crypto")
    library = f"djangorestframework-api-key {metadata.version('djangorestframework-api-key')}"
    for name in hashers if "2." in library else hashers[:1]:
        import_module("django.test.utils").override_settings(PASSWORD_HASHERS=[name]).enable()
        key, prefix, hashed = crypto.KeyGenerator().generate()
        scheme = "djangorestframework-api-key"
        yield {"scheme": scheme, "library": library, "key": key, "foreign_id": prefix, "hash": hashed}


def make_bcrypt() -> Iterator[Vector]:
    """Of the whole key and of what follows its prefix; one is longer than the 72 bytes that bcrypt reads."""
    bcrypt = import_module("bcrypt")
    library = f"bcrypt {metadata.version('bcrypt')}"
    for prefix, rest in (("acme_live_Q7xT2mB9", "_kT9vQmXw7LrBn2Zs4Yc6Jd8F"), ("K4Wq8ZtY1c", ".Rb3" * 20)):
        key = prefix + rest
        hashed = key if rest[0] == "_" else rest[1:]
        salted = bcrypt.hashpw(hashed.encode()[:72], bcrypt.gensalt(10)).decode()
        yield {"scheme": "bcrypt", "library": library, "key": key, "foreign_id": prefix, "hash": salted}


def make_with_openssl() -> Iterator[Vector]:
    """SHA-256 by another implementation than Python's."""
    key = "acme_3ZkT9vQmXw7LrBn2"
    hashed = b64encode(_digest(key)).decode()
    yield {"scheme": "unkey", "library": "OpenSSL, as in go/pkg/hash/sha256.go", "key": key, "hash": hashed}
    secret = "kT9vQmXw7LrBn2Zs4Yc6Jd8Fg0Hx1Pq3Wa5Ee9Ru"
    sanctum = {"scheme": "laravel-sanctum", "library": "OpenSSL, as in PersonalAccessToken::findToken"}
    yield sanctum | {"key": f"1204|{secret}", "foreign_id": "1204", "hash": _digest(secret).hex()}


def _digest(text: str) -> bytes:
    command = ["openssl", "dgst", "-sha256", "-binary"]
    return subprocess.run(command, check=True, capture_output=True, input=text.encode()).stdout


def main() -> None:
    """Replace the vectors of the libraries that are installed; the others stay."""
    made: list[Vector] = []
    for make in (make_better_auth, make_litellm, make_django, make_bcrypt, make_with_openssl):
        try:
            made += make()
        except (ImportError, subprocess.CalledProcessError) as error:
            print(f"{make.__name__}: kept what was there ({type(error).__name__})")
    replaced = {vector["library"] for vector in made}
    kept = [vector for vector in json.loads(FILE.read_text()) if vector["library"] not in replaced]
    FILE.write_text(
        json.dumps(sorted([*kept, *made], key=lambda one: (one["scheme"], one["library"])), indent=2) + "\n"
    )


if __name__ == "__main__":
    main()
