"""The image run as a server: not as root, on a root that cannot be written to, with one folder as its volume."""

import os
import shutil
import subprocess
from pathlib import Path

from backend.demo.backend_server import BackendServer
from tests.docker.buildah import Buildah, Config

RUN = Path(__file__).with_name("run_container.sh")
ON_THIS_MACHINE = {"MICRO_MODELS_HOST": "127.0.0.1"}
"""It shares our network, and so needs no password as it does in one of its own."""


class Container(BackendServer):
    """`micro-models serve` in the image; its data in `folder`, and `env` as settings besides the image's own."""

    def __init__(
        self, image: Buildah, folder: Path, label_studio_url: str, api_key: str, port: int = 0, **env: str
    ) -> None:
        config = image.config()
        super().__init__(folder, label_studio_url, api_key, port, config.env)
        self._user = config.user
        # A container knows nothing of the environment around it; torch, for one, leaves a folder of its own in ours.
        kept = {n: v for n, v in self.child.env.items() if os.environ.get(n) != v}
        self.child.env = kept | config.env | ON_THIS_MACHINE | env
        self.child.command = command(image, config, self.folder, *config.command)

    def start(self) -> None:
        """Start it and wait until it answers."""
        hand_over(self.folder, self._user)
        super().start()


def command(image: Buildah, config: Config, data: Path, *words: str) -> list[str]:
    """What runs `words` in a container."""
    return [str(RUN), str(image.root()), str(data), config.user, *words]


def run(image: Buildah, data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """One command in a container, to its end."""
    config = image.config()
    hand_over(data, config.user)
    return subprocess.run(
        command(image, config, data, *words), env=config.env, capture_output=True, text=True, check=False, timeout=60
    )


def hand_over(folder: Path, user: str) -> None:
    """Make the folder the user's, and everything above it passable; an engine's volumes are."""
    folder.mkdir(parents=True, exist_ok=True)
    uid, gid = map(int, user.split(":"))
    shutil.chown(folder, uid, gid)
