import subprocess
import sys
from pathlib import Path

import pytest

from backend.errors import TrainingError
from backend.loop.data.memory import FITTING_BYTES, Held, free_bytes, room
from backend.settings import Settings

MB = 1_000_000


def machine(folder: Path, available_kb: int | None, **files: str) -> Path:
    """A file system that says so."""
    if available_kb is not None:
        (folder / "proc").mkdir()
        (folder / "proc/meminfo").write_text(f"MemTotal: 99999999 kB\nMemAvailable:   {available_kb} kB\n")
    for name, text in files.items():
        path = folder / "sys/fs/cgroup" / name.replace("__", "/").replace("DOT", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_machine_without_containers(tmp_path: Path) -> None:
    assert free_bytes(machine(tmp_path, 2000)) == 2_048_000


def test_a_container_has_less_and_its_file_cache_is_free(tmp_path: Path) -> None:
    limits = {
        "memoryDOTmax": "1000000\n",
        "memoryDOTcurrent": "700000\n",
        "memoryDOTstat": "anon 5\ninactive_file 100000\n",
    }
    assert free_bytes(machine(tmp_path, 2000, **limits)) == 400_000


def test_the_older_kind_of_container(tmp_path: Path) -> None:
    limits = {
        "memory__memoryDOTlimit_in_bytes": "1000000",
        "memory__memoryDOTusage_in_bytes": "900000",
        "memory__memoryDOTstat": "inactive_file 5\ntotal_inactive_file 200000\n",
    }
    assert free_bytes(machine(tmp_path, 2000, **limits)) == 300_000


def test_a_container_without_a_limit(tmp_path: Path) -> None:
    limits = {"memoryDOTmax": "max\n", "memoryDOTcurrent": "700000\n", "memoryDOTstat": ""}
    assert free_bytes(machine(tmp_path, 2000, **limits)) == 2_048_000


def test_where_nobody_says_nothing_is_bounded(tmp_path: Path) -> None:
    assert free_bytes(machine(tmp_path, None)) is None
    Held(None).take(10**15)


def test_the_setting_comes_first(tmp_path: Path) -> None:
    assert room(Settings(data_dir=tmp_path, training_mb=123)) == 123 * MB


def test_what_does_not_fit_is_said_with_its_figures() -> None:
    held = Held(FITTING_BYTES + 10 * MB)
    held.take(6 * MB, 2)
    with pytest.raises(TrainingError, match=r"3 labelled frames.*take 12 MB.*about 300 MB.*may take 310 MB"):
        held.take(6 * MB, 1)


@pytest.mark.skipif(not Path("/proc/self/oom_score_adj").exists(), reason="the system knows no such wish")
def test_the_worker_is_the_one_to_be_ended() -> None:
    code = "from backend.loop.data.memory import offer_itself; offer_itself(); print(open('/proc/self/oom_score_adj').read())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == 500
