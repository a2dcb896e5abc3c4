"""The backend as a user would start it: `micro-models serve`, configured by its environment."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from backend.demo.child import Child, free_port
from backend.errors import DemoError

START_SECONDS = 300.0
"""As long as Label Studio is given: a busy machine takes a minute for it. One that ended is noticed at once."""

PROGRAM = (sys.executable, "-m", "backend")
"""`micro-models`, also where that command is not on the PATH."""


class BackendServer:
    """The backend as a child process, its data in `folder`; `start` and `stop`, or as a context manager."""

    def __init__(
        self,
        folder: Path,
        label_studio_url: str,
        api_key: str,
        port: int = 0,
        extra_env: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.port = free_port(port)
        self.wanted_port = port or self.port
        self.url = f"http://127.0.0.1:{self.port}"
        # Settings of the user's own backend would leak into this one.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MICRO_MODELS_")}
        env = kept | {
            "PORT": str(self.port),
            "LABEL_STUDIO_URL": label_studio_url,
            "LABEL_STUDIO_API_KEY": api_key,
            "MICRO_MODELS_DATA_DIR": str(self.folder),
            "PYTHONUNBUFFERED": "1",
            **(extra_env or {}),
        }
        command = [*PROGRAM, "serve", "--port", str(self.port)]
        # It runs where we do: a checkout that is not installed is importable from its root only.
        self.child = Child(
            "The backend", command, env, Path.cwd(), self.folder.with_name(self.folder.name + "-log.txt")
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.child.start()
        try:
            self.child.wait_healthy(f"{self.url}/health", START_SECONDS)
        except BaseException:
            self.child.stop()
            raise

    def stop(self) -> None:
        """Stop it and its worker; its data stays, and `start` goes on with it."""
        self.child.stop()

    def status(self, project: int) -> dict[str, Any]:
        """What `GET /status` says of one project."""
        answer = httpx.get(f"{self.url}/status", params={"project": project}, timeout=10, trust_env=False)
        answer.raise_for_status()
        content: dict[str, Any] = answer.json()
        return content

    def connect(self, project: int, url: str | None = None) -> None:
        """Connect a project as a user does: `micro-models connect`; DemoError with what it said when that fails.

        `url` is the backend as Label Studio reaches it, where that is not this server itself.
        """
        command = [*PROGRAM, "connect", "--project", str(project), "--backend-url", url or self.url]
        ran = subprocess.run(
            command, cwd=self.child.folder, env=self.child.env, capture_output=True, text=True, check=False
        )
        if ran.returncode != 0:
            raise DemoError(f"`micro-models connect` failed:\n{ran.stdout}{ran.stderr}")

    def __enter__(self) -> "BackendServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
