"""``ari audit export`` and ``ari audit verify``: copies of the audit log that prove themselves."""
# Imports inside functions here: start-up speed.

import sys
from binascii import Error as Base64Error
from collections.abc import Iterable
from contextlib import ExitStack
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from ari.base.clock import to_rfc3339
from ari.base.errors import AriError, Conflict
from ari.cli import output
from ari.cli.options import AsJson, DataDir
from ari.cli.targets import open_target

if TYPE_CHECKING:
    from ari.base.audit_lines import ChainedEvent, SignedHead
    from ari.base.audit_verification import AuditCopy
    from ari.base.events import Event
    from ari.outbound.line_file import LineFile

EVENTS_AT_ONCE = 1_000
_MAX_PAGE_BYTES = 64 * 1024 * 1024
_WAIT_SECONDS = 20
_KEY_BYTES = 32
_COMPLETE = (
    "Proven complete: no event was changed, and none is missing from the first of the log to the last, signed one."
)
_CONSISTENT = (
    "Consistent, but not proven complete: no event in the copy was changed, and none is missing between its first and "
    "last."
)
_NEXT_HEAD = (
    "ARI writes one after the newest event of the log, within seconds: try again, or run ari doctor on the instance."
)
_NO_HEAD = f"The copy has no signed head, so nothing shows that the key you gave signed it. {_NEXT_HEAD}"
_NO_EVENTS = "The copy has no events. A file that was just rotated has one after the next change."


def export(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="File to append to. It continues where it ends.", show_default=False),
    ] = None,
    after: Annotated[
        str | None, typer.Option("--after", metavar="EVENT", help="Event to continue after.", show_default=False)
    ] = None,
    history: Annotated[
        str | None,
        typer.Option(
            "--history",
            metavar="RESTORE",
            help="Restore that the instance must have begun with, from ari audit head; needed to continue a copy from "
            "before it.",
            show_default=False,
        ),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new events.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Copy the whole audit log, oldest event first, as lines that ari audit verify can check."""
    if file is not None:
        _require_foreign(file, data_dir)
    with ExitStack() as stack:
        target = stack.enter_context(open_target(data_dir))
        copy = _Copy(None if file is None else _open_file(file, stack), after)
        from_start = "any" if copy.last_id is None else None  # all of it is from here, until the first head
        while True:
            seconds = _WAIT_SECONDS if follow else 0
            page = target.events.collect(copy.last_id, EVENTS_AT_ONCE, seconds, history or from_start)
            if copy.add(page):
                continue
            from_start = None
            if not follow:
                break
    if file is not None:
        output.say(f"Added {output.count(copy.count, 'event')} to {file}.{copy.describe_restore()}")


class _Copy:
    """The copy in a file or on standard output, which continues after ``last_id``."""

    def __init__(self, file: "LineFile | None", after: str | None) -> None:
        if file is not None and file.last_id is not None and after is not None:
            raise Conflict("not_empty", f"{file.path} continues after its own last event. Leave out --after.")
        self.file = file
        self.last_id = after if file is None else file.last_id or after
        self.count = 0
        self._restore: Event | None = None
        self._ends_with_head = file is not None and file.ends_with_head

    def add(self, lines: Iterable[bytes]) -> bool:
        """Write a page; whether the log may have more now."""
        from ari.base.audit_lines import ChainedEvent, write_head

        events: list[ChainedEvent] = []
        head: bytes | None = None
        for one in _parse(lines):
            if isinstance(one, ChainedEvent):
                events.append(one)
                self._restore = one.event if one.event.name == "backup_restored" else self._restore
            else:
                head = write_head(one.mark)
        written = [one.to_line() for one in events]
        if head is not None and (events or not self._ends_with_head):
            written.append(head)
            self._ends_with_head = True
        if events:
            self.last_id = events[-1].event.id
            self._ends_with_head = head is not None
        self.count += len(events)
        if self.file is None:
            sys.stdout.buffer.write(b"".join(written))
            sys.stdout.flush()
        elif written:
            self.file.append(written, self.last_id)
        return bool(events) and head is None

    def describe_restore(self) -> str:
        """A sentence if a restore is among the events that were added; else empty."""
        if self._restore is None:
            return ""
        written_at = output.clean(self._restore.detail.get("written_at"))
        return (
            f" The instance was restored on {to_rfc3339(self._restore.at_ms)}: earlier events are those of the backup "
            f"of {written_at}, and later ones are its own."
        )


def _parse(lines: Iterable[bytes]) -> "Iterable[ChainedEvent | SignedHead]":
    """Only what is an event or a head is written. Raises ``AriError``."""
    from ari.base.audit_lines import NotAuditLine, parse_line

    size = 0
    for line in lines:
        size += len(line)
        try:
            if size > _MAX_PAGE_BYTES:
                raise NotAuditLine("belongs to a response that is too long")
            yield parse_line(line)
        except NotAuditLine as error:
            raise AriError(f"A line of the audit log {error}.") from None


def _require_foreign(path: Path, data_dir: Path | None) -> None:
    """Raise ``Conflict`` for a file of the instance itself. A remote one has none here."""
    from ari.base.own_files import is_own_file
    from ari.cli.chosen_instance import find_remote
    from ari.cli.instances import read_settings

    if find_remote(data_dir) is not None:
        return
    settings = read_settings(data_dir)
    if is_own_file(path, settings.data_dir, [settings.master_key_file]):
        raise Conflict("own_file", f"{path} is a file of ARI's own. Choose another name.")


def _open_file(path: Path, stack: ExitStack) -> "LineFile":
    from ari.outbound.line_file import LineFile

    file = LineFile(path)
    stack.callback(file.close)
    return file


def verify(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Copies, oldest first; may be compressed with gzip. -: standard input."),
    ],
    keys: Annotated[
        list[str] | None,
        typer.Option(
            "--public-key",
            metavar="KEY",
            help="Public key that must have signed (repeatable), from ari audit head.",
            show_default=False,
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 unless the copy is proven complete; needs --public-key.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check a copy of the audit log: that no event in it was changed, and none is missing. Needs no instance.

    A copy is proven complete if it begins with the first event of the log and a head that your key signed names its
    last. Otherwise it is only consistent: there is nothing to compare its end, its beginning or its signer with. Exits
    with 1 if the copy isn't consistent or can't be read.
    """
    if strict and not keys:
        raise typer.BadParameter("give the --public-key of the instance as well.", param_hint="--strict")
    from ari.base.audit_copies import verify as verify_copies
    from ari.base.audit_verification import AuditCopy

    copy = AuditCopy(public_keys=frozenset(map(_parse_key, keys or ())))
    with ExitStack() as stack:
        verify_copies(copy, [(name, _open(name, stack)) for name in files])
    if copy.first is None or copy.last is None:
        raise Conflict("no_events", _NO_EVENTS)
    if keys and copy.head is None:
        raise Conflict("no_head", _NO_HEAD)
    unproven = list_unproven(copy, is_key_given=bool(keys))
    is_complete = bool(keys) and copy.is_signed_whole
    facts = _list_facts(copy, copy.first.event, copy.last.event)
    if as_json:
        output.as_json({"proven_complete": is_complete} | facts | {"unproven": unproven})
    else:
        output.say(_COMPLETE if is_complete else _CONSISTENT)
        shown = {name: " ".join(value) if isinstance(value, list) else value for name, value in facts.items()}
        output.facts([(name, "unknown" if value in (None, "") else value) for name, value in shown.items()])
        for sentence in unproven:
            output.say(f"Not proven: {sentence}")
    if strict and not is_complete:
        raise typer.Exit(1)


def _list_facts(copy: "AuditCopy", first: "Event", last: "Event") -> dict[str, Any]:
    return {
        "events": copy.count,
        "first": first.id,
        "first_at": to_rfc3339(first.at_ms),
        "last": last.id,
        "last_at": to_rfc3339(last.at_ms),
        "earlier_events": copy.earlier,
        "repeated_lines": copy.repeats,
        "instance": None if copy.head is None else copy.head.instance,
        "signing_keys": copy.fingerprints,
    }


def list_unproven(copy: "AuditCopy", *, is_key_given: bool) -> list[str]:
    """List in sentences everything that a whole copy doesn't show."""
    found, head = [], copy.head
    if copy.earlier is None:
        found.append("The log may have had events before the first one here.")
    elif copy.earlier:
        are = "isn't" if copy.earlier == 1 else "aren't"
        found.append(
            f"{output.count(copy.earlier, 'earlier event')} of the log {are} in this copy. If files before it have "
            "them, give those first."
        )
    if head is None:
        found.append("Without a signed head, events may be missing at the end, or all of them may be rewritten.")
        return found
    if copy.after_head:
        last = "event" if copy.after_head == 1 else output.count(copy.after_head, "event")
        found.append(f"No signed head covers the last {last}. {_NEXT_HEAD}")
    if not is_key_given:
        found.append(
            "The signing key may be anyone's: compare it with ari audit head on the instance, or pass its --public-key."
        )
    if head.unsigned:
        was = "was" if head.unsigned == 1 else "were"
        found.append(f"{output.count(head.unsigned, 'event')} {was} written without the master key.")
    if head.accepted > (copy.earlier or 0):
        found.append("Some older events were signed later, as they were found.")
    return found


def _open(name: str, stack: ExitStack) -> BufferedReader:
    if name == "-":
        return cast("BufferedReader", sys.stdin.buffer)
    try:
        return stack.enter_context(Path(name).open("rb"))
    except (OSError, ValueError) as error:
        raise AriError(f"Can't read {name}: {getattr(error, 'strerror', None) or 'no such file'}.") from None


def _parse_key(text: str) -> bytes:
    from base64 import b64decode

    for decode in (bytes.fromhex, lambda value: b64decode(value, validate=True)):
        try:
            key: bytes = decode(text.strip())
        except (ValueError, Base64Error):
            continue
        if len(key) == _KEY_BYTES:
            return key
    raise typer.BadParameter("use the public_key that ari audit head shows.", param_hint="--public-key")
