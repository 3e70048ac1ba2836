"""Requests and responses of ``/api/keys/import``, for OpenAPI; the lines are parsed in ``keys.imports``."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictBool, StrictStr

from ari.api.budget_shapes import Budgets
from ari.api.limit_shapes import Limits
from ari.api.model_shapes import ModelRulesIn
from ari.api.ownership_shapes import METADATA_BOUND, Addresses, ConsumerReference, Environment, Metadata, Tags
from ari.api.shapes import KEY_ID, FieldProblem, Name, RequestModel, Scopes, Time
from ari.keys import MAX_LINES
from ari.keys.imports.lines import LAST_LENGTH, MAX_HINT_LENGTH
from ari.keys.imports.schemes import MAX_FOREIGN_ID_LENGTH, SCHEMES

MAX_IMPORT_BYTES = 5 * 1024 * 1024
_HASH = "FRDalIo5cuWQhzXG4QePFMjZ1FZlcGEZwmGdHrW9vHk"
_LINE: dict[str, JsonValue] = {
    "name": "Acme production",
    "hash": _HASH,
    "scheme": "better-auth",
    "hint": "acme_7",
    "scopes": ["api:read"],
}
_SCHEMES = "; ".join(f"`{name}`: {scheme.description.replace('`', '')}" for name, scheme in SCHEMES.items())


class ImportedKeyIn(RequestModel):
    """A key of another system."""

    model_config = ConfigDict(json_schema_extra={"examples": [_LINE]})

    name: Name
    hash: StrictStr = Field(
        max_length=1024, description="The hash that the other system stores, never the key itself.", examples=[_HASH]
    )
    scheme: StrictStr = Field(
        description=f"How the other system hashes keys. {_SCHEMES}.",
        examples=["better-auth"],
        json_schema_extra={"enum": [*SCHEMES]},
    )
    foreign_id: StrictStr | None = Field(
        None,
        max_length=MAX_FOREIGN_ID_LENGTH,
        description="The key's ID in the other system, where its keys begin with it.",
        examples=["1204"],
    )
    hint: StrictStr | None = Field(
        None,
        max_length=MAX_HINT_LENGTH,
        description="The first characters of the key, to recognize it.",
        examples=["acme_7"],
    )
    last4: StrictStr | None = Field(
        None, max_length=LAST_LENGTH, description="The last characters of the key, to recognize it.", examples=["b4Zk"]
    )
    scopes: Scopes | None = Field(None, description="Scopes of the key; default: those of the default preset.")
    expires_at: Time | None = Field(None, description="When the key expires (RFC 3339); default: never.")
    created_at: Time | None = Field(None, description="When the other system created the key (RFC 3339).")
    disabled: StrictBool = Field(False, description="Whether the key is disabled.")
    environment: Environment | None = Field(None, description="What the key is for; default: `live`.")
    consumer: ConsumerReference | None = Field(None, description="ID or external ID of the consumer it belongs to.")
    tags: Tags | None = Field(None, description="Tags to filter by.")
    metadata: Metadata | None = Field(
        None, description=f"Your facts about the key; verify returns them. {METADATA_BOUND}"
    )
    addresses: Addresses | None = Field(None, description="IP addresses and networks that the key works from.")
    models: ModelRulesIn | None = Field(None, description="AI models that the key may use; default: all.")
    limits: Limits | None = Field(None, description="Rate limits; default: none.")
    budgets: Budgets | None = Field(None, description="Budgets for AI requests; default: none.")


class ImportIn(RequestModel):
    """Keys to import."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"keys": [_LINE], "all_or_nothing": True}]})

    keys: list[ImportedKeyIn] = Field(
        min_length=1, max_length=MAX_LINES, description=f"Up to {MAX_LINES:,} keys.", examples=[[_LINE]]
    )
    all_or_nothing: StrictBool = Field(
        False, description="Import nothing if one of the keys is invalid; the response is then a 422."
    )
    dry_run: StrictBool = Field(False, description="Check the keys without importing any.")


class ImportValuesIn(RequestModel):
    """An import whose keys are not looked at yet: an invalid one affects no other."""

    keys: list[Any]
    all_or_nothing: StrictBool = False
    dry_run: StrictBool = False


class ImportedKeyOut(BaseModel):
    """The result of one key."""

    line: int = Field(description="Position of the key in the request, from 1.", examples=[1])
    id: str | None = Field(
        description="ID of the new key; `null` if it wasn't imported, and in a dry run.", examples=[KEY_ID]
    )
    already_stored: bool = Field(
        description="Whether it's stored already, or was; it stays as it is.", examples=[False]
    )
    errors: list[FieldProblem] = Field(description="Why it wasn't imported.", examples=[[]])


class ImportOut(BaseModel):
    """The results of an import, in the order of its keys."""

    imported: int = Field(description="Number of imported keys; in a dry run, of valid ones.", examples=[1])
    already_stored: int = Field(description="Number of keys that are stored already, or were.", examples=[0])
    failed: int = Field(description="Number of other keys.", examples=[0])
    items: list[ImportedKeyOut] = Field(description="The result of each key.")
