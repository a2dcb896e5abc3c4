"""Prompts on one of a task's images, and in one frame of its video."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from backend.hooks import MicroModelBackend
from backend.learning.prompting.pick import overlap
from backend.loop.predict.on_demand import Predictor
from backend.studio import tags
from backend.studio.labeling_config import parse
from backend.studio.prompts import smart_tools
from backend.tracks import Track
from tests.loop.house import House
from tests.loop.test_several_images import picture as page_picture
from tests.loop.test_several_images import region_of
from tests.loop.test_video import SIZE, add_video, at, config, drawn, true_box

NOTHING = {"result": [], "score": 0.0}
PAGES = """<View><Image name="image" valueList="$images"/><RectangleLabels name="label" toName="image" smart="true">
<Label value="square"/></RectangleLabels></View>"""
VIDEO = config().replace('name="box"', 'name="box" smart="true"')


def ask(house: House, task: int, xml: str, *items: dict[str, Any]) -> dict[str, Any]:
    backend = MicroModelBackend(house.services, Predictor(house.services), 1, xml)
    [answer] = backend.predict([{"id": task, "data": house.studio.rows[task]["data"]}], {"result": list(items)})
    assert isinstance(answer, dict)
    return answer


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    house.add_project(config=PAGES)
    for task in (1, 2):
        names = [f"{task}-{place}.png" for place in range(3)]
        for place, name in enumerate(names):
            Image.fromarray(page_picture(task, place)).save(house.media / name)
        fields = {"video": "stack", "images": [f"/data/local-files/?d={name}" for name in names], "frame": task}
        house.studio.rows[task] = {"id": task, "project": 1, "data": fields, "annotations": []}
        house.send("TASKS_CREATED", tasks=[{"id": task, "data": fields}])
    yield house
    house.registry.close()


@pytest.fixture
def video(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    house.add_project(config=VIDEO)
    add_video(house, 1)
    yield house
    house.registry.close()


def edges(item: dict[str, Any]) -> tuple[float, float, float, float]:
    x, y, width, height = (float(item["value"][key]) for key in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_image_that_was_drawn_on_is_looked_at_and_named(pages: House, place: int) -> None:
    prompt = region_of(2, place)
    [item] = ask(pages, 2, PAGES, prompt)["result"]
    assert item["item_index"] == place
    assert item["meta"] == {"text": ["colours and features"]}
    assert overlap(edges(item), edges(prompt)) > 0.6


def test_what_is_drawn_on_other_images_is_no_part_of_the_prompt(pages: House) -> None:
    [item] = ask(pages, 2, PAGES, region_of(2, 0), region_of(2, 2))["result"]
    assert item["item_index"] == 2
    assert overlap(edges(item), edges(region_of(2, 2))) > 0.6


@pytest.mark.parametrize("place", [3, 10**9, -1, "1", 0.5, [1]])
def test_an_image_that_is_not_there_has_no_answer(pages: House, place: object) -> None:
    assert ask(pages, 2, PAGES, region_of(2, 1) | {"item_index": place}) == NOTHING


def test_what_was_drawn_on_the_other_images_of_the_stack_is_looked_up(pages: House) -> None:
    pages.label(1, [region_of(1, place) for place in range(3)])
    [item] = ask(pages, 2, PAGES, region_of(2, 1))["result"]
    assert item["item_index"] == 1
    assert overlap(edges(item), edges(region_of(2, 1))) > 0.6


def test_what_the_group_predicts_for_that_image_is_answered(pages: House, quick: None) -> None:
    pages.label(1, [region_of(1, place) for place in range(3)])
    pages.work()
    [item] = ask(pages, 2, PAGES, region_of(2, 1))["result"]
    assert item["meta"] == {"text": ["the group's micro-model"]}
    assert overlap(edges(item), edges(region_of(2, 1))) > 0.9


def track_of(item: dict[str, Any]) -> Track:
    control = parse(VIDEO).require()[0]
    read = tags.for_video(control).read([item], control, SIZE)
    assert read.problems == ()
    return read.tracks[0]


def rough(frame: int, enabled: bool = True) -> dict[str, Any]:
    """A keyframe drawn too large."""
    row = at(frame, enabled)
    return {**row, "x": row["x"] - 2, "y": row["y"] - 2, "width": row["width"] + 4, "height": row["height"] + 4}


def test_videos_have_smart_tools() -> None:
    assert smart_tools(VIDEO) == ["box"]


@pytest.mark.parametrize("enabled", [True, False])
def test_a_prompt_in_one_frame_of_a_video_is_answered_in_that_frame_alone(video: House, enabled: bool) -> None:
    prompt = drawn(rough(20, enabled))[0]
    [item] = ask(video, 1, VIDEO, prompt)["result"]
    assert (item["from_name"], item["type"], item["value"]["labels"]) == ("box", "videorectangle", ["square"])
    assert item["id"] != prompt["id"]
    [keyframe] = track_of(item).keyframes
    assert (keyframe.frame, keyframe.enabled) == (20, enabled)
    assert overlap(keyframe.box, true_box(20)) > overlap(track_of(prompt).keyframes[0].box, true_box(20)) + 0.03


def test_other_keyframes_of_the_drawn_track_stay(video: House) -> None:
    [item] = ask(video, 1, VIDEO, drawn(at(8), rough(30))[0])["result"]
    first, last = track_of(item).keyframes
    assert first.box == pytest.approx(true_box(8), abs=1e-3)
    assert overlap(last.box, true_box(30)) > 0.69, "what was drawn has 0.66"


def test_the_video_s_own_micro_model_answers(video: House, quick: None) -> None:
    video.label(1, drawn(*map(at, (8, 20, 32))))
    video.work()
    [item] = ask(video, 1, VIDEO, drawn(rough(14), region="r9")[0])["result"]
    assert item["meta"] == {"text": ["the group's micro-model"]}
    assert overlap(track_of(item).keyframes[-1].box, true_box(14)) > 0.9


def test_a_drawn_keyframe_is_carried_to_the_frames_beside_it(video: House) -> None:
    video.label(1, drawn(at(19)))
    [item] = ask(video, 1, VIDEO, drawn(rough(20), region="r9")[0])["result"]
    assert item["meta"]["text"][0] in ("the nearest labelled frame", "colours and features")
    assert overlap(track_of(item).keyframes[-1].box, true_box(20)) > 0.69


@pytest.mark.parametrize(
    "sequence",
    [[], None, "x", [rough(41)], [rough(0)], [{"frame": 3}], [{**rough(3), "x": 200}], [{**rough(3), "width": 0}]],
)
def test_what_is_not_in_the_video_has_no_answer(video: House, sequence: object) -> None:
    [item] = drawn()
    assert ask(video, 1, VIDEO, {**item, "value": {**item["value"], "sequence": sequence}}) == NOTHING


def test_a_video_that_cannot_be_had_has_no_answer(video: House) -> None:
    prompt = drawn(rough(20))[0]
    (video.media / "1.mp4").write_bytes(b"no video")
    assert ask(video, 1, VIDEO, prompt) == NOTHING
    video.studio.rows[1]["data"] = {"video": ["a", "b"]}
    assert ask(video, 1, VIDEO, prompt) == NOTHING
