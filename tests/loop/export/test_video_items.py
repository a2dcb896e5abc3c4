"""Whole videos: their tracks frame by frame."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from backend.datasets import Item, read
from backend.instances import ACCEPTED, DRAWN, PREDICTED
from backend.loop.export.run import export
from backend.loop.export.wanted import ExportRequest
from model_registry import LedgerEntry
from tests.loop.house import House
from tests.loop.test_video import FRAMES, HEIGHT, TIMELINE, WIDTH, add_video, at, config, drawn, picture, true_box


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    house.add_project(config=config())
    add_video(house, 1)
    return house


def exported(house: House, out: Path, format: str = "coco", **wanted: Any) -> list[Item]:
    list(export(house.services, ExportRequest(1, format, **wanted), out, pytest.fail).steps)
    return list(read(format, out))


def predict(house: House, result: list[dict[str, Any]]) -> None:
    entry = LedgerEntry(1, 1, None, [{**item, "score": 0.5} for item in result], 0.9, {}, "micro-models", house.clock())
    house.registry.ledger.record(1, [entry])


def test_of_a_labelled_video_those_frames_that_somebody_drew(house: House, tmp_path: Path) -> None:
    house.label(1, drawn(at(8), at(20), at(32, enabled=False)))
    found = exported(house, tmp_path / "out")
    assert [one.number for one in found] == [7, 19, 31]
    for one in found:
        assert one.objects.xyxy[0] == pytest.approx(true_box(one.number + 1), abs=0.01)
        assert one.objects.origin.tolist() == [DRAWN]
        assert one.objects.track.tolist() == [1]
        assert one.about["rate"] == pytest.approx(10)
    image = cv2.imread(str(tmp_path / "out" / "images" / found[1].path))[..., ::-1]
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(image.astype(int) - picture(20)).mean() < 3


def test_with_predictions_every_frame_and_what_was_drawn_stays_so(house: House, tmp_path: Path) -> None:
    house.label(1, drawn(at(8), at(20)))
    house.now += 10  # more than clocks may differ
    predict(house, drawn(*map(at, range(1, FRAMES + 1))))
    found = exported(house, tmp_path / "out", predictions="all")
    assert len(found) == FRAMES
    assert [one.number + 1 for one in found if one.objects.origin[0] == DRAWN] == [8, 20]
    assert {one.objects.origin[0] for one in found} == {DRAWN, PREDICTED}
    assert found[10].objects.xyxy[0] == pytest.approx(true_box(11), abs=0.01)
    assert len(exported(house, tmp_path / "few", predictions="all", every=10)) == 4


def test_a_prediction_that_somebody_went_through_is_known_in_every_frame(house: House, tmp_path: Path) -> None:
    whole = drawn(at(1), at(20), at(30, enabled=False))
    predict(house, whole)
    house.label(1, whole, parent_prediction=1)
    found = exported(house, tmp_path / "out")
    assert len(found) == FRAMES
    assert {str(origin) for one in found for origin in one.objects.origin} == {ACCEPTED}
    assert [len(one.objects) for one in found] == [1] * 30 + [0] * 10
    mot = exported(house, tmp_path / "mot", "mot")
    assert [one.objects.track.tolist() for one in mot] == [[1]] * 30 + [[]] * 10


def test_ranges_are_classes_of_frames(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.add_project(config=TIMELINE)
    add_video(house, 1)
    value = {"ranges": [{"start": 3, "end": 5}], "timelinelabels": ["on"]}
    house.label(1, [{"id": "t", "from_name": "light", "to_name": "video", "type": "timelinelabels", "value": value}])
    found = exported(house, tmp_path / "out", "folders")
    assert [one.path for one in found] == [f"on/task 1__00000{n}.png" for n in (3, 4, 5)]
