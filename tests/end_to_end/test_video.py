"""Whole videos in a real Label Studio: keyframes in, tracks out, and the editor takes them as they are."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.demo.annotator import Annotator
from backend.demo.data_set import DataSet
from backend.learning.detection.evaluation import evaluate
from backend.studio.client import Studio
from backend.studio.labeling_config import parse
from backend.studio.tags import for_video
from backend.studio.video import write_video
from backend.tracks import Keyframe, Track, VideoSize
from backend.types import Frame, Instance, LabeledFrame, Prediction
from tests.end_to_end.browser import Browser
from tests.end_to_end.clips import moving_square
from tests.end_to_end.conftest import BackendFactory
from tests.end_to_end.work import until

pytestmark = [pytest.mark.slow, pytest.mark.label_studio, pytest.mark.browser]

RATE = 10
LABELLED = (2, 7, 12, 17, 22)
CONFIG = f"""<View><Labels name="label" toName="video"><Label value="square"/></Labels>
  <Video name="video" value="$video" framerate="{RATE}"/>
  <VideoRectangle name="box" toName="video" model_group_by="camera"/>
  <TimelineLabels name="side" toName="video"><Label value="left"/><Label value="right"/></TimelineLabels></View>"""


def truth(data_set: DataSet, position: int) -> Instance:
    """The one box of a frame."""
    [instance] = data_set.frames[position].truth or ()
    return instance


def drawn(data_set: DataSet, size: VideoSize) -> list[dict[str, Any]]:
    """What a person draws: keyframes of one track, and two ranges."""
    track = Track("square", tuple(Keyframe(p + 1, truth(data_set, p).box) for p in LABELLED), region_id="mine")
    box, side = parse(CONFIG).require()
    ranges = [
        Track(label, (Keyframe(start, (0, 0, 1, 1)), Keyframe(end, (0, 0, 1, 1), False)))
        for label, start, end in (("left", 1, 8), ("right", 17, 24))
    ]
    items = [*for_video(box).write([track], box, size), *for_video(side).write(ranges, side, size)]
    return [{key: item[key] for key in item if key != "score"} for item in items]


def quality(tracks: Sequence[Track], data_set: DataSet) -> float:
    """F1 at IoU 0.5 over all frames."""
    blank = np.zeros((1, 1, 3), np.uint8)
    frames = [LabeledFrame(Frame(p, blank, 1, 1), (truth(data_set, p),)) for p in range(len(data_set.frames))]
    shown = []
    for labeled in frames:
        boxes = ((track.label, track.box_at(labeled.frame.task + 1)) for track in tracks)
        shown.append(Prediction(labeled.frame.task, tuple(Instance(name, box) for name, box in boxes if box), 1.0))
    return evaluate(shown, frames).f1 or 0.0


def test_keyframes_become_tracks_that_the_editor_keeps(
    person: Annotator, studio: Studio, backend: BackendFactory, browser: Browser, tmp_path: Path
) -> None:
    data_set = moving_square(tmp_path / "frames")
    size = VideoSize(data_set.width, data_set.height, len(data_set.frames), float(RATE))
    write_video([frame.path for frame in data_set.frames], tmp_path / "square.mp4", RATE)
    project = int(studio.create_project("whole videos", CONFIG)["id"])
    urls = studio.upload(project, [tmp_path / "square.mp4"] * 2)
    labelled, other = studio.create_tasks(project, [{"video": url, "camera": "north"} for url in urls])
    server = backend(MICRO_MODELS_EFFORT="0.3")
    server.connect(project)
    studio.annotate(labelled, drawn(data_set, size))
    until(
        lambda: [(g["state"], g["trained_labels"]) for g in server.status(project)["groups"]] == [("idle", 1)],
        lambda: f"{server.status(project)} {server.child.log_tail()}",
    )
    assert server.status(project)["groups"][0]["group"] == "north"
    shown = person.predictions(project)
    box = parse(CONFIG).require()[0]
    for task in (labelled, other):
        [prediction] = shown[task]
        tracks = for_video(box).read(prediction["result"], box, size).tracks
        assert quality(tracks, data_set) >= 0.8
    [mine] = [t for t in for_video(box).read(shown[labelled][0]["result"], box, size).tracks if t.region_id == "mine"]
    for position in LABELLED:
        assert mine.box_at(position + 1) == pytest.approx(truth(data_set, position).box, abs=0.01)

    browser.goto(f"/projects/{project}/data?task={other}")
    browser.find("video, canvas")
    kinds = browser.until(
        lambda: browser.driver.execute_script("return Htx.annotationStore.selected.regions.map(r => r.type)"),
        "the editor to hold the regions",
    )
    assert {"videorectangleregion", "timelineregion"} == set(kinds)
    browser.screenshot("video-with-prediction")
    browser.click_text("Submit", "button")
    [annotation] = until(lambda: studio.http.json("GET", f"api/tasks/{other}/")["annotations"], "the annotation")
    assert meaning(annotation["result"]) == meaning(shown[other][0]["result"])


def meaning(result: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What an annotation says, without what the editor adds of its own."""
    return {
        item["id"]: (
            item["value"].get("labels") or item["value"].get("timelinelabels"),
            item["value"].get("framesCount"),
            item["value"].get("ranges"),
            [
                {key: pytest.approx(value) if isinstance(value, float) else value for key, value in row.items()}
                for row in item["value"].get("sequence", ())
            ],
        )
        for item in result
    }
