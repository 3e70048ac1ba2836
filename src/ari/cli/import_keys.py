"""``ari keys import``: import keys of other systems from a file."""

import json
import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ari import keys
from ari.base.errors import Invalid, Problem
from ari.cli import output
from ari.cli.options import AsJson, DataDir
from ari.cli.targets import open_target

if TYPE_CHECKING:
    from ari.cli.targets import Target

BATCH_LINES = 1_000
MAX_SHOWN = 20
Result = dict[str, Any]

ImportFile = Annotated[
    str, typer.Argument(metavar="FILE", help="JSON lines or a JSON list; - = standard input.", show_default=False)
]


def import_(
    file: ImportFile,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the lines and import nothing.")] = False,
    all_or_nothing: Annotated[
        bool, typer.Option("--all-or-nothing", help="Import nothing if a line is invalid (up to 10,000 lines).")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Import keys of other systems by their hashes, so their holders keep them.

    Each line is a JSON object with name, hash and scheme. Invalid lines don't affect the others.
    """
    with open_target(data_dir) as target:
        values = _read_values(file)
        try:
            results = _import_batches(target, values, dry_run, all_or_nothing)
        except Invalid as error:
            _show_problems([problem.message for problem in error.problems])
            output.tell("Nothing was imported.")
            raise typer.Exit(1) from None
    if as_json:
        output.as_json(_count(results) | {"items": results})
    else:
        _show_results(results, dry_run)
    if _count(results)["failed"]:
        raise typer.Exit(1)


def _import_batches(target: "Target", values: Mapping[int, Any], dry_run: bool, all_or_nothing: bool) -> list[Result]:
    """The results of all lines. Other changes wait for one batch at a time, unless all lines are one transaction."""
    if all_or_nothing and not dry_run:
        return target.keys.import_lines(values, dry_run=False, all_or_nothing=True)
    results: list[Result] = []
    for batch in _batches(values, keys.MAX_LINES if dry_run else BATCH_LINES):
        results += target.keys.import_lines(batch, dry_run=dry_run, all_or_nothing=False)
        if len(results) < len(values) and output.can_ask():
            output.tell(f"{len(results):,} of {len(values):,} lines done.")
    return results


def _batches(values: Mapping[int, Any], size: int) -> Iterator[dict[int, Any]]:
    """The values in batches; one empty batch if there are none, which the command refuses."""
    remaining = iter(values.items())
    batch = dict(islice(remaining, size))
    while True:
        yield batch
        batch = dict(islice(remaining, size))
        if not batch:
            return


def _read_values(file: str) -> dict[int, Any]:
    """The JSON values by the number of their line, or of their place in a JSON list. Raises ``Invalid``."""
    try:
        text = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise Invalid(Problem("file", f"Can't read {file}: {error.strerror}.")) from None
    if text.lstrip().startswith(b"["):
        values = _parse_json(text)
        if not isinstance(values, list):
            raise Invalid(Problem("file", "The file isn't valid JSON: neither a list nor lines."))
        return dict(enumerate(values, 1))
    lines = enumerate(text.splitlines(), 1)
    return {number: _parse_json(line) for number, line in lines if line.strip()}


def _parse_json(text: bytes) -> Any:
    """``None``, which no line may be, for text that isn't JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _count(results: list[Result]) -> dict[str, int]:
    stored = sum(one["already_stored"] for one in results)
    failed = sum(bool(one["errors"]) and not one["already_stored"] for one in results)
    return {"imported": len(results) - stored - failed, "already_stored": stored, "failed": failed}


def _show_results(results: list[Result], dry_run: bool) -> None:
    order = sorted((one for one in results if one["errors"]), key=lambda one: bool(one["already_stored"]))
    _show_problems([keys.describe_line(one["line"], Problem(**problem)) for one in order for problem in one["errors"]])
    counts = _count(results)
    done = "can be imported" if dry_run else "imported"
    already = f", {counts['already_stored']:,} already stored" if counts["already_stored"] else ""
    failed = output.count(counts["failed"], "line")
    output.say(f"{output.count(counts['imported'], 'key')} {done}{already}, {failed} failed.")


def _show_problems(sentences: list[str]) -> None:
    for sentence in sentences[:MAX_SHOWN]:
        output.tell(sentence)
    if len(sentences) > MAX_SHOWN:
        output.tell(f"… and {output.count(len(sentences) - MAX_SHOWN, 'more problem')}.")
