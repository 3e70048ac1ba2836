"""The client's methods from an OpenAPI document: one per operation, grouped by resource."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from client_models import Json, Models, docstring, input_type, name_of, or_none

NAMES = {
    "add_consumer_credits": "consumers.add_credits",
    "add_key_credits": "keys.add_credits",
    "add_kind": "kinds.add",
    "add_provider_key": "integrations.add_key",
    "apply_configuration": "apply",
    "change_consumer": "consumers.change",
    "change_instance_policy": "policy.change",
    "change_key": "keys.change",
    "change_keys": "keys.change_many",
    "change_kind": "kinds.change",
    "change_provider_key": "integrations.change_key",
    "choose_default_preset": "presets.choose_default",
    "create_consumer": "consumers.create",
    "create_key": "keys.create",
    "declare_scope": "scopes.declare",
    "delete_consumer": "consumers.delete",
    "delete_integration": "integrations.delete",
    "delete_key": "keys.delete",
    "delete_upstream": "integrations.remove_upstream",
    "describe_scope": "scopes.describe",
    "export": "events.export",
    "increase_budget": "budgets.increase",
    "increase_consumer_budget": "consumers.increase_budget",
    "increase_key_budget": "keys.increase_budget",
    "read_budgets": "budgets.get",
    "reset_budgets": "budgets.reset",
    "reset_consumer_budgets": "consumers.reset_budgets",
    "reset_key_budgets": "keys.reset_budgets",
    "stream": "events.stream",
    "set_shared_budgets": "budgets.set",
    "export_key_usage": "keys.export_usage",
    "export_usage": "usage.export",
    "health": "health.check",
    "import_keys": "keys.import_many",
    "import_scopes": "scopes.import_document",
    "list_consumers": "consumers.list",
    "list_integrations": "integrations.list",
    "list_keys": "keys.list",
    "list_keys_with_scope": "scopes.list_keys",
    "list_kinds": "kinds.list",
    "list_model_aliases": "integrations.list_model_aliases",
    "list_notifications": "notifications.list",
    "list_presets": "presets.list",
    "list_scopes": "scopes.list",
    "list_upstreams": "integrations.list_upstreams",
    "post_upstream": "integrations.add_upstream",
    "preview_instance_policy": "policy.preview",
    "put_integration": "integrations.put",
    "put_prices": "prices.put",
    "read_ai_usage": "usage.summarize_ai",
    "read_consumer": "consumers.get",
    "read_events": "events.list",
    "read_instance_policy": "policy.get",
    "read_integration": "integrations.get",
    "read_key": "keys.get",
    "read_key_ai_usage": "keys.summarize_ai_usage",
    "read_key_summary": "keys.summarize_usage",
    "read_key_usage": "keys.list_usage",
    "read_kind": "kinds.get",
    "read_scanner_rules": "kinds.get_scanner_rules",
    "read_me": "me.get",
    "read_notification_history": "notifications.list_history",
    "read_openapi": "get_description",
    "read_preset": "presets.get",
    "read_prices": "prices.get",
    "read_scope": "scopes.get",
    "read_secret_use": "keys.get_secret_use",
    "read_summary": "usage.summarize",
    "read_unused_scopes": "keys.get_unused_scopes",
    "read_usage": "usage.list",
    "ready": "health.check_ready",
    "remove_kind": "kinds.remove",
    "remove_preset": "presets.remove",
    "remove_provider_key": "integrations.remove_key",
    "remove_scope": "scopes.remove",
    "replace_model_aliases": "integrations.replace_model_aliases",
    "report_leak": "leaks.report",
    "reset_consumer_limits": "consumers.reset_limits",
    "reset_key_limits": "keys.reset_limits",
    "retire_old_secret": "keys.retire_old_secret",
    "revoke_calling_key": "me.revoke",
    "revoke_key": "keys.revoke",
    "rotate_calling_key": "me.rotate",
    "rotate_key": "keys.rotate",
    "save_preset": "presets.save",
    "send_test_mail": "notifications.send_test",
    "switch_notification": "notifications.switch",
    "test_integration": "integrations.test",
    "test_provider_key": "integrations.test_key",
    "add_webhook": "webhooks.add",
    "change_webhook": "webhooks.change",
    "list_deliveries": "webhooks.list_deliveries",
    "list_webhooks": "webhooks.list",
    "read_webhook": "webhooks.get",
    "remove_webhook": "webhooks.remove",
    "replay_delivery": "webhooks.replay",
    "replay_failed_deliveries": "webhooks.replay_failed",
    "rotate_webhook_secret": "webhooks.rotate_secret",
    "test_webhook": "webhooks.test",
    "verify_key": "verify",
    "verify_keys": "verify_many",
}
"""The method for each operation ID; without a dot it is one of the client itself."""
LEFT_OUT = {
    "receive_github_alerts": "only GitHub can sign it",
    "read_from_provider": "the gateway: use the provider's SDK",
    "send_to_provider": "the gateway: use the provider's SDK",
    "put_at_provider": "the gateway: use the provider's SDK",
    "change_at_provider": "the gateway: use the provider's SDK",
    "delete_at_provider": "the gateway: use the provider's SDK",
}
"""Operations that the client doesn't have, and why."""
RETURNS = {"read_me": "MeKeyOut"}
"""One of several responses, for operations whose others are for sessions; the client always sends a key."""
UNTYPED = ("DescriptionOut",)
RESOURCES = {
    "keys": "API keys: create, list, change, rotate, revoke, delete and import them, and read their usage.",
    "kinds": "Kinds of keys, each with its own prefix and defaults.",
    "consumers": "Consumers, which keys belong to.",
    "scopes": "Scopes, of ARI and of your own API.",
    "presets": "Presets: named lists of scopes for new keys.",
    "policy": "The rules for all keys.",
    "usage": "The usage log of all keys.",
    "budgets": "Budgets of the instance and of its providers.",
    "events": "The audit log.",
    "integrations": "Provider keys.",
    "prices": "Your own prices of AI models, and discounts.",
    "notifications": "Email notifications.",
    "webhooks": "Webhooks: events sent to your own URLs, and their deliveries.",
    "leaks": "Reports of leaked keys.",
    "me": "The key that this client sends.",
    "health": "Whether the instance is well; needs no key.",
}


@dataclass(frozen=True)
class Operation:
    """An operation of the document with its method's name."""

    method: str
    path: str
    name: str
    definition: Json

    @property
    def id(self) -> str:
        return str(self.definition["operationId"])

    @property
    def success(self) -> Json:
        return next(one for status, one in self.definition["responses"].items() if status < "300")

    @property
    def is_export(self) -> bool:
        content = self.success.get("content", {})
        return len(content) > 1 or "application/jsonl" in content

    @property
    def body(self) -> Json | None:
        """The schema of the body, a ``$ref``."""
        content = self.definition.get("requestBody", {}).get("content")
        if content is None:
            return None
        schema: Json = content["application/json"]["schema"]
        found: Json = next(one for one in (schema, *schema.get("anyOf", ())) if "$ref" in one)
        return found

    def parameters(self, place: str) -> list[Json]:
        return [one for one in self.definition.get("parameters", ()) if one["in"] == place]


def list_operations(document: Json) -> Iterator[Operation]:
    """All operations that the client has. Raises KeyError for one without a name."""
    for path, operations in document["paths"].items():
        for method, definition in operations.items():
            if definition["operationId"] not in LEFT_OUT:
                yield Operation(method.upper(), path, NAMES[definition["operationId"]], definition)


class Methods:
    """The methods of the asynchronous client."""

    def __init__(self, document: Json) -> None:
        self._schemas: Json = document["components"]["schemas"]
        self.models = Models(self._schemas)
        self._groups: dict[str, list[Operation]] = defaultdict(list)
        for operation in list_operations(document):
            self._groups[operation.name.rpartition(".")[0]].append(operation)
        assert set(self._groups) == {"", *RESOURCES}

    def source(self) -> Iterator[str]:
        """The module, in parts."""
        for resource, words in RESOURCES.items():
            yield f"class Async{resource.title()}Resource:"
            yield docstring(words, 4)
            yield "    def __init__(self, calls: AsyncCalls) -> None:\n        self._calls = calls\n"
            for operation in self._groups[resource]:
                yield from self._method(operation)
        yield 'class AsyncResources:\n    """The operations of the API, by resource."""\n'
        yield "    def __init__(self, calls: AsyncCalls) -> None:\n        self._calls = calls"
        yield from (f"        self.{name} = Async{name.title()}Resource(calls)" for name in RESOURCES)
        for operation in self._groups[""]:
            yield from self._method(operation)

    def _method(self, operation: Operation) -> Iterator[str]:
        fields = self._body_fields(operation)
        repeatable = bool(operation.parameters("header"))
        listed = self._item_type(operation)
        queries = operation.parameters("query")
        paths = operation.parameters("path")
        known = [name for name, _, _, _ in fields] + [one["name"] for one in (*queries, *paths)]
        assert len(set(known)) == len(known), f"two parameters of {operation.id} have one name"
        words = [(one["name"], one.get("description", "")) for one in paths]
        signature = [f"{one['name']}: {input_type(one['schema'], '')}" for one in paths]
        signature += [f"{name}: {kind}" for name, kind, required, _ in fields if required]
        options = [f"{name}: {_or_unset(kind)} = UNSET" for name, kind, required, _ in fields if not required]
        words += [(name, said) for name, _, required, said in fields if required]
        words += [(name, said) for name, _, required, said in fields if not required]
        for one in queries:
            name = _query_name(one["name"], listed is not None)
            options.append(f"{name}: {or_none(input_type(one['schema'], 'shapes.'))} = None")
            words.append((name, one.get("description", "")))
        if repeatable:
            options.append("idempotency_key: str | None = None")
            words.append(("idempotency_key", "A unique value; by default a random one, so that a retry is safe."))
        given = ", ".join(["self", *signature, *(["*", *options] if options else [])])
        yield from self._definition(operation, given, listed, words)
        call = self._call(operation, fields, queries, repeatable, listed is not None)
        yield from self._body_lines(operation, call, listed)

    def _definition(
        self, operation: Operation, given: str, listed: str | None, words: list[tuple[str, str]]
    ) -> Iterator[str]:
        method = operation.name.rpartition(".")[2]
        if operation.is_export:
            yield f"    def {method}({given}) -> AsyncExport:"
        elif listed is not None:
            yield f"    def {method}({given}) -> AsyncPagedList[{self._result(operation)}, shapes.{listed}]:"
        else:
            yield f"    async def {method}({given}) -> {self._result(operation)}:"
        yield docstring("\n\n".join(_describe(operation, words)), 8)

    def _body_lines(self, operation: Operation, call: str, listed: str | None) -> Iterator[str]:
        if operation.is_export:
            yield f"        return AsyncExport(self._calls, {call})\n"
        elif listed is not None:
            yield f"        return AsyncPagedList(self._calls, {call})\n"
        elif self._result(operation) == "None":
            yield f"        await self._calls.call({call})\n"
        else:
            yield f"        return await self._calls.call({call})\n"

    def _call(
        self, operation: Operation, fields: list[Any], queries: list[Json], repeatable: bool, listed: bool
    ) -> str:
        paths = ", ".join(f"{one['name']}={one['name']}" for one in operation.parameters("path"))
        path = f'fill_path("{operation.path}", {paths})' if paths else f'"{operation.path}"'
        result = self._result(operation)
        returns = {"None": "type(None)"}.get(result, result)
        parts = [f'"{operation.method}"', path, "ApiReply" if operation.is_export else returns]
        if queries:
            pairs = (f'"{one["name"]}": {_query_name(one["name"], listed)}' for one in queries)
            parts.append(f"query={{{', '.join(pairs)}}}")
        if operation.body is not None:
            pairs = (f'"{name}": {name}' for name, _, _, _ in fields)
            parts.append(f"body=encode_body({{{', '.join(pairs)}}})")
        if repeatable:
            parts.append("idempotency_key=choose_idempotency_key(idempotency_key)")
        return f"ApiCall({', '.join(parts)})"

    def _result(self, operation: Operation) -> str:
        content = operation.success.get("content")
        if not content:
            return "None"
        schema: Json = next(iter(content.values()))["schema"]
        name = RETURNS.get(operation.id) or (name_of(schema) if "$ref" in schema else None)
        if operation.is_export or name in UNTYPED or name is None:
            assert operation.is_export or name, f"{operation.id} returns a shape without a name"
            return "dict[str, Any]"
        self.models.add_output({"$ref": f"#/{name}"})
        return f"shapes.{name}"

    def _item_type(self, operation: Operation) -> str | None:
        """The type of a list's items, for operations that return pages."""
        content = operation.success.get("content", {})
        schema: Json = next((one["schema"] for one in content.values()), {})
        fields = self._schemas[name_of(schema)].get("properties", {}) if "$ref" in schema else {}
        return name_of(fields["items"]["items"]) if "next_cursor" in fields else None

    def _body_fields(self, operation: Operation) -> list[tuple[str, str, bool, str]]:
        """Name, type, whether it is required, and words, of each field of the body."""
        if operation.body is None:
            return []
        schema = self._schemas[name_of(operation.body)]
        for one in schema["properties"].values():
            self.models.add_input(one)
        return [
            (name, input_type(one, "shapes."), name in schema.get("required", ()), one.get("description", ""))
            for name, one in schema["properties"].items()
        ]


def _query_name(name: str, listed: bool) -> str:
    return "page_size" if name == "limit" and listed else name


def _or_unset(kind: str) -> str:
    plain = kind.removesuffix(" | None")
    return f"{plain} | UnsetType{' | None' if plain != kind else ''}"


def _describe(operation: Operation, words: list[tuple[str, str]]) -> Iterator[str]:
    yield f"{operation.definition['summary'].rstrip('.')}."
    yield operation.definition["description"]
    for name, said in words:
        yield f"``{name}``: {said or 'Which one.'}"
