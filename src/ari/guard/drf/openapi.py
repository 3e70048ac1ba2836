"""Keys in the OpenAPI document of Django REST framework's own generator.

Set ``DEFAULT_SCHEMA_CLASS`` to ``ari.guard.drf.openapi.KeyAutoSchema``, and pass ``KeySchemaGenerator`` to
``get_schema_view``.
"""

from typing import Any

from rest_framework.schemas.openapi import AutoSchema, SchemaGenerator

from ari.guard.drf.permission import find_permission

SCHEMES = {
    "Bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
    "ApiKey": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "An API key."},
}


class KeyAutoSchema(AutoSchema):
    """Describes the keys of operations: two ways to send one, and the scopes as ``x-required-scopes``."""

    def get_operation(self, path: str, method: str) -> dict[str, Any]:
        """The operation, with ``security`` where its view has a ``HasKey``."""
        operation: dict[str, Any] = super().get_operation(path, method)
        found = find_permission(self.view)
        if found.permission is not None:
            others: list[dict[str, list[str]]] = [{}] if found.is_alternative else []
            operation["security"] = [*({name: []} for name in SCHEMES), *others]
            operation["x-required-scopes"] = list(found.permission.find_requirement(method).scopes)
        return operation


class KeySchemaGenerator(SchemaGenerator):
    """Adds the security schemes."""

    def get_schema(self, request: Any = None, public: bool = False) -> dict[str, Any]:
        """The whole document."""
        schema: dict[str, Any] = super().get_schema(request, public)
        schema.setdefault("components", {})["securitySchemes"] = SCHEMES
        return schema
