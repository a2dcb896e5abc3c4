"""MOT challenge and CVAT for video: read back by motmetrics, as XML, and by ourselves."""

from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

import motmetrics
import numpy as np
import pytest
from hypothesis import given, settings

from backend.datasets import Item, read
from backend.errors import DataSetError
from backend.instances import NO_TRACK, PREDICTED, Instances
from tests.datasets.made import items, picture, written
from tests.datasets.test_coco import scene


def followed() -> list[Item]:
    """A clip of four frames: one object through three of them with a gap, and one that is not followed."""
    found = []
    for number in range(4):
        rows = [(3.0 + number, 4.0, 13.0 + number, 9.5)] if number != 1 else []
        tracks = [5] * len(rows)
        if number == 3:
            rows, tracks = [*rows, (1.0, 1.0, 4.0, 4.0)], [*tracks, NO_TRACK]
        objects = Instances(
            rows, ["square"] * len(rows), [0.5] * len(rows), track=tracks, origin=[PREDICTED] * len(rows),
            version=["label v1"] * len(rows),
        )  # fmt: skip
        found.append(
            Item("Szene/1", f"{number}", 31, 17, objects, number=number, picture=picture(31, 17), about={"rate": 12.5})
        )
    return found


@pytest.mark.filterwarnings("ignore:Operation with tuple is deprecated")  # motmetrics with pandas 3
def test_motmetrics_reads_tracks(tmp_path: Path) -> None:
    written("mot", tmp_path / "out", followed())
    [info] = tmp_path.rglob("seqinfo.ini")
    assert "frameRate=12.5" in info.read_text()
    assert "seqLength=4" in info.read_text()
    found = motmetrics.io.loadtxt(str(info.parent / "gt" / "gt.txt"), fmt="mot15-2D")
    assert [tuple(key) for key in found.index] == [(1, 5), (3, 5), (4, 5)]
    # motmetrics counts pixels from 0 again.
    assert found.iloc[0][["X", "Y", "Width", "Height"]].tolist() == [3, 4, 10, 5.5]
    assert len(motmetrics.io.loadtxt(str(info.parent / "det" / "det.txt"), fmt="mot15-2D")) == 1
    assert sorted(p.name for p in (info.parent / "img1").iterdir()) == [f"{n:06d}.png" for n in (1, 2, 3, 4)]


@settings(max_examples=15, deadline=None)
@given(items(masks=False, points=False))
def test_mot_is_read_again(frames: list[Item]) -> None:
    with TemporaryDirectory() as folder:
        written("mot", Path(folder) / "out", frames)
        found = list(read("mot", Path(folder) / "out"))
    assert len(found) == len(frames)
    boxes = sorted((o.label[0], o.track[0], *o.xyxy[0].tolist()) for one in frames for o in one.objects)
    again = sorted((o.label[0], o.track[0], *o.xyxy[0].tolist()) for one in found for o in one.objects)
    assert again == boxes


def test_cvat_ends_a_track_where_it_is_not_seen(tmp_path: Path) -> None:
    written("cvat", tmp_path / "out", followed())
    [file] = (tmp_path / "out").glob("*.xml")
    root = ElementTree.parse(file).getroot()
    assert root.findtext("meta/task/size") == "4"
    assert root.findtext("meta/task/original_size/width") == "31"
    one, other = root.findall("track")
    assert [(b.get("frame"), b.get("outside")) for b in one] == [("0", "0"), ("1", "1"), ("2", "0"), ("3", "0")]
    assert one.get("source") == "auto"
    assert {a.get("name"): a.text for a in one[0]} == {"origin": "predicted", "version": "label v1", "score": "0.5"}
    assert [(b.get("frame"), b.get("outside")) for b in other] == [("3", "0")]


@settings(max_examples=20, deadline=None)
@given(items())
def test_cvat_is_read_again(frames: list[Item]) -> None:
    with TemporaryDirectory() as folder:
        written("cvat", Path(folder) / "out", frames)
        found = {(one.group, one.number): one for one in read("cvat", Path(folder) / "out")}
    assert len(found) == len(frames)
    for before in frames:
        after = found[before.group, before.number]
        if not clear(before.objects):
            continue  # two objects of a track in one frame cannot be told apart
        assert sorted(after.objects.label.tolist()) == sorted(before.objects.label.tolist())
        for row, label in enumerate(before.objects.label):
            same = [o for o in after.objects if o.label[0] == label and o.track[0] == before.objects.track[row]]
            names = list(before.objects.keypoint_names)
            points = before.objects.keypoints[row]
            assert any(matches(o, before.objects, row, names, points) for o in same)


def clear(objects: Instances) -> bool:
    tracks = [t for t in objects.track.tolist() if t != NO_TRACK]
    return len(set(tracks)) == len(tracks)


def matches(one: Instances, objects: Instances, row: int, names: list[str], points: np.ndarray) -> bool:
    placed = [at for at, name in enumerate(names) if np.isfinite(points[at]).all()]
    there = dict(zip(one.keypoint_names, one.keypoints[0], strict=True))
    same_points = all(name in there and np.allclose(there[name], points[names.index(name)], atol=0.01)
                      for name in (names[at] for at in placed))  # fmt: skip
    same_box = np.allclose(one.xyxy[0], objects.xyxy[row], atol=0.01) or objects.mask[row].any()
    return bool(same_points and same_box and one.origin[0] == objects.origin[row])


def test_an_object_of_two_parts_is_one_again(tmp_path: Path) -> None:
    written("cvat", tmp_path / "out", scene())
    for item in read("cvat", tmp_path / "out"):
        if item.number == 0:
            truth = scene()[0].objects
            assert len(item.objects) == 2
            assert item.objects.track.tolist() == [7, NO_TRACK]
            overlap = (item.objects.mask[0] & truth.mask[0]).sum() / (item.objects.mask[0] | truth.mask[0]).sum()
            assert overlap > 0.97


@pytest.mark.parametrize("text", ["<annotations>", "<annotations/>", ""])
def test_what_is_no_cvat_is_refused_in_words(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(DataSetError, match="Expected CVAT"):
        list(read("cvat", tmp_path / "a.xml"))
