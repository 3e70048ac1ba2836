"""Values that the shell offers for arguments and options. Whatever fails, it offers none, without a word."""
# Imports inside functions here: start-up speed.

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ari.cli import output
from ari.cli.chosen_instance import choose_remote, find_remote

if TYPE_CHECKING:
    from ari.storage.offered_values import Subject

_NAME = re.compile(r"[0-9A-Za-z][\w.@:+-]*", re.ASCII)
"""Names that a shell takes as one word, and as nothing else."""
TIMEOUT_SECONDS = 1.0
Values = list[tuple[str, str]]


def offer(subject: "Subject") -> Callable[[Any, str], Values]:
    """The completion of an argument or option: values of the instance, each with what it is."""

    def complete(ctx: Any, incomplete: str) -> Values:
        try:
            found = [*_list_built_in(subject), *_read(ctx, subject, incomplete)]
        except Exception:  # noqa: BLE001 - an error would be printed into the line that is being typed
            return []
        if subject in ("keys", "consumers") and incomplete:
            found += [(name, value) for value, name in found if _NAME.fullmatch(name)]
        return [(value, output.clean(words)) for value, words in dict(found).items() if _is_plain(value, incomplete)]

    return complete


def _is_plain(value: str, beginning: str) -> bool:
    return value.startswith(beginning) and value.isascii() and value.isprintable() and " " not in value


def _list_built_in(subject: "Subject") -> Iterator[tuple[str, str]]:
    if subject == "scopes":
        from ari.keys.scopes import SCOPES

        yield from SCOPES.items()
    elif subject == "upstreams":
        from ari.integrations.providers import providers

        yield from ((one.name, one.title) for one in providers().values())


def _read(ctx: Any, subject: "Subject", beginning: str) -> Values:
    given = ctx.find_root().params
    choose_remote(given.get("url"), given.get("key_file"))
    data_dir = ctx.params.get("data_dir")
    place = find_remote(data_dir)
    if place is not None:
        return _read_remote(place.url, place.key_file, subject, beginning)
    if os.environ.get("ARI_DATABASE_URL") or os.environ.get("ARI_DATABASE_URL_FILE"):
        return _read_local(data_dir, subject, beginning)
    from ari.base.default_data_dir import default_data_dir
    from ari.storage.offered_values import read_values

    folder = data_dir or os.environ.get("ARI_DATA_DIR") or default_data_dir()
    return read_values(Path(folder) / "ari.db", subject, beginning)


def _read_remote(url: str, key_file: Path | None, subject: "Subject", beginning: str) -> Values:
    from ari.cli.remote.connection import Connection
    from ari.cli.remote.credential import parse_url, read_key

    with Connection(parse_url(url), read_key(key_file), TIMEOUT_SECONDS, retries=0) as connection:
        query = {"limit": 100, "text": beginning or None} if subject in ("keys", "consumers") else {}
        return _pair(subject, connection.get(subject, **query)["items"])


def _read_local(data_dir: Path | None, subject: "Subject", beginning: str) -> Values:
    """From PostgreSQL, which takes as long as any other command."""
    from ari.cli.instances import open_deps
    from ari.cli.local import LocalTarget

    with open_deps(data_dir) as deps:
        target = LocalTarget(deps)
        items: dict[str, Callable[[], list[dict[str, Any]]]] = {
            "keys": lambda: target.keys.list_by("created", text=beginning),
            "consumers": lambda: target.consumers.list_all(beginning),
            "kinds": target.kinds.list_all,
            "scopes": target.scopes.list_all,
            "upstreams": target.integrations.list_upstreams,
        }
        return _pair(subject, items[subject]())


def _pair(subject: "Subject", items: list[dict[str, Any]]) -> Values:
    match subject:
        case "keys":
            return [(one["id"], one["name"]) for one in items]
        case "consumers":
            return [(one["external_id"] or one["id"], one["name"]) for one in items]
        case "upstreams":
            return [(one["provider"], one["title"]) for one in items]
        case _:
            return [(one["name"], one["description"]) for one in items]
