"""Run by test_generated_client.py in the environment of the generator: a key's life through the generated client."""

import json
import sys

from ari_client import AuthenticatedClient
from ari_client.api.api_keys import create_key, list_keys, revoke_key
from ari_client.api.caller import read_me
from ari_client.api.verification import verify_key
from ari_client.models import NewKeyIn, RevokeIn, VerifyIn

url, secret = sys.argv[1:]


def client_with(token: str) -> AuthenticatedClient:
    """The generated client, sending the key in ``x-api-key``."""
    return AuthenticatedClient(base_url=url, token=token, prefix="", auth_header_name="x-api-key")


admin = client_with(secret)
name = "made by a generated client"
wanted = NewKeyIn(name=name, expires="1h", scopes=["api:read"])
created = create_key.sync(client=admin, body=wanted)
made = client_with(created.secret)
question = VerifyIn(key=created.secret, scopes=["api:read"])
verdict = verify_key.sync(client=admin, body=question)
listed = [key.id for key in list_keys.sync(client=admin, limit=200).items]
caller = read_me.sync(client=made)
revoked = revoke_key.sync(key_id=created.key.id, client=admin, body=RevokeIn(reason="done with it"))
after = verify_key.sync(client=admin, body=question)
refused = read_me.sync_detailed(client=made)
print(
    json.dumps(
        {
            "created": created.key.name,
            "listed": created.key.id in listed,
            "caller": caller.key.name,
            "verdict": [verdict.valid, verdict.code],
            "revoked": revoked.status.value,
            "verdict after": [after.valid, after.code],
            "refused": [int(refused.status_code), refused.parsed.code],
        }
    )
)
