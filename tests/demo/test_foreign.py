"""Data that people have, in formats that others write, for the demo and the benchmark."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.datasets import Item, guess
from backend.demo.foreign import load_set, load_sets
from backend.errors import DataSetError, DemoError
from backend.instances import Instances
from backend.types import Head
from tests.datasets.made import picture, written


def frames(width: int = 33, **columns: object) -> list[Item]:
    """Two groups, of two frames and of three."""
    return [
        Item(
            group, f"{n}", width, 21, Instances([(3, 2, 20, 9)], ["fly"], **columns), number=n,  # type: ignore[arg-type]
            classes=Instances([(0, 0, width, 21)], ["inside" if n else "outside"]), picture=picture(width, 21, n),
        )
        for group, count in (("a", 2), ("b", 3))
        for n in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("format", "head"),
    [
        ("coco", Head.SEGMENTATION),
        ("coco-polygons", Head.SEGMENTATION),
        ("masks", Head.SEGMENTATION),
        ("yolo", Head.DETECTION),
        ("yolo-segment", Head.SEGMENTATION),
        ("mot", Head.DETECTION),
        ("folders", Head.CLASSIFICATION),
        ("yolo-classify", Head.CLASSIFICATION),
    ],
)
def test_a_data_set_is_taken_for_what_it_is(tmp_path: Path, format: str, head: Head) -> None:
    mask = np.zeros((1, 21, 33), np.bool_)
    mask[0, 2:9, 3:20] = True
    written(format, tmp_path / "out", frames(mask=mask, track=[1]))
    found = load_set(tmp_path / "out")
    assert found.head is head
    assert (found.width, found.height) == (33, 21)
    assert found.classes == (("inside", "outside") if head is Head.CLASSIFICATION else ("fly",))
    assert len(found.frames) == (3 if format in ("coco", "coco-polygons", "mot") else 5)
    for frame in found.frames:
        with Image.open(frame.path) as image:
            assert image.size == (33, 21)
        [one] = frame.truth or ()
        if head is not Head.CLASSIFICATION:
            assert one.box == pytest.approx((3, 2, 20, 9), abs=0.01)
        assert (one.mask is not None) == (head is Head.SEGMENTATION)


@pytest.mark.parametrize("format", ["yolo-pose", "deeplabcut", "sleap"])
def test_points_of_one_object_and_of_several(tmp_path: Path, format: str) -> None:
    one = Instances([(3, 2, 20, 9)], ["fly"], keypoints=[[(4, 5), (6, 7)]], keypoint_names=("head", "tail"))
    two = Instances([(3, 2, 20, 9), (1, 1, 5, 6)], ["fly"] * 2, keypoints=[[(4, 5), (6, 7)], [(1, 2), (3, 4)]],
                    keypoint_names=("head", "tail"))  # fmt: skip
    for name, objects in (("one", one), ("two", two)):
        made = [Item("a", f"{n}", 33, 21, objects, number=n, picture=picture(33, 21)) for n in range(2)]
        written(format, tmp_path / name, made)
        found = load_set(tmp_path / name)
        assert (found.head, found.classes) == (Head.POSE, ("head", "tail"))
        assert bool(found.objects) == (name == "two")
        assert [(p.label, p.x, p.y) for p in (found.frames[0].truth or ())[0].keypoints] == [
            ("head", pytest.approx(4, abs=0.01), pytest.approx(5, abs=0.01)),
            ("tail", pytest.approx(6, abs=0.01), pytest.approx(7, abs=0.01)),
        ]


def test_each_group_is_a_data_set_of_its_own(tmp_path: Path) -> None:
    written("coco", tmp_path / "out", frames())
    assert [(one.name, len(one.frames)) for one in load_sets(tmp_path / "out")] == [("a", 2), ("b", 3)]
    assert load_set(tmp_path / "out" / "annotations.json").name == "b"


def test_what_cannot_be_used_is_told(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match=r"no format that is known.*labels\.json"):
        load_sets(tmp_path)
    with pytest.raises(DataSetError, match="Expected one of"):
        guess(tmp_path / "none")
    written("coco", tmp_path / "sizes", [*frames()[:1], *frames(34)[1:2]])
    with pytest.raises(DemoError, match="differ in size: 1 of 33 x 21, 1 of 34 x 21"):
        load_sets(tmp_path / "sizes")
    written("coco", tmp_path / "bare", [Item("a", f"{n}", 9, 9, picture=picture(9, 9)) for n in range(2)])
    with pytest.raises(DemoError, match="Nothing is labelled"):
        load_sets(tmp_path / "bare")
    written("cvat", tmp_path / "cvat", frames())
    with pytest.raises(DemoError, match="is not there"):
        load_sets(tmp_path / "cvat")
    written("coco", tmp_path / "few", frames()[:1])
    with pytest.raises(DemoError, match="no group of 2 frames"):
        load_sets(tmp_path / "few")
