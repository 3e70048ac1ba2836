"""Write all lock files anew (``make lock``): versions and hashes, valid for every supported Python, no addresses."""

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import licenses  # noqa: E402 - a file of this folder

from hatch_build import node_and_npm  # noqa: E402 - the build hook is a file of the root, not an installed module

COMPILE = ["pip", "compile", "--quiet", "--upgrade", "--no-config", "--universal", "--python-version", "3.11"]
WHOLE = ("@scalar/api-reference",)
PROGRAMS = ("langchain-anthropic", "langchain-openai", "litellm", "llama-index-llms-openai-like")
HASHED = ["--generate-hashes", "--no-emit-index-url", "--custom-compile-command", "make lock"]


def compile_python(uv: str) -> None:
    """Lock what runs, what tests, and what builds; the first constrains the others."""
    constrained = ["-c", "requirements/run.txt"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    build = "\n".join([*project["build-system"]["requires"], "pip"])
    base = [uv, *COMPILE, *HASHED]
    extras = [word for name in ("postgres", "clickhouse", "s3", "otel") for word in ("--extra", name)]
    run = ["pyproject.toml", *extras, "-o", "requirements/run.txt"]
    subprocess.run([*base, *run], cwd=ROOT, check=True)
    tools = ["-", *constrained, "-o", "requirements/build.txt"]
    subprocess.run([*base, *tools], cwd=ROOT, check=True, input=build, text=True)
    # Its generator of clients needs an older typer than ARI has, so it stands alone.
    clients = ["-", "-o", "requirements/client.txt"]
    subprocess.run([*base, *clients], cwd=ROOT, check=True, input="openapi-python-client", text=True)
    # Programs of the guides that call AI providers, each with its own wishes for versions.
    programs = ["-", "-o", "requirements/programs.txt"]
    subprocess.run([*base, *programs], cwd=ROOT, check=True, input="\n".join(PROGRAMS), text=True)
    tests = ["--group", "dev", *constrained, "-c", "requirements/build.txt", "-o", "requirements/dev.txt"]
    subprocess.run([*base, *tests], cwd=ROOT, check=True)


def lock_npm(folder: Path) -> None:
    """Lock the npm packages of a folder: integrity for each, no registry's address, nobody's funding page.

    Of a package that is published as a whole, what it depends on is left out: the second run drops it from the lock.
    """
    _, npm = node_and_npm()
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("package.json", ".npmrc"):
            (Path(scratch) / name).write_bytes((folder / name).read_bytes())
        path = Path(scratch) / "package-lock.json"
        install = [*npm, "install", "--package-lock-only", "--loglevel=error"]
        subprocess.run(install, cwd=scratch, check=True)
        lock = json.loads(path.read_text(encoding="utf-8"))
        for name in WHOLE:
            lock["packages"].get(f"node_modules/{name}", {}).pop("dependencies", None)
        path.write_text(json.dumps(lock), encoding="utf-8")
        subprocess.run(install, cwd=scratch, check=True)
        lock = json.loads(path.read_text(encoding="utf-8"))
    for package in lock["packages"].values():
        package.pop("funding", None)
    (folder / "package-lock.json").write_text(json.dumps(lock, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    compile_python(str(Path(sys.argv[1]).absolute()))
    for name in ("frontend", "tests/programs"):
        lock_npm(ROOT / name)
    licenses.collect(node_and_npm()[1], ROOT / "frontend")
