"""Imports run one way (design.md): this test draws the arrows that exist and fails on any other."""

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BASE = {"types", "conditions", "pixel_edges", "settings", "tracks", "errors", "cancel", "sqlite_files"}
ALLOWED = {
    "types": set(),
    "tracks": {"types"},
    "conditions": {"types"},
    "pixel_edges": {"types"},
    "errors": set(),
    "cancel": {"errors"},
    "sqlite_files": set(),
    "variables": set(),
    "password": set(),
    "settings": {"errors", "variables", "password"},
    "instances": {"types", "errors"},
    "datasets": {"instances", "types", "tracks", "pixel_edges", "errors"},
    "objects": {
        "datasets",
        "instances",
        "learning",
        "model_registry",
        "types",
        "conditions",
        "tracks",
        "errors",
        "cancel",
    },
    "model_registry": {"types", "errors", "sqlite_files"},
    "studio": BASE,
    "learning": BASE,
    "jobs": BASE,
    "loop": {"datasets", "instances", "objects", "studio", "learning", "jobs", "model_registry", "password", *BASE},
    "hooks": {"loop", "studio", *BASE},
    "process": {"web", "loop", "jobs", "learning", "model_registry", *BASE},
    "hosting": {"hooks", "process", "loop", "studio", *BASE},
    "web": {"hooks", "loop", "studio", *BASE},
    "demo": {"datasets", "studio", "learning", *BASE},
    "explain": {"errors"},
    "bench": {"explain", "demo", "loop", "studio", "learning", "model_registry", *BASE},
    "commands": {"process", "loop", "objects", "datasets", "studio", "model_registry", *BASE},
    "__main__": {"commands", "process", "demo", "explain", "bench", "loop", *BASE, "studio"},
}
PACKAGES = {"backend", "backend.learning", "backend.loop"}
"""From which modules are imported by name."""
MOST_LINES, MOST_FUNCTION_LINES = 300, 40
"""Of a file, and of a function with its signature and docstring; migrations are left as they were run."""
TORCH = {"torch", "torchvision", "timm"}


def sources() -> list[Path]:
    return sorted(p for room in ("backend", "model_registry") for p in (ROOT / room).rglob("*.py"))


def room_of(module: str) -> str | None:
    parts = module.split(".")
    if parts[0] == "model_registry":
        return parts[0]
    return parts[1] if parts[0] == "backend" and len(parts) > 1 else None


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imports(path: Path) -> frozenset[str]:
    found = set[str]()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the arrows"
            found |= {str(node.module)} | {f"{node.module}.{n.name}" for n in node.names if node.module in PACKAGES}
    return frozenset(found)


def files() -> Iterator[tuple[Path, str | None]]:
    """Every source file with its room. All are in one test each, which names what it finds: a test a file would be 1,400."""
    for path in sources():
        yield path, room_of(".".join(path.relative_to(ROOT).with_suffix("").parts))


def test_imports_run_one_way() -> None:
    found = []
    for path, room in files():
        if room not in (None, "__init__"):
            arrows = {target for name in imports(path) if (target := room_of(name))} - {room}
            found += [f"{path}: {room} may not import {arrow}" for arrow in arrows - ALLOWED[room]]
    assert not found


@pytest.mark.parametrize("room", ["learning", "loop"])
def test_inside_a_room_no_two_lean_on_each_other(room: str) -> None:
    """A room's folders, and its files outside of them."""
    arrows = defaultdict[str, set[str]](set)
    for path in (ROOT / "backend" / room).rglob("*.py"):
        mine = path.relative_to(ROOT / "backend" / room).with_suffix("").parts[0]
        inner = [name.split(".")[2] for name in imports(path) if name.startswith(f"backend.{room}.")]
        arrows[mine] |= set(inner) - {mine}
    assert list(TopologicalSorter(arrows).static_order())


def test_torch_and_environment_have_one_place() -> None:
    found = []
    for path, room in files():
        if room != "learning" and TORCH & {name.split(".")[0] for name in imports(path)}:
            found.append(f"{path}: torch belongs in learning")
        text = path.read_text()
        if room not in ("settings", "demo") and ("os.environ" in text or "getenv" in text):
            found.append(f"{path}: the environment is read in settings.py only")
    assert not found


def test_the_web_starts_without_torch() -> None:
    code = "import sys, backend.web.app, backend.process; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_files_and_functions_can_be_read_at_one_go() -> None:
    found = []
    for path, _ in files():
        if "migrations" in path.parts:
            continue
        if path.read_text().count("\n") > MOST_LINES:
            found.append(f"{path}: split it by noun")
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MOST_FUNCTION_LINES:
                    found.append(f"{path}: {node.name} has {lines} lines; name its parts")
    assert not found


def test_the_files_are_found() -> None:
    assert {room for _, room in files()} >= ALLOWED.keys()
