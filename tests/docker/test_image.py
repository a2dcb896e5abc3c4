"""The image is built, started as an engine would, and goes through the loop with a real Label Studio.

It has been built on a Debian without a Docker engine, so what is tested is the Dockerfile, not Docker.
"""

import subprocess
import time
from pathlib import Path

import pytest

from backend.demo.annotator import Annotator
from backend.demo.label_studio_server import LabelStudioServer
from tests.docker.buildah import Buildah
from tests.docker.container import Container, command, run
from tests.end_to_end.clips import moving_square
from tests.end_to_end.work import Work, until

pytestmark = [pytest.mark.image, pytest.mark.slow]

HEALTHY_SECONDS = 30.0
"""Within which it answers on a busy machine; a quiet one needs a few."""
BUILD_TOOLS = ("gcc", "cc", "g++", "make", "ld", "as", "git")


def test_it_is_not_root_and_says_how_it_is_run(image: Buildah) -> None:
    config = image.config()
    assert config.user == "10001:10001"
    assert config.command == ["micro-models", "serve"]
    assert config.volumes == {"/data"}
    assert config.health_check[0] == "CMD"
    assert not [name for name in config.env if "PIP" in name or "KEY" in name]


def test_it_has_nothing_that_builds_and_nothing_of_this_machine(image: Buildah) -> None:
    root = image.root()
    places = [root / folder for folder in ("usr/bin", "usr/local/bin", "opt/micro-models/bin")]
    assert [tool for tool in (*BUILD_TOOLS, "pip") for place in places if (place / tool).exists()] == []
    assert not (root / "src").exists()
    mounted = root / "etc" / "pip.conf"  # of what was mounted there an empty file is left
    assert not mounted.exists() or not mounted.read_bytes()
    assert not list((root / "wheels").glob("*"))


def test_only_the_volume_can_be_written_to(image: Buildah, tmp_path: Path) -> None:
    places = ("/", "/opt/micro-models/lib", "/tmp", "/data")
    script = "id -u; " + " ".join(f"touch {place}/x 2>/dev/null && echo {place};" for place in places)
    assert run(image, tmp_path / "data", "sh", "-c", script).stdout.split() == ["10001", "/data"]


@pytest.mark.label_studio
def test_it_starts_at_once_and_goes_through_the_loop(
    image: Buildah, label_studio: LabelStudioServer, person: Annotator, tmp_path: Path
) -> None:
    # Other tests run beside this one: one core is its share, and how well it learns is not what is asked here.
    env = {"MICRO_MODELS_THREADS": "1", "MICRO_MODELS_EFFORT": "0.2"}
    server = Container(image, tmp_path / "data", label_studio.url, label_studio.token, **env)
    started = time.monotonic()
    with server:
        assert time.monotonic() - started < HEALTHY_SECONDS
        config = image.config()
        check = command(image, config, server.folder, *config.health_check[1:])
        asked = subprocess.run(check, env=config.env | {"PORT": str(server.port)}, capture_output=True, check=False)
        assert asked.returncode == 0, asked.stderr
        work = Work(person, server, moving_square(tmp_path / "frames", 12))
        work.connect_plainly()
        work.fill()
        work.label(2, 9)
        work.wait(seconds=300)
        work.check_one_prediction_each()
        assert {path.stat().st_uid for path in server.folder.rglob("*")} == {10001}
    # What we started is over at once; the container it had unshared dies with it, a moment later.
    until(lambda: not server_processes(), lambda: f"the end of {server_processes()}", 30)


def server_processes() -> list[str]:
    """What the container's user still runs."""
    owned = [path for path in Path("/proc").glob("[0-9]*") if _owner(path) == 10001]
    return [str(path) for path in owned]


def _owner(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except FileNotFoundError:
        return None
