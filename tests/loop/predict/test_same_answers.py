"""What the server publishes and answers is, to the last digit, what the micro-models say that serve: asked directly with the
group's labelled frames, and as one composition of the registry's models."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from backend.cancel import NEVER
from backend.learning import methods
from backend.learning.attributes.recipe import AttributeRecipe
from backend.learning.detection.recipe import DetectionRecipe
from backend.learning.pose.recipe import PoseRecipe
from backend.loop.data.frames import FrameStore
from backend.loop.data.merge import ControlPredictions, merge, shown
from backend.loop.data.training_set import build_training_set
from backend.loop.predict.on_demand import Predictor
from backend.objects.composing import enclosing_boxes
from backend.objects.zoo import open_zoo
from backend.studio.events import TaskData
from backend.studio.tags import for_control
from backend.types import Control, Head, Instance
from tests.loop.house import CONFIG, House, box_of, square_of

pytestmark = pytest.mark.slow

POINTS = '<KeyPointLabels name="points" toName="image"><Label value="nose"/><Label value="tail"/></KeyPointLabels>'
SIDES = (
    '<Choices name="side" toName="image" perRegion="true"><Choice value="west"/><Choice value="east"/></Choices></View>'
)
WITH_ALL = CONFIG.replace("</View>", POINTS + SIDES)
FRAMES, LABELLED = 10, (1, 3, 5, 7, 9)
SIZE = (64, 48)
RECIPES = {
    "label": DetectionRecipe(steps=30, warm_steps=10, batch=2, crop=64, frame_pixels=20_000),
    "points": PoseRecipe(crop=64, coarse_crop=64, steps=80, warm_steps=20),
    "side": AttributeRecipe(side=64),
}


def labelled(task: int) -> list[dict[str, Any]]:
    [box] = box_of(task)
    x0, y0, x1, y1 = square_of(task)
    points = [
        {
            "id": f"p{task}{name}", "from_name": "points", "to_name": "image", "type": "keypointlabels",
            "parentID": box["id"], "value": {"x": x / 0.64, "y": (y0 + y1) / 0.96, "width": 1, "keypointlabels": [name]},
        }
        for name, x in (("nose", x0 + 2), ("tail", x1 - 2))
    ]  # fmt: skip
    side = {
        "id": box["id"],
        "from_name": "side",
        "type": "choices",
        "value": {"choices": ["east" if x0 > 20 else "west"]},
    }
    return [box, *points, side]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A group whose three micro-models were trained for a few steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(methods, "recipe_for", lambda control, *_: RECIPES[control.from_name])
        house = House(tmp_path_factory.mktemp("same"))
        house.add_project(config=WITH_ALL)
        for task in range(1, FRAMES + 1):
            house.add_task(task)
        for task in LABELLED:
            house.label(task, labelled(task))
        house.work()
        yield house
        house.registry.close()


def serving(house: House) -> list[tuple[Control, int, Any]]:
    """(control, version's id, micro-model), each behind what it hangs on, read from the stored artifacts."""
    found = house.registry.versions.serving(1, "clip")
    controls = house.services.config(house.registry.projects.require(1)).controls
    order = sorted(controls, key=lambda control: [Head.DETECTION, Head.POSE, Head.CLASSIFICATION].index(control.head))
    assert [control.from_name for control in order] == ["label", "points", "side"]
    artifacts = [(c, found[c.from_name].id, found[c.from_name].artifact) for c in order]
    return [(c, id_, methods.load(house.registry.artifacts.read(one), "cpu")) for c, id_, one in artifacts if one]


def plain(result: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items with numbers in place of ids, which are drawn by lot."""
    numbers: dict[str, int] = {}
    for item in result:
        numbers.setdefault(item["id"], len(numbers))
    named = ({**item, "id": numbers[item["id"]]} for item in result)
    return [{**item, "parentID": numbers[item["parentID"]]} if "parentID" in item else item for item in named]


def test_what_is_published_is_what_the_micro_models_say(house: House) -> None:
    tasks, labels = house.registry.tasks.of_group(1, "clip"), house.registry.labels.of_group(1, "clip")
    frames = FrameStore(house.services.media(house.registry.projects.require(1)), 100)
    parts: list[ControlPredictions] = []
    for control, version, model in serving(house):
        given = build_training_set(control, tasks, labels, frames)
        found = model.predict(given.rest, given.labeled, enclosing_boxes(control, parts))
        parts.append(ControlPredictions(control, version, shown(control, found), given.sizes))
    golden = merge(parts)
    published = {task: one for task, [one] in house.shown().items()}
    assert published.keys() == golden.keys() == set(range(1, FRAMES + 1)) - set(LABELLED)
    for task, one in published.items():
        assert plain(one["result"]) == plain(golden[task].result)
    kinds = [item["type"] for one in published.values() for item in one["result"]]
    assert {*kinds} == {"rectanglelabels", "keypointlabels", "choices"}


def test_what_is_answered_is_what_the_groups_composition_says(house: House) -> None:
    """`/predict` looks at each frame by itself, and so does a composition."""
    zoo = open_zoo(house.settings.data_dir or "")
    whole, media = zoo.project(1).group("clip").whole(), house.services.media(house.registry.projects.require(1))
    predictor = Predictor(house.services)
    versions = predictor._current(house.registry.projects.require(1), "clip")
    for task in (2, 4):
        data = house.studio.rows[task]["data"]
        answer = predictor._predict(house.registry.projects.require(1), TaskData(task, data), versions, NEVER)
        pixels = media.image(data["image"], task)[0]
        found = whole(np.asarray(pixels))
        assert len(found), "there is something to compare"
        assert plain(answer["result"]) == plain(written(house, found))
    zoo.close()


def written(house: House, found: Any) -> list[dict[str, Any]]:
    """What a composition says, as Label Studio takes it."""
    controls = {c.from_name: c for c in house.services.config(house.registry.projects.require(1)).controls}
    objects = [Instance(one.label, one.box, one.score, f"r{n}") for n, one in enumerate(found.single())]
    points = [Instance("", one.box, 1.0, f"r{n}", keypoints=one.keypoints) for n, one in enumerate(found.single())]
    classes = [
        Instance(about["side"], one.box, about["side score"], one.region_id)
        for one, about in zip(objects, found.attributes, strict=True)
    ]
    said = {"label": objects, "points": points, "side": classes}
    return [
        item for name, some in said.items() for item in for_control(controls[name]).write(some, controls[name], SIZE)
    ]
