"""The image, built with buildah on a base made by debootstrap: neither needs a Docker engine or a registry."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SUITE = "bookworm"
"""Its Python, 3.11, is the oldest that the backend supports."""
BASE = f"localhost/micro-models-base:{SUITE}"
IMAGE = "localhost/micro-models:test"
FOLDER = ROOT / "build" / "image-test"
"""Where the base, the wheels and the image are kept; git ignores it."""
OVERLAY = "\toverlay\n" in Path("/proc/filesystems").read_text()
"""Whether the kernel lays trees over each other; where it does not, each step copies all of its."""
DRIVER = (
    ["--storage-driver", "overlay", "--storage-opt", "overlay.skip_mount_home=true"]
    if OVERLAY
    else ["--storage-driver", "vfs"]
)
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True)
class Config:
    """What the image says of how it is to be run."""

    user: str
    env: dict[str, str]
    command: list[str]
    volumes: set[str]
    health_check: list[str]


class Buildah:
    """Images and containers in `folder`; the base stays there for the next time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, *arguments: str) -> str:
        """One buildah command, and what it printed; AssertionError with the end of its log when it fails."""
        places = ["--root", str(self._folder / "storage"), "--runroot", str(self._folder / "run")]
        command = ["buildah", *places, *DRIVER, *arguments]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        assert ran.returncode == 0, f"{' '.join(command)}\n{ran.stdout[-3000:]}\n{ran.stderr[-6000:]}"
        return ran.stdout.strip()

    def make_base(self) -> None:
        """A Debian with Python and nothing that builds; does nothing where it is already."""
        if BASE in self("images", "--format", "{{.Name}}:{{.Tag}}").split():
            return
        container = self("from", "scratch")
        place = self("mount", container)
        packages = "--include=python3,python3-venv,ca-certificates"
        made = subprocess.run(
            ["debootstrap", "--variant=minbase", packages, SUITE, place], capture_output=True, text=True, check=False
        )
        assert made.returncode == 0, made.stdout[-3000:] + made.stderr
        for unneeded in ("var/cache/apt", "var/lib/apt/lists"):
            shutil.rmtree(Path(place, unneeded), ignore_errors=True)
        self("commit", "--quiet", "--rm", container, BASE)

    def build(self, wheels: Path) -> None:
        """The image, with torch from the index in `wheels`."""
        pip = self._folder / "pip.conf"
        pip.write_text("[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n")
        self(
            "bud", "--isolation", "chroot", "--format", "docker", "--no-cache", "--squash", "--tag", IMAGE,
            "--file", "docker/Dockerfile", "--ignorefile", "docker/Dockerfile.dockerignore",
            "--build-arg", f"BASE_IMAGE={BASE}", "--build-arg", "TORCH_INDEX=file:///wheels",
            # Mounted while it is built, so that nothing of this machine stays in the image.
            "--volume", f"{wheels}:/wheels:ro", "--volume", f"{pip}:/etc/pip.conf:ro",
            "--volume", f"{CERTIFICATES}:{CERTIFICATES}:ro", ".",
        )  # fmt: skip

    def root(self) -> Path:
        """The image's whole file tree, as it is stored: what runs on it must not write to it."""
        image = self("images", "--no-trunc", "--quiet", IMAGE).removeprefix("sha256:")
        storage = self._folder / "storage"
        (images,) = storage.glob("*-images/images.json")
        # It was squashed, so there is one layer.
        (layer,) = [str(entry["layer"]) for entry in json.loads(images.read_text()) if entry["id"] == image]
        return storage / "overlay" / layer / "diff" if OVERLAY else storage / "vfs" / "dir" / layer

    def config(self) -> Config:
        """What the image says."""
        said = json.loads(self("inspect", "--type", "image", IMAGE))["Docker"]["config"]
        return Config(
            said["User"], dict(line.split("=", 1) for line in said["Env"]), [*said["Entrypoint"], *said["Cmd"]],
            set(said["Volumes"]), said["Healthcheck"]["Test"],
        )  # fmt: skip

    def clean(self) -> None:
        """Remove containers and images of former builds; the base stays."""
        self("rm", "--all")
        if IMAGE in self("images", "--format", "{{.Name}}:{{.Tag}}").split():
            self("rmi", "--force", IMAGE)
        self("rmi", "--prune")


def missing() -> str | None:
    """Why no image can be built here, and what to do; None where it can."""
    absent = [program for program in ("buildah", "debootstrap", "unshare") if shutil.which(program) is None]
    if absent:
        return f"no {' and no '.join(absent)}: run `make image-test` as root, or apt-get install {' '.join(absent)}"
    return None if os.geteuid() == 0 else "the image is built in a chroot, for which one must be root"
