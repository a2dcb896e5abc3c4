"""What the server publishes and answers is, to the last digit, what it was before it asked its micro-models as one composition.

`answers.json` was written by `10ae2d3`, the last release with a way of its own in publishing and another one in `/predict`; but
for what `/predict` answers where masks are made from boxes: it gave the masks of whole frames, or none, and now those that are
published. The micro-models are made up, so the answers are the same on every machine:
`python -m tests.loop.predict.test_stored_answers` writes them anew.
"""

import io
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.learning import methods
from backend.learning.network import features
from backend.learning.prompting import fallback_chain
from backend.loop.predict.on_demand import Predictor
from backend.objects.frames import input_frame
from backend.objects.zoo import open_zoo
from backend.studio import labeling_config
from backend.studio.events import TaskData
from backend.studio.tags import for_control
from backend.types import Frame, Instance, Prompt
from tests.loop.house import House, box_of, glance, picture, square_of
from tests.loop.predict.made_up import MadeUp, made_up, mask_of
from tests.studio.clips import write_video

FILE = Path(__file__).with_name("answers.json")
TASKS, LABELLED, ASKED = 8, (1, 4, 7), (1, 2, 3)
IMAGE = '<Image name="image" value="$image"/>'
BOXES = (
    '<RectangleLabels name="label" toName="image" model_score_threshold="0.45"><Label value="square"/><Label value="disc"/>'
    "</RectangleLabels>"
)
POINTS = '<KeyPointLabels name="points" toName="image"><Label value="nose"/><Label value="tail"/></KeyPointLabels>'
BRUSH = '<BrushLabels name="brush" toName="image"><Label value="square"/><Label value="rest"/></BrushLabels>'
SIDE = '<Choices name="side" toName="image" perRegion="true" {}><Choice value="west"/><Choice value="east"/></Choices>'
SCENE = '<Choices name="scene" toName="image"><Choice value="day"/><Choice value="night"/></Choices>'
AT_NIGHT = '<View visibleWhen="choice-selected" whenTagName="scene" whenChoiceValue="night">{}</View>'
MASKS = '<BitmaskLabels name="mask" toName="image" model_masks_from="label"><Label value="square"/></BitmaskLabels>'
OF_DISCS = SIDE.format('visibleWhen="region-selected" whenTagName="label" whenLabelValue="disc"')
WEST_ONLY = (
    '<Choices name="mood" toName="image" perRegion="true" visibleWhen="choice-selected" whenTagName="side" '
    'whenChoiceValue="west"><Choice value="calm"/><Choice value="wild"/></Choices>'
)
STACK, PAIR = '<Image name="image" valueList="$images"/>', '<Image name="right" value="$right"/>'
RIGHT = '<RectangleLabels name="other" toName="right"><Label value="square"/></RectangleLabels>'
FILM = (
    '<Labels name="label" toName="film"><Label value="square"/><Label value="disc"/></Labels><Video name="film" '
    'value="$film" framerate="10"/><VideoRectangle name="box" toName="film"/>'
    '<Choices name="side" toName="film" perRegion="true"><Choice value="west"/><Choice value="east"/></Choices>'
)
CONFIGS = {
    "boxes": IMAGE + BOXES,
    "boxes, their points and classes": IMAGE + SIDE.format("") + POINTS + BOXES,
    "classes of some boxes": IMAGE + BOXES + BRUSH + OF_DISCS,
    "classes of boxes and masks": IMAGE + BRUSH + BOXES + SIDE.format(""),
    "boxes that some choices hide": IMAGE + SCENE + AT_NIGHT.format(BOXES) + POINTS,
    "classes that some classes hide": IMAGE + BOXES + SIDE.format("") + WEST_ONLY,
    "masks from boxes": IMAGE + BOXES + MASKS,
    "masks from boxes, some drawn": IMAGE + BOXES + MASKS,
    "several images": STACK + BOXES + SIDE.format(""),
    "two images": IMAGE + PAIR + BOXES + RIGHT + SIDE.format(""),
    "points alone": IMAGE + POINTS,
    "whole videos": FILM,
}
"""{case: labeling config without its `View`}"""
ON_ONE_FRAME = [case for case in CONFIGS if not set(case.split()) & {"from", "several", "two", "videos"}]
"""Those that a composition can answer, which is asked about one picture and is not told what people drew."""
KINDS = ("rectanglelabels", "brushlabels", "keypointlabels", "choices")


def stand_in(patch: pytest.MonkeyPatch) -> None:
    """Made-up micro-models for the networks."""
    patch.setattr(methods, "train", made_up)
    patch.setattr(methods, "load", lambda weights, device="auto": MadeUp(weights))
    patch.setattr(methods, "ensemble", lambda weights, previous: weights)
    patch.setattr(features, "vectors", lambda frames, backbone: [glance(frame) for frame in frames])
    patch.setattr(fallback_chain, "answer", masked)


def masked(frame: Frame, prompt: Prompt, wanted: fallback_chain.PromptContext) -> Any:
    assert prompt.box is not None
    found = Instance(wanted.label, prompt.box, 0.6, mask=mask_of(frame, prompt.box))
    return fallback_chain.PromptResult(found, "made up") if frame.image[0, 0, 0] == 40 else None


def fields_of(house: House, case: str, task: int) -> dict[str, Any]:
    """A task's data, with its files in the house."""
    Image.open(house.media / f"{task}.png").rotate(180).save(house.media / f"{task}r.png")
    right = f"/data/local-files/?d={task}r.png"
    if case == "several images":
        return {"images": [f"/data/local-files/?d={task}.png", right]}
    return {"right": right} if case == "two images" else {}


def items_of(task: int, case: str) -> list[dict[str, Any]]:
    """What a person draws in a task: something with each control tag."""
    [box] = box_of(task, "disc" if task == 4 else "square")
    found, common = [box], {key: box[key] for key in ("to_name", "original_width", "original_height", "image_rotation")}
    for name in ("nose", "tail"):
        value = {"x": box["value"]["x"] + 3, "y": box["value"]["y"] + 3, "width": 1, "keypointlabels": [name]}
        found.append({**common, "id": f"p{task}{name}", "from_name": "points", "type": "keypointlabels",
                      "parentID": box["id"], "value": value})  # fmt: skip
    for name, value in (("side", "west"), ("mood", "calm")):
        found.append({**common, "id": box["id"], "from_name": name, "type": "choices", "value": {"choices": [value]}})
    scene = {"id": f"s{task}", "from_name": "scene", "to_name": "image", "type": "choices"}
    found.append({**scene, "value": {"choices": ["night"]}})
    found.append({**box_of(task)[0], "id": f"o{task}", "from_name": "other", "to_name": "right"})
    config = CONFIGS[case]
    for name in ("brush", "mask") if "drawn" in case or "BrushLabels" in config else ():
        x0, y0, x1, y1 = square_of(task)
        mask = np.zeros((48, 64), np.bool_)
        mask[y0:y1, x0:x1] = True
        if control := labeling_config.parse(f"<View>{config}</View>").control(name):
            found += for_control(control).write([Instance("square", (x0, y0, x1, y1), mask=mask)], control, (64, 48))
    return [item for item in found if f'name="{item["from_name"]}"' in config]


def add_films(house: House) -> None:
    for task in (1, 2):
        write_video(house.media / f"{task}.mp4", [np.asarray(Image.open(io.BytesIO(picture(n)))) for n in range(12)])
        fields = {"film": f"/data/local-files/?d={task}.mp4", "scene": "films"}
        house.studio.rows[task] = {"id": task, "project": 1, "data": fields, "annotations": []}
        house.send("TASKS_CREATED", 1, tasks=[{"id": task, "data": fields}])
    x0, y0, x1, y1 = square_of(2)
    place = {"x": x0 / 0.64, "y": y0 / 0.48, "width": (x1 - x0) / 0.64, "height": (y1 - y0) / 0.48, "rotation": 0}
    value = {"framesCount": 12, "duration": 1.2, "labels": ["square"],
             "sequence": [{"frame": 3, "enabled": True, "time": 0.3, **place}]}  # fmt: skip
    track = {"id": "t1", "to_name": "film"}
    drawn = {**track, "from_name": "box", "type": "videorectangle", "value": value}
    house.label(1, [drawn, {**track, "from_name": "side", "type": "choices", "value": {"choices": ["west"]}}])


def answers_of(case: str, folder: Path) -> dict[str, Any]:
    """{`published 3` or `answered 3`: result and score} of a case."""
    house = House(folder)
    house.add_project(config=f"<View>{CONFIGS[case]}</View>")
    if case == "whole videos":
        add_films(house)
    for task in range(1, TASKS + 1) if case != "whole videos" else ():
        (house.media / f"{task}.png").write_bytes(picture(task))
        house.add_task(task, **fields_of(house, case, task))
    for task in LABELLED if case != "whole videos" else ():
        house.label(task, items_of(task, case))
    house.work()
    found = {f"published {task}": one for task, some in sorted(house.shown().items()) for one in some}
    asked = [TaskData(100 + task, row["data"]) for task, row in sorted(house.studio.rows.items()) if task in ASKED]
    answers = Predictor(house.services).predict(1, asked)
    found |= {f"answered {task.id}": one for task, one in zip(asked, answers, strict=True) if one}
    if case in ON_ONE_FRAME:
        check_whole(house, {task.id: one for task, one in zip(asked, answers, strict=True) if one})
    house.registry.close()
    return {name: [plain(one["result"]), one["score"]] for name, one in found.items()}


def check_whole(house: House, answers: Mapping[int, Mapping[str, Any]]) -> None:
    """What is answered is what the group's composition says, read from the registry as by anybody."""
    zoo = open_zoo(house.settings.folder)
    whole = zoo.project(1).group("clip").whole()
    for task, answer in answers.items():
        [said] = whole.answers([input_frame(house.media / f"{task - 100}.png")])
        assert said.score == answer["score"]
        of_type = {kind: [item for item in answer["result"] if item["type"] == kind] for kind in KINDS}
        chosen = [item["value"]["choices"][0] for item in of_type["choices"]]
        labels = [item["value"][kind][0] for kind in ("rectanglelabels", "brushlabels") for item in of_type[kind]]
        scene = [one for one in chosen if one in ("day", "night")]
        attributes = [about[name] for about in said.found.attributes for name in ("side", "mood") if name in about]
        assert sorted(filter(None, said.found.label.tolist())) == sorted(labels + scene)
        assert sorted(attributes) == sorted(one for one in chosen if one not in scene)
        if labels:  # points of hidden boxes go with them
            assert int((said.found.visibility > 0).sum()) == len(of_type["keypointlabels"])
    zoo.close()


def plain(result: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The items with numbers in place of ids, which are drawn by lot."""
    numbers: dict[str, int] = {}
    for item in result:
        numbers.setdefault(item["id"], len(numbers))
    named = ({**item, "id": numbers[item["id"]]} for item in result)
    found = [{**item, "parentID": numbers.get(item["parentID"])} if "parentID" in item else item for item in named]
    return list(json.loads(json.dumps(found)))


@pytest.mark.parametrize("case", CONFIGS)
def test_the_answers_are_those_of_before(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)
    found, stored = answers_of(case, tmp_path), json.loads(FILE.read_text())[case]
    assert found.keys() == stored.keys()
    for name, one in stored.items():
        assert found[name] == one, name


if __name__ == "__main__":
    with pytest.MonkeyPatch.context() as monkeypatch, tempfile.TemporaryDirectory() as folder:
        stand_in(monkeypatch)
        every = {}
        for number, name in enumerate(CONFIGS):
            (Path(folder) / str(number)).mkdir()
            every[name] = answers_of(name, Path(folder) / str(number))
        FILE.write_text(json.dumps(every, separators=(",", ":"), sort_keys=True) + "\n")
