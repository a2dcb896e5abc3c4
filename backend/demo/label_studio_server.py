"""A real Label Studio from its own virtual environment, on SQLite, that calls nobody on the internet."""

import os
import secrets
import shutil
from pathlib import Path

from backend.demo.child import Child, free_port
from backend.errors import DemoError

START_SECONDS = 300.0
"""The first start may have to create the database: half a minute on two idle cores, several times that on a busy machine."""

FOREIGN = ("LABEL_STUDIO_", "HEARTEX_", "DJANGO_", "POSTGRE_")
"""How the names of Label Studio's settings begin, those of its database among them."""

DATABASE = "label_studio.sqlite3"
BLANK = Path("blank", DATABASE)
"""Where `make install-label-studio` leaves an empty database in the environment, which spares a first start that time."""

ENVIRONMENT = {
    # No calls to the internet: telemetry, error reports, update check.
    "LABEL_STUDIO_COLLECT_ANALYTICS": "false",
    "LABEL_STUDIO_SENTRY_DSN": "",
    "LABEL_STUDIO_FRONTEND_SENTRY_DSN": "",
    "LABEL_STUDIO_LATEST_VERSION_CHECK": "false",
    # A backend and a webhook on a private address, refused otherwise.
    "LABEL_STUDIO_ML_BLOCK_LOCAL_IP": "false",
    "LABEL_STUDIO_SSRF_PROTECTION_ENABLED": "false",
    # `Authorization: Token <key>`, off by default.
    "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
    # Nobody else makes an account.
    "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
    "PYTHONUNBUFFERED": "1",
}


class LabelStudioServer:
    """Label Studio with one user, its data in `folder`; `start` and `stop`, or as a context manager."""

    def __init__(self, folder: Path, venv: Path, port: int = 0, email: str = "demo@example.com") -> None:
        self.folder = folder.resolve()
        self._data = self.folder / "data"
        self.venv = venv.absolute()
        self.port = free_port(port)
        self.wanted_port = port or self.port
        self.url = f"http://127.0.0.1:{self.port}"
        self.email = email
        self.password = secrets.token_urlsafe(9)
        self.token = secrets.token_hex(20)
        self.child = Child("Label Studio", self._command(), self._environment(), self.folder, self.folder / "log.txt")

    def start(self) -> None:
        """Start it and wait until it answers; the first time with an empty database."""
        program = Path(self.child.command[0])
        if not program.exists():
            raise DemoError(f"There is no {program}. Label Studio is installed there by `make install-label-studio`.")
        self._data.mkdir(parents=True, exist_ok=True)
        database, blank = self._data / DATABASE, self.venv / BLANK
        if blank.exists() and not database.exists():
            shutil.copyfile(blank, database)
        self.child.start()
        try:
            self.child.wait_healthy(f"{self.url}/health", START_SECONDS)
        except BaseException:
            self.child.stop()
            raise

    def stop(self) -> None:
        """Stop it; its data stays."""
        self.child.stop()

    def __enter__(self) -> "LabelStudioServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _command(self) -> list[str]:
        program = str(self.venv / "bin" / "label-studio")
        return [program, "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(self.port)]

    def _environment(self) -> dict[str, str]:
        # Settings of another Label Studio in the user's environment would leak into this one.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        return (
            kept
            | ENVIRONMENT
            | {
                "LABEL_STUDIO_BASE_DATA_DIR": str(self._data),
                "LABEL_STUDIO_USERNAME": self.email,
                "LABEL_STUDIO_PASSWORD": self.password,
                "LABEL_STUDIO_USER_TOKEN": self.token,
            }
        )
