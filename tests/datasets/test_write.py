"""Writing: resumed wherever it was cut, in bounded memory, whatever names there are."""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.datasets import FORMATS, Item, Names, format_of, read, split, write
from backend.datasets.file_names import LONGEST, FileNames, safe
from backend.datasets.journal import FILE, KIND, items_of
from backend.errors import DataSetError
from backend.instances import Instances
from tests.datasets.made import items, picture, planned, texts, written

MANY = 10_000
ROOM = 30_000_000
"""Bytes: the masks of ten thousand frames alone would be 69 MB."""


@settings(max_examples=20, deadline=None)
@given(items())
def test_the_journal_loses_nothing(frames: list[Item]) -> None:
    with TemporaryDirectory() as folder:
        written("coco", Path(folder) / "out", frames)
        for before, after in zip(frames, items_of(Path(folder) / "out" / FILE), strict=True):
            assert (after.key, after.about, after.number) == (before.key, before.about, before.number)
            assert after.classes == before.classes
            assert after.objects.origin.tolist() == before.objects.origin.tolist()
            assert after.objects.attributes == before.objects.attributes
            assert np.array_equal(after.objects.keypoints, before.objects.keypoints, equal_nan=True)
            if before.objects.mask.any():
                assert np.array_equal(after.objects.mask, before.objects.mask)


@settings(max_examples=15, deadline=None)
@given(items(), st.integers(0, 6), st.integers(0, 40))
def test_what_is_cut_off_anywhere_is_the_same_in_the_end(frames: list[Item], steps: int, bytes_lost: int) -> None:
    with TemporaryDirectory() as folder:
        whole, cut = Path(folder) / "whole", Path(folder) / "cut"
        written("yolo", whole, frames, stamp="1")
        going = write(format_of("yolo"), cut, planned(frames, "1"), Names(), {}, {})
        for _ in zip(range(steps), going, strict=False):
            pass
        going.close()  # type: ignore[attr-defined]
        if (cut / FILE).exists():
            content = (cut / FILE).read_bytes()
            head = content.index(b"\n") + 1
            (cut / FILE).write_bytes(content[: max(head, len(content) - bytes_lost)])
        written("yolo", cut, frames, stamp="1")
        assert tree(cut) == tree(whole)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_ten_thousand_frames_fit_into_little_memory(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", LARGE, "coco", str(tmp_path / "out"), str(MANY)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert int(said) < ROOM, said


LARGE = """
import resource, sys
from pathlib import Path
import numpy as np
from backend.datasets import Item, Names, Planned, format_of, write
from backend.instances import Instances

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

def frames(many):
    mask = np.zeros((1, 72, 96), np.bool_)
    mask[0, 20:60, 30:80] = True
    objects = Instances([(30, 20, 80, 60)], ["square"], mask=mask, track=[1])
    for n in range(many):
        yield Planned("clip", f"{n}", lambda n=n: Item("clip", f"{n}", 96, 72, objects, number=n))

name, out, many = format_of(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
list(write(name, out / "small", frames(20), Names(), {}, {}))
before = peak()
for step in write(name, out / "large", frames(many), Names(), {}, {}):
    pass
assert sum(1 for _ in open(out / "large" / "items.jsonl")) == many + 1
print(peak() - before)
"""
"""Prints how many bytes more than for twenty frames it took."""


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_writes_and_reads_a_data_set_of_everything(tmp_path: Path, name: str) -> None:
    mask = np.zeros((1, 21, 33), np.bool_)
    mask[0, 2:9, 3:20] = True
    objects = Instances(
        [(3, 2, 20, 9)], ["fly"], mask=mask, keypoints=[[(4, 5), (6, 7)]], keypoint_names=("head", "tail"), track=[1]
    )
    classes = Instances([(0, 0, 33, 21)], ["inside"])
    frames = [
        Item(group, f"{n}", 33, 21, objects, classes, number=n, picture=picture(33, 21, n))
        for group in ("../a", "b/../../c")
        for n in range(2)
    ]
    written(name, tmp_path / "out", frames, {"../a": "train", "b/../../c": "val"} if name != "deeplabcut" else {})
    assert not [path for path in tmp_path.iterdir() if path.name != "out"]
    found = list(read(name, tmp_path / "out"))
    assert len(found) == 4
    assert all(len(one.objects) == 1 or len(one.classes) == 1 for one in found)
    if name != "deeplabcut":
        assert sorted(one.split for one in found) == ["train", "train", "val", "val"]


@pytest.mark.parametrize("path", ["../victim.png", "images/../../victim.png", "{folder}/victim.png"])
def test_a_journal_of_others_has_nothing_deleted_outside_of_its_folder(tmp_path: Path, path: str) -> None:
    out, victim = tmp_path / "out", tmp_path / "victim.png"
    victim.write_bytes(b"somebody's")
    (out / "images").mkdir(parents=True)
    (out / "images" / "old.png").write_bytes(b"of an export before")
    lines = [{"stamp": "1", "group": "a", "name": n, "paths": [one]} for n, one in enumerate((path, "images/old.png"))]
    head = {"kind": KIND, "format": "coco"}
    text = "".join(json.dumps(one) + "\n" for one in (head, *lines))
    (out / FILE).write_text(text.replace("{folder}", str(tmp_path)))
    written("coco", out, [])
    assert victim.exists()
    assert not (out / "images" / "old.png").exists()


def test_another_data_set_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(json.dumps({"kind": "other"}) + "\n")
    with pytest.raises(DataSetError, match="is of something else"):
        written("coco", tmp_path, [])


@given(st.lists(st.tuples(texts | st.sampled_from(("CON", "a/b", "a_b", ".", "..", "")), texts), unique=True))
def test_names_of_files_are_safe_and_each_another_one(keys: list[tuple[str, str]]) -> None:
    names = FileNames()
    given_ = [names.of(*key) for key in keys]
    assert len({name.casefold() for name in given_}) == len(keys)
    assert [names.of(*key) for key in keys] == given_
    for name in given_:
        assert not set(name) & set('<>:"/\\|?*\0')
        assert name not in (".", "..")
        assert len(name.encode()) <= 2 * LONGEST + 20


def test_names_stay_readable() -> None:
    assert safe("Szene 12 – größer 🛢") == "Szene 12 – größer 🛢"
    assert safe("../../etc/passwd") == "_.._etc_passwd"
    assert safe("con.txt") == "_con.txt"


@given(st.dictionaries(texts, st.integers(1, 50), min_size=1), st.floats(0, 0.9))
def test_groups_are_held_out_whole_and_some_are_trained_on(sizes: dict[str, int], share: float) -> None:
    found = split(sizes, share)
    assert found.keys() == sizes.keys()
    held = {name for name, part in found.items() if part == "val"}
    if share <= 0:
        assert set(found.values()) == {""}
    elif len(sizes) > 1:
        assert 0 < len(held) < len(sizes)
    else:
        assert not held
    assert split(sizes, share) == found
