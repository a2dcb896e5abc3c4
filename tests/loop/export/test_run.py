"""A project's labels and predictions as data sets: who drew what is told, and nothing is lost or doubled."""

import json
from pathlib import Path
from typing import Any

import pytest
import supervision

from backend.datasets import read
from backend.errors import DataSetError, MediaError, RegistryError
from backend.instances import ACCEPTED, DRAWN, MENDED, PREDICTED
from backend.loop.export import reading
from backend.loop.export.run import export, frame_names
from backend.loop.export.wanted import ExportRequest
from model_registry import LedgerEntry, TaskRecord
from tests.loop.conftest import quick  # noqa: F401
from tests.loop.house import House, box_of, picture, square_of


def exported(house: House, out: Path, format: str = "coco", **wanted: Any) -> tuple[int, list[str]]:
    """(frames kept from before, remarks)"""
    remarks = list[str]()
    steps = list(export(house.services, ExportRequest(1, format, **wanted), out, remarks.append).steps)
    return sum(step.kept for step in steps), remarks


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    house.add_project()
    return house


def predict(house: House, task: int, score: float, result: list[dict[str, Any]] | None = None) -> LedgerEntry:
    """As if the group's micro-model had said it."""
    said = [{**item, "score": 0.75} for item in (box_of(task) if result is None else result)]
    entry = LedgerEntry(task, 1, None, said, score, {}, "micro-models", house.clock())
    house.registry.ledger.record(1, [entry])
    return entry


def test_people_drew_accepted_and_mended_and_micro_models_predict(house: House, tmp_path: Path) -> None:
    for task in range(1, 6):
        house.add_task(task)
    house.label(1)
    for task in (2, 3, 4):
        predict(house, task, 0.9)
    house.label(2, parent_prediction=1)
    moved = box_of(3)
    moved[0]["value"]["x"] += 5
    house.label(3, moved, parent_prediction=1)
    assert exported(house, tmp_path / "out", predictions="all") == (0, [])
    found = list(read("coco", tmp_path / "out"))
    assert [one.about["task"] for one in found] == [1, 2, 3, 4]
    assert [one.objects.origin.tolist() for one in found] == [[DRAWN], [ACCEPTED], [MENDED], [PREDICTED]]
    assert [one.objects.score.tolist() for one in found] == [[1.0], [1.0], [1.0], [0.75]]
    assert found[0].objects.xyxy[0].tolist() == pytest.approx(square_of(1), abs=1e-3)
    assert found[0].path.endswith(".png")
    assert (tmp_path / "out" / "images" / found[0].path).read_bytes() == picture(1)


def test_only_confident_predictions_and_none_without_being_asked(house: House, tmp_path: Path) -> None:
    for task in range(1, 4):
        house.add_task(task)
        predict(house, task, task / 4)
    for n, (wanted, tasks) in enumerate(
        (
            ({}, []),
            ({"predictions": "all"}, [1, 2, 3]),
            ({"predictions": "confident"}, [2, 3]),
            ({"predictions": "confident", "min_score": 0.7}, [3]),
        )
    ):
        exported(house, tmp_path / str(n), **wanted)
        assert [one.about["task"] for one in read("coco", tmp_path / str(n))] == tasks


def test_an_empty_frame_is_one_and_a_skipped_one_is_none(house: House, tmp_path: Path) -> None:
    for task in (1, 2):
        house.add_task(task)
    house.label(1, [])
    house.label(2, [], was_cancelled=True)
    exported(house, tmp_path / "out")
    [item] = read("coco", tmp_path / "out")
    assert len(item.objects) == 0


def test_the_same_again_writes_what_is_new_and_takes_away_what_is_gone(house: House, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for task in (1, 2, 3):
        house.add_task(task)
    house.label(1)
    house.label(2)
    exported(house, out, "yolo")
    assert exported(house, out, "yolo") == (2, [])
    house.label(2, [], "ANNOTATION_UPDATED")
    house.label(3)
    gone = house.studio.rows[1]["annotations"][0]["id"]
    house.send("ANNOTATIONS_DELETED", annotations=[{"id": gone}])
    assert exported(house, out, "yolo") == (0, [])
    assert {one.name: len(one.objects) for one in read("yolo", out)} == {"clip__2": 0, "clip__3": 1}
    assert sorted(p.stem for p in (out / "train" / "labels").iterdir()) == ["clip__2", "clip__3"]
    assert len((out / "items.jsonl").read_text().splitlines()) == 3


def test_what_was_cut_off_goes_on(house: House, tmp_path: Path) -> None:
    for task in range(1, 6):
        house.add_task(task)
        house.label(task)
    steps = export(house.services, ExportRequest(1, "coco"), tmp_path / "out", print).steps
    for _ in range(3):
        next(steps)
    steps.close()  # type: ignore[attr-defined]
    journal = tmp_path / "out" / "items.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])  # killed in the middle of a line
    assert exported(house, tmp_path / "out") == (2, [])
    assert len(list(read("coco", tmp_path / "out"))) == 5


def test_a_broken_picture_costs_itself_alone(house: House, tmp_path: Path) -> None:
    house.add_task(1, image=b"no picture")
    house.add_task(2)
    house.label(1)
    house.label(2)
    _, [remark] = exported(house, tmp_path / "out")
    assert remark.startswith("task 1: 1.png cannot be read")
    assert [one.about["task"] for one in read("coco", tmp_path / "out")] == [2]


def test_a_picture_that_is_turned_lies_upright_in_the_data_set(house: House, tmp_path: Path) -> None:
    import io

    from PIL import Image

    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (48, 64), "red").save(file, "JPEG", exif=exif)
    house.add_task(1, image=file.getvalue())
    house.label(1)
    exported(house, tmp_path / "out")
    [item] = read("coco", tmp_path / "out")
    with Image.open(tmp_path / "out" / "images" / item.path) as picture_:
        assert picture_.size == (item.width, item.height) == (64, 48)
        assert picture_.getexif().get(0x0112, 1) == 1


def test_groups_are_held_out_whole(house: House, tmp_path: Path) -> None:
    for task in range(1, 9):
        house.add_task(task, video=f"clip {task % 4}")
        house.label(task)
    exported(house, tmp_path / "out", "yolo", val=0.25)
    found = list(read("yolo", tmp_path / "out"))
    assert len(found) == 8
    split_of = {(one.name.partition("__")[0], one.split) for one in found}
    assert len(split_of) == 4
    assert {split for _, split in split_of} == {"train", "val"}


def test_supervision_reads_what_a_real_loop_predicted(tmp_path: Path, quick: None) -> None:  # noqa: F811
    house = House(tmp_path)
    house.add_project()
    for task in range(1, 5):
        house.add_task(task)
        house.add_task(task + 10, video="other/clip")
    for task in (1, 2, 11, 12):
        house.label(task)
    house.work()
    exported(house, tmp_path / "coco", predictions="all")
    coco = supervision.DetectionDataset.from_coco(
        str(tmp_path / "coco" / "images"), str(tmp_path / "coco" / "annotations.json")
    )
    assert coco.classes == ["square", "disc"]
    assert len(coco) == 8
    versions = {
        row.get("version") for row in json.loads((tmp_path / "coco" / "annotations.json").read_text())["annotations"]
    }
    assert versions == {None, "label v1"}
    exported(house, tmp_path / "yolo", "yolo", predictions="all")
    yolo = supervision.DetectionDataset.from_yolo(
        *(str(tmp_path / "yolo" / "train" / name) for name in ("images", "labels")),
        str(tmp_path / "yolo" / "data.yaml"),
    )
    assert len(yolo) == 8
    assert sum(len(boxes) for _, _, boxes in yolo) == sum(len(boxes) for _, _, boxes in coco)


def test_what_cannot_be_is_told_before_anything_is_written(house: House, tmp_path: Path) -> None:
    house.add_task(1)
    for wanted, why in (
        (ExportRequest(2, "coco"), "not connected"),
        (ExportRequest(1, "coco", "other"), r"no group 'other'. Expected one of: 'clip'"),
        (ExportRequest(1, "cocoa"), "no format 'cocoa'"),
        (ExportRequest(1, "coco", min_score=0.5), "--predictions confident"),
        (ExportRequest(1, "coco", val=1.0), "Expected a number from 0"),
    ):
        with pytest.raises((RegistryError, DataSetError), match=why):
            export(house.services, wanted, tmp_path / "out", print)
    assert not (tmp_path / "out").exists()


def test_another_folder_is_left_alone(house: House, tmp_path: Path) -> None:
    house.add_task(1)
    house.label(1)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("")
    with pytest.raises(DataSetError, match="holds no data set of ours"):
        exported(house, tmp_path / "mine")
    exported(house, tmp_path / "out")
    with pytest.raises(DataSetError, match=r"format coco.*Expected format yolo"):
        exported(house, tmp_path / "out", "yolo")


def test_a_picture_that_goes_away_meanwhile_costs_itself_alone(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.datasets.pictures import FilePicture

    house.add_task(1)
    house.label(1)

    def gone(self: FilePicture, path: Path) -> None:
        raise MediaError("it is gone")

    monkeypatch.setattr(FilePicture, "write", gone)
    _, remarks = exported(house, tmp_path / "out")
    assert remarks == ["clip, 1: it is gone"]


def test_label_studios_json_has_annotations_and_predictions(house: House, tmp_path: Path) -> None:
    for task in (1, 2, 3):
        house.add_task(task)
    predict(house, 1, 0.9)
    predict(house, 2, 0.8)
    house.label(1, parent_prediction=1)
    exported(house, tmp_path / "out", "label-studio", predictions="all")
    first, second = json.loads((tmp_path / "out" / "tasks.json").read_text())
    assert [first["id"], second["id"]] == [1, 2]
    assert first["annotations"][0]["result"] == box_of(1)
    assert first["predictions"][0]["score"] == 0.9
    assert first["meta"]["micro_models"] == {"group": "clip", "regions": {"r1": {"origin": ACCEPTED}}}
    assert (second["annotations"], second["predictions"][0]["result"][0]["id"]) == ([], "r2")
    exported(house, tmp_path / "out", "label-studio")
    assert [task["id"] for task in json.loads((tmp_path / "out" / "tasks.json").read_text())] == [1]


def test_label_studios_json_has_what_each_person_drew(house: House, tmp_path: Path) -> None:
    house.add_task(1)
    house.label(1, completed_by=1)
    house.label(1, box_of(1, "disc", "second"), completed_by=2)
    exported(house, tmp_path / "out", "label-studio")
    [task] = json.loads((tmp_path / "out" / "tasks.json").read_text())
    assert [one["result"][0]["id"] for one in task["annotations"]] == ["second", "r1"]
    assert list(task["meta"]["micro_models"]["regions"]) == ["second"]


def test_a_frame_in_which_nothing_drawn_can_be_used_is_left_out(house: House, tmp_path: Path) -> None:
    house.add_task(1)
    house.label(1, [])
    house.add_task(2)
    house.label(2, box_of(2, "unicorn"))
    _, remarks = exported(house, tmp_path / "out", "coco")
    data = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert [image["file_name"] for image in data["images"]] == ["clip__1.png"]
    assert ["task 2" in remark and "unicorn" in remark for remark in remarks] == [True]


CHAIN = (
    '<View><Image name="image" value="$image"/>'
    '<RectangleLabels name="box" toName="image"><Label value="fly"/></RectangleLabels>'
    '<KeyPointLabels name="point" toName="image"><Label value="head"/><Label value="wing"/></KeyPointLabels>'
    '<Choices name="place" toName="image"><Choice value="inside"/><Choice value="outside"/></Choices></View>'
)


def test_points_stand_with_their_box_and_classes_with_the_frame(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.add_project(config=CHAIN)
    house.add_task(1)
    size = {"original_width": 64, "original_height": 48, "to_name": "image"}
    head = {"x": 25, "y": 50, "width": 1, "keypointlabels": ["head"]}
    result = [
        {**size, "id": "b", "from_name": "box", "type": "rectanglelabels",
         "value": {"x": 12.5, "y": 25, "width": 50, "height": 50, "rotation": 0, "rectanglelabels": ["fly"]}},
        {**size, "id": "p", "parentID": "b", "from_name": "point", "type": "keypointlabels", "value": head},
        {**size, "id": "mood", "from_name": "mood", "type": "textarea", "value": {"text": ["x"]}},
        {**size, "id": "b", "from_name": "mood", "type": "textarea", "value": {"text": ["glad"]}},
        {"id": "c", "from_name": "place", "to_name": "image", "type": "choices", "value": {"choices": ["inside"]}},
    ]  # fmt: skip
    house.label(1, result)
    exported(house, tmp_path / "coco")
    [item] = read("coco", tmp_path / "coco")
    assert item.objects.label.tolist() == ["fly"]
    assert item.objects.keypoint_names == ("head", "wing")
    assert item.objects.keypoints[0][0].tolist() == [16, 24]
    assert item.objects.visibility.tolist() == [[2, 0]]
    assert item.objects.attributes == ({"mood": "glad"},)
    assert item.classes.label.tolist() == ["inside"]
    exported(house, tmp_path / "folders", "yolo-classify")
    assert [one.path for one in read("yolo-classify", tmp_path / "folders")] == ["train/inside/clip__1.png"]
    exported(house, tmp_path / "pose", "yolo-pose")
    [pose] = read("yolo-pose", tmp_path / "pose")
    assert pose.objects.keypoints[0][0].tolist() == pytest.approx([16, 24], abs=1e-3)


def test_files_of_one_name_in_one_group_are_told_apart(house: House, tmp_path: Path) -> None:
    (house.media / "a").mkdir()
    for task in (1, 2):
        house.add_task(task)
        house.label(task)
    (house.media / "a" / "1.png").write_bytes(picture(2))
    house.send("TASKS_CREATED", tasks=[{"id": 2, "data": {"image": "/data/local-files/?d=a/1.png", "video": "clip"}}])
    exported(house, tmp_path / "out")
    assert [one.name for one in read("coco", tmp_path / "out")] == ["1-1", "1-2"]


@pytest.mark.parametrize("format", ["mot", "cvat"])
def test_an_object_is_followed_through_frames_that_are_tasks_of_their_own(
    house: House, tmp_path: Path, format: str
) -> None:
    for task in range(1, 8):
        house.add_task(task)
        predict(house, task, 0.9)
        house.add_task(task + 20, video="other")
    for task in (2, 5, 21):
        house.label(task)
    exported(house, tmp_path / "out", format, predictions="all")
    found = [(one.group, one.number, one.objects.track.tolist()) for one in read(format, tmp_path / "out")]
    assert found == [*(("clip", n, [1]) for n in range(7)), ("other", 0, [1])]


def test_each_frame_has_a_name_of_its_own_whatever_files_are_called() -> None:
    files = {1: "a.png", 2: "a.jpg", 3: "a-2.png", 4: "A-2-2.png", 5: "b.png", 6: None}
    tasks = [TaskRecord(id_, 1, "clip", {"image": file and f"/data/{file}"}) for id_, file in files.items()]
    names = frame_names(tasks, "image")
    assert len({name.casefold() for name in names.values()}) == len(files)
    assert (names[5], names[6]) == ("b", "task 6")


def test_masks_that_do_not_fit_into_memory_cost_their_frame_and_are_told(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    masks = (
        '<View><Image name="image" value="$image"/><PolygonLabels name="label" toName="image">'
        '<Label value="square"/></PolygonLabels></View>'
    )
    house.add_project(config=masks)
    for task in (1, 2):
        house.add_task(task)
        value = {"points": [[10, 10], [40, 10], [40, 40]], "polygonlabels": ["square"]}
        item = {"from_name": "label", "to_name": "image", "type": "polygonlabels", "value": value}
        house.label(task, [{**item, "id": f"r{n}"} for n in range(1 if task == 1 else 50)])
    monkeypatch.setattr(reading, "free_bytes", lambda: 40 * 64 * 48)
    _, remarks = exported(house, tmp_path / "out")
    assert [one.about["task"] for one in read("coco", tmp_path / "out")] == [1]
    [remark] = remarks
    assert remark.startswith("task 2: its 50 masks of 64 x 48 pixels take 0 MB, and 0 MB of memory are free.")
