"""COCO: read back by supervision, by pycocotools, and by ourselves."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import supervision
from hypothesis import given, settings
from pycocotools import mask as packed
from pycocotools.coco import COCO

from backend.datasets import Item, read
from backend.datasets.coco import polygons
from backend.datasets.mask_codes import from_coco
from backend.errors import DataSetError
from backend.instances import PREDICTED, Instances
from tests.datasets.made import LABELS, items, picture, written


@settings(max_examples=20, deadline=None)
@given(items())
def test_what_is_written_is_read_again(frames: list[Item]) -> None:
    with TemporaryDirectory() as folder:
        written("coco", Path(folder) / "out", frames)
        found = list(read("coco", Path(folder) / "out"))
    assert [one.key for one in found] == [one.key for one in frames]
    for before, after in zip(frames, found, strict=True):
        assert (after.width, after.height, after.number) == (before.width, before.height, before.number)
        assert after.about == before.about
        assert after.classes == before.classes
        # A mask without a pixel is none.
        assert len(after.objects) == len(before.objects)
        bare = all(not mask.any() for mask in before.objects.mask)
        assert after.objects == (without_masks(before.objects) if bare else before.objects)


def without_masks(objects: Instances) -> Instances:
    columns = {name: getattr(objects, name) for name in Instances.__dataclass_fields__ if name != "mask"}
    return Instances(**columns)


def scene() -> list[Item]:
    """Two groups with a frame of the same name, an empty frame, a mask with a hole and of two parts."""
    mask = np.zeros((31, 45), np.bool_)
    mask[3:20, 5:25] = True
    mask[8:12, 10:16] = False
    mask[25:30, 30:44] = True
    boxes = [(5.0, 3.0, 44.0, 30.0), (1.5, 2.25, 20.75, 11.5)]
    objects = Instances(
        boxes, ["Ölkännchen 🛢", "square"], [0.5, 1.0], np.array([mask, np.zeros_like(mask)]),
        [[(6, 7), (np.nan, np.nan), (8, 9)]] * 2, keypoint_names=("nose", "尾", "left, ear"),
        origin=[PREDICTED, "drawn"], version=["label v4", ""], track=[7, -1],
    )  # fmt: skip
    return [
        Item("Szene/1", "0001", 45, 31, objects, picture=picture(45, 31)),
        Item("Szene/1", "0002", 45, 31, number=1, picture=picture(45, 31, 1)),
        Item("Szene 2", "0001", 45, 31, objects, picture=picture(45, 31, 2)),
    ]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools with numpy 2
@pytest.mark.parametrize("name", ["coco", "coco-polygons"])
def test_pycocotools_reads_boxes_masks_and_points(tmp_path: Path, name: str) -> None:
    written(name, tmp_path / "out", scene())
    coco = COCO(str(tmp_path / "out" / "annotations.json"))
    assert len(coco.getImgIds()) == 3
    assert [coco.cats[n]["name"] for n in sorted(coco.cats)] == list(LABELS)
    first, second = coco.loadAnns(coco.getAnnIds(imgIds=[1]))
    assert second["bbox"] == [1.5, 2.25, 19.25, 9.25]
    assert first["keypoints"] == [6, 7, 2, 0, 0, 0, 8, 9, 2]
    truth, mask = scene()[0].objects.mask[0], coco.annToMask(first).astype(bool)
    assert mask.shape == truth.shape
    assert (mask & truth).sum() / (mask | truth).sum() >= (1 if name == "coco" else 0.97)
    assert (first["origin"], first["version"], first["score"], first["track_id"]) == (PREDICTED, "label v4", 0.5, 7)
    assert "track_id" not in second


def test_supervision_reads_boxes_and_masks(tmp_path: Path) -> None:
    written("coco", tmp_path / "out", scene(), {"Szene/1": "train", "Szene 2": "val"})
    for split, count in (("train", 2), ("val", 1)):
        found = supervision.DetectionDataset.from_coco(
            str(tmp_path / "out" / "images"), str(tmp_path / "out" / f"{split}.json"), force_masks=True
        )
        assert found.classes == list(LABELS)
        assert len(found) == count
    [(path, image, boxes)] = list(found)
    assert Path(path).is_file()
    assert image.shape == (31, 45, 3)
    assert np.allclose(boxes.xyxy, scene()[0].objects.xyxy)
    assert np.array_equal(boxes.mask[0], scene()[0].objects.mask[0])


def test_groups_with_equal_names_of_frames_have_files_of_their_own(tmp_path: Path) -> None:
    written("coco", tmp_path / "out", scene())
    names = [row["file_name"] for row in json.loads((tmp_path / "out" / "annotations.json").read_text())["images"]]
    assert len(set(names)) == 3
    assert all((tmp_path / "out" / "images" / name).is_file() for name in names)


def test_an_empty_data_set_is_a_whole_file(tmp_path: Path) -> None:
    written("coco", tmp_path / "out", [])
    assert COCO(str(tmp_path / "out" / "annotations.json")).getImgIds() == []
    assert list(read("coco", tmp_path / "out")) == []


@settings(max_examples=20, deadline=None)
@given(items(points=False))
def test_polygons_are_the_masks(frames: list[Item]) -> None:
    for one in frames:
        for mask in one.objects.mask:
            if mask.any():
                again = from_coco(polygons(mask), *mask.shape)
                # Contours cut corners that point inwards: that is less than a pixel there.
                assert (again != mask).sum() <= 0.25 * mask.sum() + 2


def test_what_is_no_coco_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[1]")
    with pytest.raises(DataSetError, match=r"Expected COCO's images"):
        list(read("coco", tmp_path / "a.json"))
    with pytest.raises(DataSetError, match="is not there"):
        list(read("coco", tmp_path / "b.json"))


@settings(max_examples=20, deadline=None)
@given(items(points=False))
def test_masks_packed_into_text_are_read(frames: list[Item]) -> None:
    for one in frames:
        for truth in one.objects.mask:
            counts = packed.encode(np.asfortranarray(truth.astype(np.uint8)))["counts"].decode()
            assert np.array_equal(from_coco({"size": list(truth.shape), "counts": counts}, *truth.shape), truth)
