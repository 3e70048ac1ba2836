"""``ari prices``: your own prices of models, and discounts."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ari.base.errors import NotFound
from ari.cli import output
from ari.cli.command_app import CommandApp
from ari.cli.options import AsJson, DataDir
from ari.cli.targets import open_target

Pattern = Annotated[
    str,
    typer.Argument(
        metavar="PROVIDER/MODEL", help="A model, such as openai/gpt-5-mini; * matches any text.", show_default=False
    ),
]
_UNIT = "in US dollars per million tokens"


def _option(name: str, of: str) -> Any:
    return typer.Option(f"--{name}", metavar="USD", help=f"Price of {of}, {_UNIT}.", show_default=False)


app = CommandApp(no_args_is_help=True)


@app.command("list")
def list_(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List your own prices and discounts. Other models have the bundled prices."""
    with open_target(data_dir) as target:
        _show(target.prices.get(), as_json)


@app.command("set")
def set_(
    model: Pattern,
    input_: Annotated[str | None, _option("input", "input")] = None,
    output_: Annotated[str | None, _option("output", "output")] = None,
    cached_input: Annotated[str | None, _option("cached-input", "input read from a cache")] = None,
    cache_write: Annotated[str | None, _option("cache-write", "input written to a cache")] = None,
    input_audio: Annotated[str | None, _option("input-audio", "audio input")] = None,
    output_audio: Annotated[str | None, _option("output-audio", "audio output")] = None,
    input_image: Annotated[str | None, _option("input-image", "image input")] = None,
    output_image: Annotated[str | None, _option("output-image", "image output")] = None,
    per_request: Annotated[
        str | None,
        typer.Option("--per-request", metavar="USD", help="Price of each request, in US dollars.", show_default=False),
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Set the price of models; prices that aren't given are removed.

    Tokens need both --input and --output; 0 is free.
    """
    given = {
        "input_usd": input_,
        "output_usd": output_,
        "cached_input_usd": cached_input,
        "cache_write_usd": cache_write,
        "input_audio_usd": input_audio,
        "output_audio_usd": output_audio,
        "input_image_usd": input_image,
        "output_image_usd": output_image,
        "per_request_usd": per_request,
    }
    with open_target(data_dir) as target:
        rules = _rules_of(target.prices.get())
        rules["prices"] = _replace(rules["prices"], {"model": model, **given})
        _show(target.prices.replace(rules), as_json)


@app.command()
def discount(
    model: Pattern,
    percent: Annotated[str, typer.Argument(metavar="PERCENT", help="From 0 to 100.", show_default=False)],
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Set a discount on all prices of models."""
    with open_target(data_dir) as target:
        rules = _rules_of(target.prices.get())
        rules["discounts"] = _replace(rules["discounts"], {"model": model, "percent": percent})
        _show(target.prices.replace(rules), as_json)


@app.command()
def remove(model: Pattern, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Remove the price and the discount with exactly this pattern."""
    with open_target(data_dir) as target:
        before = _rules_of(target.prices.get())
        rules = {name: [one for one in entries if one["model"] != model] for name, entries in before.items()}
        if rules == before:
            raise NotFound(f"There is no price or discount for {output.clean(model)}. List them with: ari prices list")
        _show(target.prices.replace(rules), as_json)


def _rules_of(found: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {name: list(found[name]) for name in ("prices", "discounts")}


def _replace(entries: list[dict[str, Any]], entry: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries with this one in the place of that with the same pattern, or at the end."""
    models = [one["model"] for one in entries]
    if entry["model"] not in models:
        return [*entries, entry]
    return [entry if one["model"] == entry["model"] else one for one in entries]


def _show(found: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        output.as_json(found)
        return
    rows = [(output.clean(one["model"]), _describe(one)) for one in found["prices"]]
    rows += [(output.clean(one["model"]), f"{one['percent']} % off") for one in found["discounts"]]
    nothing = f"No prices of your own. Prices are those of genai-prices {found['library_version']}."
    output.table(("MODEL", "PRICE"), rows, nothing)


def _describe(price: Mapping[str, Any]) -> str:
    """Each part that has a price, such as ``input 1.25, output 10``."""
    parts = {name.removesuffix("_usd").replace("_", " "): value for name, value in price.items() if name != "model"}
    return ", ".join(f"{name} {value}" for name, value in parts.items() if value is not None)
