"""A compose file, up on an engine: its commands, its containers, and what a test does to them."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.docker.engine import Engine, without_names
from tests.end_to_end.work import until

PROJECT = "micro-models-test"
UP_SECONDS = 900.0
"""All images start one after another; a minute on two idle cores, many times that on busy ones."""


@dataclass(frozen=True)
class Composition:
    """`file` of docker/, with `overrides` (YAML) over it, in a project of its own; `scale` says how many of a service."""

    engine: Engine
    file: str
    overrides: str = "services: {}\n"
    scale: tuple[str, ...] = ()

    def __call__(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        """One docker-compose command."""
        folder = without_names(self.engine.folder / "compose")
        (folder / "test.yml").write_text(self.overrides)
        # The files that a file extends are looked for in the project's directory, too.
        where = ["--project-directory", str(folder), "--project-name", PROJECT]
        files = ["--file", str(folder / self.file), "--file", str(folder / "test.yml")]
        return self.engine.run("docker-compose", *where, *files, *words, **env)

    def up(self) -> float:
        """Up, until all of it runs; each is started once those that it needs are healthy. Returns the seconds."""
        began = time.monotonic()
        self("up", "--detach", "--no-build", *(word for count in self.scale for word in ("--scale", count)))
        return time.monotonic() - began

    def down(self) -> None:
        """Away, with all that was kept."""
        self("down", "--volumes")

    def logs(self, service: str) -> str:
        """The end of what a service said."""
        return self("logs", "--no-color", "--tail", "40", service).stdout[-4000:]

    def containers(self, service: str) -> list[str]:
        """Ids of a service's containers that run."""
        label = "label=com.docker.compose"
        chosen = ("--filter", f"{label}.project={PROJECT}", "--filter", f"{label}.service={service}")
        return self.engine.run("docker", "ps", "--quiet", "--no-trunc", *chosen).stdout.split()

    def inside(self, service: str, *command: str, text: str = "", check: bool = True) -> str:
        """What a command prints in the first of a service's containers."""
        container = self.containers(service)[0]
        return self.engine.run("docker", "exec", "--interactive", container, *command, text=text, check=check).stdout

    def inspect(self, container: str) -> dict[str, Any]:
        """What the engine knows of a container."""
        return dict(json.loads(self.engine.run("docker", "inspect", container).stdout)[0])

    @contextmanager
    def cut_off(self, service: str) -> Iterator[None]:
        """Nobody on the network reaches the service meanwhile, nor does it reach anybody; it goes on running."""
        container, network = self.containers(service)[0], f"{PROJECT}_default"
        aliases = self.inspect(container)["NetworkSettings"]["Networks"][network]["Aliases"]
        self.engine.run("docker", "network", "disconnect", network, container)
        try:
            yield
        finally:
            names = [word for alias in aliases for word in ("--alias", alias)]
            self.engine.run("docker", "network", "connect", *names, network, container)

    def kill(self, container: str) -> None:
        """kill -9, as a crash would: the engine starts it again. AssertionError where it does not."""
        before = self.inspect(container)
        os.kill(before["State"]["Pid"], signal.SIGKILL)

        def restarted() -> bool:
            now = self.inspect(container)
            return bool(now["RestartCount"] == before["RestartCount"] + 1 and now["State"]["Running"])

        until(restarted, "the engine to start what was killed", 60)
