"""A server as a child process: started, waited for, watched, stopped with everything that it started."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import httpx

from backend.errors import DemoError

LOG_LINES = 25
"""Of a log, shown when its process fails: enough for a Python traceback."""


def free_port(preferred: int = 0) -> int:
    """A port of the loopback address that nobody listens on; `preferred` when it is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", preferred))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Child:
    """One server process in a process group of its own, its output in a log file."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], folder: Path, log: Path) -> None:
        self.name = name
        self.command = list(command)
        self.env = dict(env)
        self.folder = folder
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        """Whether the process runs now."""
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        """Process id, which is also the id of its process group."""
        if self.process is None:
            raise DemoError(f"{self.name} has no process id, since it was not started. Call start() first.")
        return self.process.pid

    def start(self) -> None:
        """Start the process; a group of its own keeps a terminal's Ctrl-C away from it until we stop it in order."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_healthy(self, url: str, seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
        """Return when `url` answers 200; DemoError with the end of the log when it does not within `seconds`."""
        give_up = time.monotonic() + seconds
        with httpx.Client(timeout=2, trust_env=False) as http:
            while True:
                self.check_alive()
                try:
                    if http.get(url).status_code == httpx.codes.OK:
                        return
                except httpx.TransportError:
                    pass  # not listening yet
                if time.monotonic() > give_up:
                    raise DemoError(f"{self.name} gave no answer on {url} in {seconds:.0f} s. {self.log_tail()}")
                sleep(0.2)

    def check_alive(self) -> None:
        """DemoError with the end of the log when the process has ended."""
        if not self.alive:
            code = self.process.returncode if self.process else None
            raise DemoError(f"{self.name} ended by itself (exit code {code}). {self.log_tail()}")

    def stop(self, seconds: float = 15) -> None:
        """Ask the process to end, then end by force what is left of its group. Does nothing the second time."""
        process, self.process = self.process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        kill_group(process.pid)
        process.wait()

    def log_tail(self) -> str:
        """The end of the log, with where all of it is."""
        if not self.log.exists():
            return f"It wrote no log ({self.log})."
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        return "\n".join([f"The end of {self.log}:", *lines])


def kill_group(group: int) -> None:
    """End by force whatever lives in a process group; nothing there is fine."""
    # The group is empty, or on macOS holds zombies only, which are "not permitted".
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
