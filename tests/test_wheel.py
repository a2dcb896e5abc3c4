"""The wheel without the checkout: what it lacks, nobody who installs it has."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import httpx
import pytest

from backend.demo.child import Child, free_port

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent
INSTALLED = "backend/objects/installed/"
"""The package `micro_models` lies here, and at the top of the wheel."""
SECONDS = 120.0


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # building leaves folders behind, and takes over what it finds in them
    for room in ("backend", "model_registry"):
        shutil.copytree(ROOT / room, source / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = ["pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source)]
    subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True)
    [made] = folder.glob("micro_models-*.whl")
    return made


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command in an environment of its own, which borrows our dependencies and nothing of this checkout."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, env=clean(folder), cwd=folder)
    [packages] = folder.glob("lib/python*/site-packages")
    # A path in a .pth file brings packages, but not the .pth file of our editable install.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin" / "micro-models"


def run(program: Path, folder: Path, *words: str) -> str:
    """What a command prints, run far from the checkout."""
    ran = subprocess.run(
        [program, *words], cwd=folder, env=clean(folder), capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def clean(folder: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONPATH" and not k.startswith("MICRO_MODELS_")}
    return kept | {"MICRO_MODELS_DATA_DIR": str(folder / "data")}


def test_it_holds_all_that_is_read_at_run_time(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    suffixes = {".html", ".css", ".js", ".svg", ".mako", ".ini", ".safetensors", ".json", ".typed", ".py"}
    read = [
        path for room in ("backend", "model_registry") for path in (ROOT / room).rglob("*") if path.suffix in suffixes
    ]
    missing = {str(path.relative_to(ROOT)).removeprefix(INSTALLED) for path in read} - held
    assert not missing
    assert not [name for name in held if name.startswith("tests")]


@pytest.mark.parametrize("words", [("--version",), ("serve", "--help"), ("demo", "--help"), ("bench", "--help")])
def test_commands_answer(program: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    assert run(program, tmp_path, *words).strip()


def test_it_is_the_installed_one_that_runs(program: Path, tmp_path: Path) -> None:
    code = "import backend, model_registry; print(backend.__file__, model_registry.__file__)"
    places = run(program.with_name("python"), tmp_path, "-c", code)
    assert str(ROOT) not in places.replace(str(program.parents[1]), "")
    assert places.count(str(program.parents[1])) == 2


def test_it_serves_its_pages(program: Path, tmp_path: Path) -> None:
    port = free_port(0)
    command = [str(program), "serve", "--no-worker", "--port", str(port)]
    server = Child("the backend", command, clean(tmp_path), tmp_path, tmp_path / "log.txt")
    server.start()
    try:
        server.wait_healthy(f"http://127.0.0.1:{port}/health", SECONDS)
        page = httpx.get(f"http://127.0.0.1:{port}/", headers={"accept": "text/html"}, trust_env=False)
        assert "Connect a project" in page.text
        assert httpx.get(f"http://127.0.0.1:{port}/static/dashboard.css", trust_env=False).status_code == 200
    finally:
        server.stop()
