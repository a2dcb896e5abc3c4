import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import pytest

from backend.cancel import CancelToken
from backend.errors import StorageError, TrainingInterrupted
from backend.studio.disk_cache import ABANDONED_SECONDS, DiskCache
from tests.disk import short_files, small_disk


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def writes(content: bytes) -> Callable[[BinaryIO], None]:
    def fill(file: BinaryIO) -> None:
        file.write(content)

    return fill


def never(file: BinaryIO) -> None:
    raise AssertionError("is there already")


def total(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*/*"))


def test_fills_once(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 1000, Clock())
    assert cache.get("a", writes(b"x")).read_bytes() == b"x"
    assert cache.get("a", never).read_bytes() == b"x"
    assert DiskCache(tmp_path, 1000, Clock()).get("a", never).read_bytes() == b"x"


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "a/b?c=d&e", "ü" * 500, "\udcff"])
def test_no_key_leads_out_of_the_folder(tmp_path: Path, key: str) -> None:
    assert DiskCache(tmp_path, 1000).get(key, writes(b"x")).resolve().is_relative_to(tmp_path)


def test_failed_fill_leaves_nothing(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 1000)

    def fails(file: BinaryIO) -> None:
        file.write(b"half")
        raise OSError("cut")

    with pytest.raises(OSError, match="cut"):
        cache.get("a", fails)
    assert list(tmp_path.glob("*/*")) == []
    assert cache.get("a", writes(b"whole")).read_bytes() == b"whole"


def test_least_recently_used_go_first(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 100, Clock())
    for key in "abc":
        cache.get(key, writes(b"x" * 30))
    cache.get("a", never)
    cache.get("d", writes(b"x" * 30))
    assert [key for key in "abcd" if cache.path_of(key).exists()] == ["a", "c", "d"]
    assert total(tmp_path) <= 100


def test_never_above_the_limit(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 100, Clock())
    for n in range(60):
        cache.get(str(n), writes(b"x" * (n % 7)))
        assert total(tmp_path) <= 100


def test_newest_file_stays(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 100, Clock())
    cache.get("a", writes(b"x" * 50))
    assert cache.get("b", writes(b"x" * 100)).exists()
    assert not cache.path_of("a").exists()


def test_abandoned_parts_are_removed_and_young_ones_kept(tmp_path: Path) -> None:
    clock = Clock()
    folder = tmp_path / "ab"
    folder.mkdir()
    for name, age in (("old.part", ABANDONED_SECONDS + 10), ("young.part", 10)):
        (folder / name).write_bytes(b"x")
        import os

        os.utime(folder / name, (clock.now - age, clock.now - age))
    DiskCache(tmp_path, 1000, clock).get("a", writes(b"x"))
    assert [path.name for path in folder.glob("*.part")] == ["young.part"]


def test_one_fill_for_many_threads_and_other_keys_in_parallel(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 10_000)
    both = threading.Barrier(2, timeout=10)
    fills: list[str] = []

    def fetch(key: str) -> bytes:
        def fill(file: BinaryIO) -> None:
            fills.append(key)
            both.wait()  # only passes when both keys are being filled at the same time
            file.write(key.encode())

        return cache.get(key, fill).read_bytes()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(fetch, "abababab")) == [key.encode() for key in "abababab"]
    assert sorted(fills) == ["a", "b"]


def churn(folder: str, seed: int) -> None:
    cache = DiskCache(Path(folder), 2000)
    for n in range(150):
        key = str((n * 7 + seed) % 40)
        try:
            content = cache.get(key, writes(key.encode() * 50)).read_bytes()
        except FileNotFoundError:  # evicted by the other process: allowed, half a file is not
            continue
        if content != key.encode() * 50:
            raise AssertionError(f"{key}: {content[:10]!r}")


def test_two_processes_share_a_folder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=churn, args=(str(tmp_path), seed)) for seed in (1, 2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    # Each process may be ahead of the other by what it adds between two looks.
    assert total(tmp_path) <= 2000 * 1.15
    assert not list(tmp_path.glob("*/*.part"))


def test_a_note_goes_with_its_file(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "c", 1000, lambda: 5.0)
    cache.get("a", lambda file: file.write(b"x") and b"about a")
    assert cache.note("a") == (b"about a", 5.0)
    assert cache.note("b") is None
    cache.write_note("a", b"more about a")
    assert cache.note("a") == (b"more about a", 5.0)
    cache.forget("a")
    assert cache.note("a") is None
    assert list((tmp_path / "c").glob("*/*")) == []
    cache.forget("never there")


def test_notes_are_evicted_with_their_files_and_orphans_after_a_while(tmp_path: Path) -> None:
    now = [0.0]
    cache = DiskCache(tmp_path / "c", 100, lambda: now[0])
    for n in range(40):
        now[0] += 1
        cache.get(f"{n}", lambda file: file.write(b"x" * 10) and b"note")
    files = {path.stem for path in cache.folder.glob("*/*") if path.suffix == ""}
    assert 0 < len(files) <= 10
    assert {path.stem for path in cache.folder.glob("*/*.note")} == files
    kept = cache.path_of("39")
    kept.unlink()
    now[0] += ABANDONED_SECONDS + 1
    cache.get("new", lambda file: file.write(b"x" * 50) and None)
    assert not kept.with_suffix(".note").exists()


def test_whoever_waits_for_another_threads_fill_may_stop(tmp_path: Path) -> None:
    cache, filling, done = DiskCache(tmp_path / "c", 1000), threading.Event(), threading.Event()

    def slow(file: BinaryIO) -> None:
        filling.set()
        done.wait(30)
        file.write(b"x")

    def stop() -> None:
        raise TrainingInterrupted("stop")

    thread = threading.Thread(target=cache.get, args=("a", slow))
    thread.start()
    assert filling.wait(30)
    with pytest.raises(TrainingInterrupted):
        cache.get("a", slow, CancelToken(stop))
    done.set()
    thread.join()
    assert cache.get("a", slow).read_bytes() == b"x"


def test_a_disk_without_room_is_no_fault_of_the_file(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "cache", 1_000_000)
    with short_files(10_000), pytest.raises(StorageError, match="cannot be written: File too large"):
        cache.get("a", writes(bytes(200_000)))
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []
    assert cache.get("a", writes(bytes(200_000))).stat().st_size == 200_000


def test_what_is_there_is_read_from_a_read_only_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "cache") as disk:
        cache = DiskCache(disk.folder, 1_000_000)
        before = cache.get("a", writes(b"content"))
        disk.lock("ro")
        assert cache.get("a", never) == before
        with pytest.raises(StorageError, match="Read-only"):
            cache.get("b", writes(b"content"))
        disk.lock("rw")
        assert cache.get("b", writes(b"content")).read_bytes() == b"content"


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("x")
    with pytest.raises(StorageError, match="File exists"):
        DiskCache(tmp_path / "cache", 1000)
