"""Two lists in, two lists out."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.datasets.frames_and_labels import load, save
from backend.errors import DataSetError
from backend.instances import Instances

FOUND = [Instances([(1, 2, 8, 9)], ["a"], [0.5]), Instances(), Instances([(0, 0, 3, 3)], ["b"])]


def image(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (11, 13, 3), np.uint8)


@pytest.mark.parametrize("name", ["coco", "yolo"])
def test_arrays_pictures_and_files_come_back_as_files(tmp_path: Path, name: str) -> None:
    Image.fromarray(image(2)).save(tmp_path / "frame.png")
    frames = [image(0), Image.fromarray(image(1)), tmp_path / "frame.png"]
    assert save(name, tmp_path / "out", iter(frames), iter(FOUND)) == 3
    paths, labels = load(name, tmp_path / "out")
    for n, path in enumerate(paths):
        with Image.open(path) as found:
            assert np.array_equal(np.asarray(found), image(n))
    assert [one.label.tolist() for one in labels] == [["a"], [], ["b"]]
    assert labels[0].xyxy[0] == pytest.approx((1, 2, 8, 9), abs=0.01)
    if name == "coco":
        assert labels == FOUND


def test_classes_of_frames(tmp_path: Path) -> None:
    classes = [Instances([(0, 0, 13, 11)], [name]) for name in ("in", "out")]
    save("folders", tmp_path / "out", [image(0), image(1)], classes)
    assert load("folders", tmp_path / "out")[1] == classes


def test_one_of_each_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match="Expected one of each"):
        save("coco", tmp_path / "a", [image(0)], FOUND)
    with pytest.raises(DataSetError, match=r"float64 of shape \(3,\)"):
        save("coco", tmp_path / "b", [np.zeros(3)], FOUND[:1])  # type: ignore[list-item]
    save("cvat", tmp_path / "c", [image(0)], FOUND[:1])
    with pytest.raises(DataSetError, match="Say where it is"):
        load("cvat", tmp_path / "c")
