"""The command line ``ari``, run as its own process on the data of a server or of a folder."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support import forked
from tests.support.server import ARI


class Cli:
    """Call it with the words that follow ``ari``.

    ``command`` is how to start it, such as ``ARI``; without one a process that has imported it forks, which is faster.
    """

    def __init__(self, environment: Mapping[str, str], folder: Path, command: Sequence[str] | None = None) -> None:
        self.environment = dict(environment)
        self.folder = folder
        self.command = command

    def __call__(
        self,
        *words: str,
        check: bool = False,
        stdin: str = "",
        timeout: float = 60,
        settings: Mapping[str, str] | None = None,
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command; ``check`` makes a failure an error that carries its output, ``settings`` are variables."""
        environment = {**self.environment, **(settings or {})}
        # Python itself reads some variables, and only when it starts.
        command = self.command or (ARI if any(name.startswith("PYTHON") for name in environment) else None)
        if command is None:
            done = forked.run(words, environment, self.folder, stdin, timeout)
        else:
            done = subprocess.run(
                [*command, *words],
                input=stdin,
                capture_output=True,
                text=True,
                timeout=timeout,
                cwd=self.folder,
                env=environment,
                check=False,
            )
        assert not check or done.returncode == 0, f"ari {' '.join(words)}: {done.stdout}{done.stderr}"
        return done

    def json(self, *words: str, settings: Mapping[str, str] | None = None) -> Any:
        """Run a command with ``--json`` and give what it printed."""
        return json.loads(self(*words, "--json", check=True, settings=settings).stdout)

    def create_key(self, name: str, **fields: Any) -> tuple[dict[str, Any], str]:
        """Make a key; fields are ``expires``, ``expires_at`` and ``scopes`` (a list). Gives the key and its secret."""
        words = ["keys", "create", name]
        for scope in fields.pop("scopes", None) or ():
            words += ["--scope", scope]
        for field, value in fields.items():
            words += [f"--{field.replace('_', '-')}", str(value)]
        made = self.json(*words)
        return made["key"], made["secret"]
