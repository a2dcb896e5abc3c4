import hashlib
import os
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path

import fsspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from backend.errors import ArtifactDamaged, ArtifactError, StorageError
from backend.types import Weights
from model_registry.artifacts import PAUSES, Artifacts
from model_registry.records import ArtifactRef
from tests.engines import S3_ACCOUNT, S3Server
from tests.model_registry.conftest import Clock

WEIGHTS = Weights({"head.weight": np.arange(6, dtype=np.float32).reshape(2, 3)}, {"labels": '["bunny"]'})


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Artifacts:
    """On this machine, and on a file system that knows no rename."""
    return Artifacts(str(tmp_path / "a") if request.param == "folder" else f"memory://{uuid.uuid4().hex}", clock)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_round_trip(store: Artifacts) -> None:
    ref = store.write(WEIGHTS)
    read = store.read(ref)
    assert read.metadata == WEIGHTS.metadata
    np.testing.assert_array_equal(read.arrays["head.weight"], WEIGHTS.arrays["head.weight"])
    assert store.write(WEIGHTS).uri != ref.uri


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda name: name != "__metadata__"),
        hnp.arrays(
            st.sampled_from([np.float32, np.float16, np.int64, np.uint8, np.bool_]),
            hnp.array_shapes(min_dims=0, min_side=0, max_side=3),
        ).map(np.transpose),
        max_size=3,
    ),
    st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")), max_size=3),
)
def test_any_weights(arrays: dict[str, NDArray[np.generic]], metadata: dict[str, str]) -> None:
    store = Artifacts("memory://any", Clock())
    read = store.read(store.write(Weights(arrays, metadata)))
    assert dict(read.metadata) == metadata
    assert read.arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        assert (read.arrays[name].dtype, read.arrays[name].shape) == (array.dtype, array.shape)
        assert read.arrays[name].tobytes() == array.tobytes()


def test_missing(store: Artifacts) -> None:
    ref = store.write(WEIGHTS)
    store.collect(set(), -1e12)
    with pytest.raises(ArtifactError, match="cannot be read"):
        store.read(ref)


@pytest.mark.parametrize("uri", ["", "../registry.db", "/etc/passwd", "ab/../../x.safetensors", "file:///etc/passwd"])
def test_names_that_are_not_ours_are_not_read(store: Artifacts, uri: str) -> None:
    with pytest.raises(ArtifactError, match="not the name of an artifact"):
        store.read(ArtifactRef(uri, "", 0))


def test_damaged(tmp_path: Path, clock: Clock) -> None:
    store = Artifacts(str(tmp_path), clock)
    ref = store.write(WEIGHTS)
    path = tmp_path / ref.uri
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ArtifactError, match=f"{ref.nbytes - 1} bytes.*expected {ref.nbytes} bytes"):
        store.read(ref)
    path.write_bytes(b"not weights")
    with pytest.raises(ArtifactError, match="no safetensors file"):
        store.read(replace(ref, sha256=hashlib.sha256(b"not weights").hexdigest()))


def test_a_move_of_the_folder_keeps_references(tmp_path: Path, clock: Clock) -> None:
    ref = Artifacts(str(tmp_path / "old"), clock).write(WEIGHTS)
    (tmp_path / "old").rename(tmp_path / "new")
    assert Artifacts(f"file://{tmp_path}/new", clock).read(ref).metadata == WEIGHTS.metadata


def test_collect_keeps_what_is_named_or_young_or_not_ours(tmp_path: Path, clock: Clock) -> None:
    store = Artifacts(str(tmp_path), clock)
    kept, old, young = (store.write(WEIGHTS) for _ in range(3))
    aside = tmp_path / f"{old.uri}.part"
    aside.write_bytes(b"half")
    foreign = tmp_path / "README.txt"
    foreign.write_text("mine")
    for path in (tmp_path / kept.uri, tmp_path / old.uri, aside, foreign):
        os.utime(path, (500, 500))
    os.utime(tmp_path / young.uri, (950, 950))
    assert store.collect({kept.uri}, older_than_seconds=100) == 2
    assert set(files(tmp_path)) == {tmp_path / kept.uri, tmp_path / young.uri, foreign}


def test_a_writer_killed_before_the_rename_leaves_no_artifact(tmp_path: Path, clock: Clock) -> None:
    code = (
        "import os, signal, numpy as np\n"
        "from pathlib import Path\n"
        "from backend.types import Weights\n"
        "from model_registry.artifacts import Artifacts\n"
        "Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"Artifacts({str(tmp_path)!r}, lambda: 0.0).write(Weights({{'a': np.zeros(9)}}))\n"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    [left] = files(tmp_path)
    assert left.name.endswith(".safetensors.part")
    os.utime(left, (500, 500))
    assert Artifacts(str(tmp_path), clock).collect(set(), 100) == 1


def test_a_store_that_is_away_for_a_while_is_asked_again(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    store = Artifacts("memory://away", clock, pauses.append)
    write, failures = store._files.pipe_file, iter([OSError("500"), ConnectionError("cut"), None])

    def sometimes(path: str, content: bytes) -> None:
        if error := next(failures):
            raise error
        write(path, content)

    monkeypatch.setattr(store._files, "pipe_file", sometimes)
    assert store.read(store.write(WEIGHTS)).metadata == WEIGHTS.metadata
    assert pauses == list(PAUSES[:2])


def test_a_store_that_stays_away(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    store = Artifacts("memory://away", clock, pauses.append)

    def never(*_: object) -> None:
        raise ConnectionError("nobody there")

    monkeypatch.setattr(store._files, "pipe_file", never)
    monkeypatch.setattr(store._files, "cat_file", never)
    with pytest.raises(ArtifactError, match=r"nobody there.*MICRO_MODELS_ARTIFACTS_URL"):
        store.write(WEIGHTS)
    assert pauses == list(PAUSES)
    with pytest.raises(ArtifactError, match="nobody there"):
        store.read(ArtifactRef("ab/" + "0" * 32 + ".safetensors", "", 0))


def test_what_is_damaged_is_told_from_a_store_that_does_not_answer(tmp_path: Path, clock: Clock) -> None:
    store = Artifacts(str(tmp_path / "a"), clock)
    missing, flipped, cut = (store.write(WEIGHTS) for _ in range(3))
    (tmp_path / "a" / missing.uri).unlink()
    for ref, change in ((flipped, lambda b: b[:-1] + bytes([b[-1] ^ 1])), (cut, lambda b: b[:-9])):
        path = tmp_path / "a" / ref.uri
        before = path.read_bytes()
        path.write_bytes(change(before))
        assert path.read_bytes() != before
    for ref in (missing, flipped, cut):
        with pytest.raises(ArtifactDamaged):
            store.read(ref)
    (tmp_path / "a").rename(tmp_path / "not mounted")
    with pytest.raises(ArtifactError, match="mount it") as away:
        store.read(missing)
    assert not isinstance(away.value, ArtifactDamaged)
    with pytest.raises(StorageError, match="cannot be stored"):
        store.write(WEIGHTS)


def test_damage_on_the_way_is_read_again(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Artifacts(str(tmp_path), clock)
    ref = store.write(WEIGHTS)
    read, answers = store._files.cat_file, iter([b"cut", None])
    monkeypatch.setattr(store._files, "cat_file", lambda path: next(answers) or read(path))
    assert store.read(ref).metadata == WEIGHTS.metadata


def test_a_full_disk_leaves_no_half_file(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    store = Artifacts(str(tmp_path), clock)
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(StorageError, match=r"No space left.*done again by itself"):
        store.write(WEIGHTS)
    assert files(tmp_path) == []


def test_put_takes_what_it_names_and_nothing_else(store: Artifacts) -> None:
    ref = store.write(WEIGHTS)
    content = store.content(ref)
    store.collect(set(), -1e12)
    store.put(ref, content)
    assert store.content(ref) == content
    for bad in (replace(ref, uri="../x"), replace(ref, sha256="0" * 64)):
        with pytest.raises(ArtifactDamaged):
            store.put(bad, content)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_s3_tells_a_missing_object_from_a_missing_bucket_and_a_dead_server(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with S3Server() as server:
        for name, value in {**S3_ACCOUNT, "FSSPEC_S3_ENDPOINT_URL": server.endpoint}.items():
            monkeypatch.setenv(name, value)
        options = {"endpoint_url": server.endpoint, "key": "test", "secret": "test", "skip_instance_cache": True}
        files_ = fsspec.filesystem("s3", **options)
        store = Artifacts("memory://unused", clock)
        store._files, store._root, store._local = files_, f"{server.bucket}/weights", False
        refs = [store.write(WEIGHTS) for _ in range(3)]
        assert store.read(refs[0]).metadata == WEIGHTS.metadata
        assert {file.uri for file in store.files()} == {ref.uri for ref in refs}
        assert {file.nbytes for file in store.files()} == {refs[0].nbytes}
        assert store.collect({refs[0].uri, refs[1].uri}, -1e12) == 1
        files_.rm_file(f"{server.bucket}/weights/{refs[1].uri}")
        with pytest.raises(ArtifactDamaged, match="missing"):
            store.read(refs[1])
        content = store.content(refs[0])
        files_.pipe_file(f"{server.bucket}/weights/{refs[0].uri}", content[:-1])
        with pytest.raises(ArtifactDamaged, match="damaged or replaced"):
            store.read(refs[0])
        files_.rm(f"{server.bucket}/weights", recursive=True)
        files_.rmdir(server.bucket)
        with pytest.raises(ArtifactError, match="not there") as gone:
            store.read(refs[0])
        assert not isinstance(gone.value, ArtifactDamaged)
    with pytest.raises(ArtifactError) as dead:
        store.read(refs[0])
    assert not isinstance(dead.value, ArtifactDamaged)
