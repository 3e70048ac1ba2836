"""The guard imports with nothing but its framework: no server, and no other framework (promise of ``ari.guard``)."""

import os
import subprocess
import sys
from importlib.metadata import distribution, packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FRAMEWORKS = {
    "ari.guard": (),
    "ari.guard.starlette": ("starlette",),
    "ari.guard.fastapi": ("fastapi",),
    "ari.guard.litestar": ("litestar",),
    "ari.guard.flask": ("flask",),
    "ari.guard.django": ("django",),
    "ari.guard.drf": ("djangorestframework",),
}
PROGRAM = """
import importlib, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top.startswith("_") or top == "ari" or top in sys.argv[2].split():
            return None
        raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Blocked())
importlib.import_module(sys.argv[1])
ari = importlib.import_module("ari.guard").Ari.local("/nowhere")
try:
    ari.run(ari.open())
except Exception as error:
    print(error)
"""


def list_requirements(name: str, found: set[str]) -> set[str]:
    """The installed distributions that one needs, without extras."""
    if name in found:
        return found
    found.add(name)
    for line in distribution(name).requires or ():
        needed = Requirement(line)
        if needed.marker is None or needed.marker.evaluate({"extra": ""}):
            list_requirements(canonicalize_name(needed.name), found)
    return found


@pytest.mark.parametrize("module", FRAMEWORKS)
def test_a_module_needs_only_its_framework(module: str) -> None:
    """Everything else is blocked; the local back end then names the extra that is missing."""
    needed = {"msgspec"}
    for framework in FRAMEWORKS[module]:
        list_requirements(framework, needed)
    owners = packages_distributions()
    allowed = [top for top, names in owners.items() if set(map(canonicalize_name, names)) & needed]
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "-c", PROGRAM, module, " ".join(allowed)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("pip install ari-keys"), done.stdout


@pytest.mark.parametrize("framework", ["starlette", "fastapi", "litestar", "flask", "django"])
def test_a_missing_framework_is_named_with_its_extra(framework: str) -> None:
    """Importing a guard without its framework says what to install."""
    command = [sys.executable, "-c", PROGRAM, f"ari.guard.{framework}", "msgspec"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    command_line = f'pip install "ari-keys[guard-{framework}]"'
    assert f"The Python package {framework} is missing. Run: {command_line}" in done.stderr
