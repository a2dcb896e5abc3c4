"""The installed name: quick to import, without torch, complete, and its examples run."""

import doctest
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import micro_models as mm
import pytest

from backend.objects.installed import micro_models as source

ROOT = Path(__file__).parent.parent.parent
INSTALLED = ROOT / "backend" / "objects" / "installed"
IMPORT_SECONDS = 0.15
MODULES = sorted(
    f"backend.objects.{path.stem}" for path in (ROOT / "backend" / "objects").glob("*.py") if path.stem != "__init__"
)


def test_the_import_is_quick_and_brings_no_torch() -> None:
    code = (
        "import sys, time; began = time.process_time(); import micro_models as mm; took = time.process_time() - began\n"
        "assert 'torch' not in sys.modules\n"
        "mm.abstain | mm.abstain, mm.open, mm.load, mm.by_group, mm.track(), mm.fit, mm.Instances()\n"
        "assert 'torch' not in sys.modules\n"
        "print(took)"
    )
    path = {"PYTHONPATH": f"{ROOT}:{INSTALLED}"}
    runs = [subprocess.run([sys.executable, "-c", code], env=path, capture_output=True, text=True) for _ in range(3)]
    assert [run.stderr for run in runs] == [""] * 3
    assert min(float(run.stdout) for run in runs) < IMPORT_SECONDS


def test_every_name_is_there_and_documented() -> None:
    assert sorted(mm.__all__) == dir(mm) == sorted(mm._HOMES)
    for name in mm.__all__:
        assert getattr(mm, name) is not None
        assert getattr(mm, name).__doc__, name
    with pytest.raises(AttributeError, match="It has: Card"):
        mm.no_such_name  # type: ignore[attr-defined]  # noqa: B018


def test_names_for_type_checkers_are_the_same() -> None:
    text = Path(str(source.__file__)).read_text().split("if TYPE_CHECKING:")[1].split("_HOMES")[0]
    imported = {line.split(" as ")[-1] for line in text.splitlines() if " import " in line}
    assert imported == set(mm.__all__)


@pytest.mark.parametrize("module", ["micro_models", *MODULES])
def test_examples_run(module: str) -> None:
    assert doctest.testmod(import_module(module)).failed == 0
