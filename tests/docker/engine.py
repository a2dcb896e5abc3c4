"""A Docker engine of our own, and the images that the compose files name, made here: no registry is asked.

The engine has its own folder, socket and process; what else runs on the machine is not touched. The bases are a Debian
made by debootstrap; Label Studio is installed into one of them with pip.
"""

import os
import re
import shutil
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from types import TracebackType

from tests.docker.buildah import CERTIFICATES, ROOT, SUITE
from tests.docker.shared_services import DOCKERFILE, POSTGRES, SERVICES
from tests.docker.torch_index import make_index

FOLDER = ROOT / "build" / "compose-test"
"""Where the engine keeps images, which are made once; git ignores it."""
BASE = "python:3.12-slim"
"""As the Dockerfile names it: its Python is Debian's, 3.11."""
STUDIO = "heartexlabs/label-studio:1.23.2"
IMAGE = "micro-models"
PACKAGES = "python3,python3-venv,ca-certificates"
PATIENCE = 60.0
"""Seconds that the engine may take to answer."""
BASE_FILE = """FROM micro-models-debian
RUN ln -sf python3 /usr/bin/python
COPY pip.conf /etc/pip.conf
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY index /wheels
"""
STUDIO_FILE = """FROM python:3.12-slim
RUN python3 -m venv /opt/label-studio && /opt/label-studio/bin/pip install --no-cache-dir label-studio=={version}
RUN install -d -o 1001 -g 0 /label-studio /label-studio/data
ENV PATH=/opt/label-studio/bin:$PATH HOME=/label-studio LABEL_STUDIO_BASE_DATA_DIR=/label-studio/data
USER 1001
# An empty database, which a new volume takes over: making it takes a minute on two idle cores, many on busy ones.
RUN LABEL_STUDIO_LATEST_VERSION_CHECK=false label-studio version
EXPOSE 8080
CMD ["label-studio", "start"]
"""


class Engine:
    """A running engine, and `docker` and `docker-compose` that talk to it."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder.resolve()  # runc takes no link on the way to a container's root
        self._socket = f"unix://{self.folder}/docker.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Engine":
        self.folder.mkdir(parents=True, exist_ok=True)
        places = [f"--{name}={self.folder / place}" for name, place in
                  (("data-root", "data"), ("exec-root", "exec"), ("pidfile", "pid"))]  # fmt: skip
        with (self.folder / "dockerd.log").open("wb") as log:
            self._process = subprocess.Popen(["dockerd", f"--host={self._socket}", *places], stdout=log, stderr=log)
        give_up = time.monotonic() + PATIENCE
        while self.run("docker", "info", check=False).returncode:
            ended = self._process.poll() is not None
            if ended or time.monotonic() > give_up:
                raise AssertionError(f"no engine; see {self.folder / 'dockerd.log'}")
            time.sleep(0.5)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(PATIENCE)

    def run(self, *command: str, check: bool = True, text: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        """One command that talks to the engine; AssertionError with the end of what it printed when it fails."""
        ran = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=ROOT, input=text,
            env=os.environ | {"DOCKER_HOST": self._socket, "DOCKER_BUILDKIT": "0"} | env,
        )  # fmt: skip
        assert not check or ran.returncode == 0, f"{' '.join(command)}\n{ran.stdout[-3000:]}\n{ran.stderr[-6000:]}"
        return ran

    def make_images(self) -> None:
        """What the compose files name: the bases where they are missing, ours always, of this checkout."""
        if not self._has("micro-models-debian"):
            self._import_debian()
        if not self._has(BASE):
            self._build_base()
        if not self._has(STUDIO):
            self._build_studio()
        for image, stage in SERVICES.items():
            if not self._has(image):
                self._build_service(image, stage)
        # The classic builder reads no Dockerfile.dockerignore: it is handed the checkout's own files and nothing else.
        build = (
            f"docker build --network=host -t {IMAGE} -f docker/Dockerfile"
            f" --build-arg BASE_IMAGE={BASE} --build-arg TORCH_INDEX=file:///wheels -"
        )
        files = "git ls-files -z --cached --others --exclude-standard"
        self.run("bash", "-o", "pipefail", "-c", f"{files} | tar -c --null -T - | {build}")

    def _has(self, image: str) -> bool:
        return self.run("docker", "image", "inspect", image, check=False).returncode == 0

    def _import_debian(self) -> None:
        tree, packed = self.folder / "debian", self.folder / "debian.tar"
        shutil.rmtree(tree, ignore_errors=True)
        self.run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(tree))
        self.run("tar", "-C", str(tree), "-cf", str(packed), "--exclude=./var/cache/apt/*", "--exclude=./dev/*", ".")
        self.run("docker", "import", str(packed), "micro-models-debian")
        shutil.rmtree(tree)
        packed.unlink()

    def _build_base(self) -> None:
        context = self.folder / "base"
        shutil.rmtree(context, ignore_errors=True)
        context.mkdir()
        shutil.copytree(make_index(self.folder / "index"), context / "index")
        (context / "pip.conf").write_text(f"[global]\ncert = {CERTIFICATES}\n")
        shutil.copy(CERTIFICATES, context / "ca-certificates.crt")
        self._build(BASE, context, BASE_FILE)
        shutil.rmtree(context)

    def _build_studio(self) -> None:
        context = self.folder / "label-studio"
        context.mkdir(exist_ok=True)
        self._build(STUDIO, context, STUDIO_FILE.format(version=STUDIO.partition(":")[2]))

    def _build_service(self, image: str, stage: str) -> None:
        context = self.folder / "services"
        context.mkdir(exist_ok=True)
        (context / "postgres.sh").write_text(POSTGRES)
        self._build(image, context, DOCKERFILE.format(moto=version("moto")), "--target", stage)

    def _build(self, image: str, context: Path, dockerfile: str, *options: str) -> None:
        (context / "Dockerfile").write_text(dockerfile)
        self.run("docker", "build", "--network=host", *options, "-t", image, str(context))


def without_names(folder: Path) -> Path:
    """The compose files and what they mount, in a folder, as version 1 of docker-compose takes them: it knows no name
    of a project."""
    folder.mkdir(exist_ok=True)
    for path in (*(ROOT / "docker").glob("*.yml"), *(ROOT / "docker").glob("*.cfg")):
        (folder / path.name).write_text(re.sub(r"(?m)^name: .*\n", "", path.read_text()))
    return folder


def missing() -> str | None:
    """Why no engine can run here, and what to do; None where it can."""
    absent = [name for name in ("dockerd", "docker", "docker-compose", "debootstrap") if shutil.which(name) is None]
    if absent:
        return f"no {' and no '.join(absent)}: run `make compose-test` as root, which installs them"
    return None if os.geteuid() == 0 else "an engine of one's own needs root"
