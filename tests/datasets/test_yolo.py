"""YOLO: read back by supervision, by sleap-io, as the format says, and by ourselves."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import supervision
import yaml
from hypothesis import given, settings

from backend.datasets import Item, read
from backend.errors import DataSetError
from backend.instances import Instances
from tests.datasets.made import LABELS, POINTS, items, picture, written
from tests.datasets.test_coco import scene


@settings(max_examples=20, deadline=None)
@given(items(masks=False))
def test_boxes_and_points_are_read_again(frames: list[Item]) -> None:
    for name in ("yolo", "yolo-pose"):
        with TemporaryDirectory() as folder:
            written(name, Path(folder) / "out", frames)
            found = {one.path.rpartition("/")[2]: one for one in read(name, Path(folder) / "out")}
            assert len(found) == len(frames)
            check_format(Path(folder) / "out", len(POINTS) if name == "yolo-pose" else 0)
        for before, after in zip(frames, in_order(found, frames), strict=True):
            assert (after.width, after.height) == (before.width, before.height)
            assert after.objects.label.tolist() == before.objects.label.tolist()
            assert np.allclose(after.objects.xyxy, before.objects.xyxy, atol=1e-3)
            if name == "yolo-pose":
                assert np.array_equal(after.objects.visibility, before.objects.visibility)
                assert after.objects.keypoint_names == POINTS
                assert np.allclose(after.objects.keypoints, before.objects.keypoints, atol=1e-3, equal_nan=True)


def in_order(found: dict[str, Item], frames: list[Item]) -> list[Item]:
    """Read frames as they were given: pictures of random pixels are told by these."""
    left, ordered = list(found.values()), []
    for frame in frames:
        mine = [
            one for one in left
            if (one.width, one.height) == (frame.width, frame.height) and len(one.objects) == len(frame.objects)
            and np.allclose(one.objects.xyxy, frame.objects.xyxy, atol=1e-3)
            and one.objects.label.tolist() == frame.objects.label.tolist()
            and (not one.objects.keypoint_names or (np.array_equal(one.objects.visibility, frame.objects.visibility)
                 and np.allclose(one.objects.keypoints, frame.objects.keypoints, atol=1e-3, equal_nan=True)))
        ]  # fmt: skip
        assert mine, "a frame is not there as it was written"
        ordered.append(mine[0])
        left = [one for one in left if one is not mine[0]]
    return ordered


def check_format(folder: Path, points: int) -> None:
    """What ultralytics demands of a data set: shares in [0, 1], known classes, as many columns as it says."""
    described = yaml.safe_load((folder / "data.yaml").read_text(encoding="utf-8"))
    classes = described["names"]
    assert list(classes) == list(range(len(classes)))
    if points:
        assert described["kpt_shape"] == [points, 3]
    pictures = list((folder / described["train"]).iterdir())
    texts = list((folder / "train" / "labels").iterdir())
    assert sorted(p.stem for p in pictures) == sorted(t.stem for t in texts)
    for text in texts:
        for line in text.read_text().splitlines():
            class_, *shares = map(float, line.split())
            assert class_ in classes
            assert len(shares) == 4 + 3 * points
            visible = shares[6::3]
            assert all(0 <= share <= 1 for share in [*shares[:4], *shares[4::3], *shares[5::3]])
            assert all(v in (0, 1, 2) for v in visible)


@pytest.mark.parametrize("name", ["yolo", "yolo-segment"])
def test_supervision_reads_it(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    written(name, out, scene(), {"Szene/1": "train", "Szene 2": "val"})
    for split, count in (("train", 2), ("val", 1)):
        found = supervision.DetectionDataset.from_yolo(
            str(out / split / "images"), str(out / split / "labels"), str(out / "data.yaml")
        )
        assert found.classes == list(LABELS)
        assert len(found) == count
    [(_, image, boxes)] = list(found)
    assert image.shape == (31, 45, 3)
    truth = scene()[0].objects
    if name == "yolo":
        assert np.allclose(boxes.xyxy, truth.xyxy, atol=1e-2)
    else:
        # One line for each part; supervision fills to the far side of the pixels on the edge.
        assert len(boxes) == 3
        assert [boxes.data["class_name"][i] for i in range(3)] == ["Ölkännchen 🛢"] * 2 + ["square"]


@settings(max_examples=15, deadline=None)
@given(items(points=False))
def test_polygons_are_read_again(frames: list[Item]) -> None:
    with TemporaryDirectory() as folder:
        written("yolo-segment", Path(folder) / "out", frames)
        found = list(read("yolo-segment", Path(folder) / "out"))
    before = sum(int(one.objects.mask.any(0).sum()) for one in frames if one.objects.mask.any())
    masked = [one for one in found if one.objects.mask.size]
    after = sum(int(one.objects.mask.any(0).sum()) for one in masked)
    boxes = sum(len(one.objects) for one in frames if any(not m.any() for m in one.objects.mask))
    assert boxes or abs(after - before) <= 0.25 * before + 2 * len(frames)


def test_sleap_io_reads_points(tmp_path: Path) -> None:
    sleap_io = pytest.importorskip("sleap_io")
    written("yolo-pose", tmp_path / "out", scene()[:2])
    labels = sleap_io.load_ultralytics(str(tmp_path / "out"), split="train")
    [points] = {i.numpy().tobytes() for frame in labels for i in frame.instances}
    found = np.frombuffer(points).reshape(-1, 2)
    assert np.allclose(found, scene()[0].objects.keypoints[0], atol=1e-3, equal_nan=True)


def test_points_are_wanted_for_poses(tmp_path: Path) -> None:
    bare = [Item("a", "1", 9, 9, Instances([(1, 2, 3, 4)], ["square"]), picture=picture(9, 9))]
    with pytest.raises(DataSetError, match="has no keypoints"):
        written("yolo-pose", tmp_path / "out", bare)


def test_a_line_that_is_none_is_named(tmp_path: Path) -> None:
    written("yolo", tmp_path / "out", scene()[:1])
    [text] = (tmp_path / "out" / "train" / "labels").iterdir()
    text.write_text("0 0.5 0.5 0.1 0.1\n7 0.5 0.5 0.1 0.1\n")
    with pytest.raises(DataSetError, match="line 2: '7 "):
        list(read("yolo", tmp_path / "out"))
