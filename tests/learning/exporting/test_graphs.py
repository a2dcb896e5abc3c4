"""The contract of all graphs: under onnxruntime they say what our micro-models say of a frame by itself, in float32."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from backend.errors import WeightsUnusable
from backend.learning import methods
from backend.learning.classification.recipe import ClassificationRecipe
from backend.learning.detection.head import BACKGROUND_TENSOR
from backend.learning.detection.refinement import without_refinement
from backend.learning.exporting.graphs import graph_of
from backend.types import Frame, Instance, Weights
from tests.learning.cases import CASES, Case
from tests.learning.detection.test_turned import SHORT as TURNED
from tests.learning.detection.test_turned import rods
from tests.learning.synthetic import clip

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

PIXELS, SCORE, OVERLAP = 0.5, 0.01, 0.995
"""How far answers may be from ours."""
EFFORT = 0.5
WITHOUT_GRAPH = "classes of regions"
GRAPHS = {name: case for name, case in CASES.items() if name != WITHOUT_GRAPH} | {
    "turned boxes": replace(CASES["boxes"], labels=("rod",), clip=rods, short=TURNED),
    "crowded boxes": replace(CASES["boxes"], clip=lambda count: clip(count, discs=3, squares=2).frames),
    "several classes": replace(CASES["classes"], short=ClassificationRecipe(side=64, multiple=True)),
}
every_graph = pytest.mark.parametrize("name", GRAPHS)


@pytest.fixture(autouse=True)
def _as_graphs_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    """In float32, on one thread."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Weights, Any]]:
    return {}


@pytest.fixture
def case(name: str) -> Case:
    return GRAPHS[name]


@pytest.fixture
def exported(name: str, case: Case, made: dict[str, tuple[Weights, Any]], tmp_path: Path) -> tuple[Weights, Any]:
    """The weights of a case, trained once, and its graph as a session."""
    if name not in made:
        weights = case.method.train(case.given(20, 3), case.short.with_effort(EFFORT)).weights
        made[name] = weights, session_of(weights, case.labels, tmp_path)
    return made[name]


def session_of(weights: Weights, labels: tuple[str, ...], folder: Path) -> Any:
    from backend.learning.exporting.onnx_file import export
    from tests.learning.exporting.answers import Session

    taken, given = export(weights, folder / "model.onnx", {"labels": json.dumps(labels)})
    session = Session(folder / "model.onnx")
    assert (session.inputs, session.outputs) == (taken, given)
    return session


def agree(weights: Weights, session: Any, frame: Frame, boxes: tuple[Instance, ...] | None) -> int:
    """How many objects both show, alike, of a frame by itself."""
    from tests.learning.exporting.answers import difference

    [here] = methods.load(without_refinement(weights), "cpu").predict(
        [frame], (), None if boxes is None else {frame.task: boxes}
    )
    found = difference(here.instances, session(frame.image, boxes))
    assert (found.only_here, found.only_there) == (0, 0)
    # Of a single pixel, enlarged to a crop, all places are equally likely: they may be as far apart as two of its corners.
    assert found.pixels.max(initial=0) <= (PIXELS if frame.image.size > 3 else np.hypot(frame.width, frame.height))
    assert found.scores.max(initial=0) <= SCORE
    assert found.overlaps.min(initial=1) >= OVERLAP
    return len(found.pixels)


def zoomed(frame: Frame, by: float) -> Frame:
    image = cv2.resize(frame.image, None, fx=by, fy=by, interpolation=cv2.INTER_LINEAR)
    return Frame(frame.task, np.asarray(image, np.uint8), image.shape[1], image.shape[0])


@pytest.mark.slow
@every_graph
@pytest.mark.parametrize("zoom", [1.0, 0.71, 1.53])
def test_answers_are_our_own(case: Case, exported: tuple[Weights, Any], zoom: float) -> None:
    seen = 0
    for one in case.clip(6):
        moved = tuple(replace(i, box=tuple(zoom * side for side in i.box)) for i in one.instances)  # type: ignore[arg-type]
        seen += agree(*exported, zoomed(one.frame, zoom), moved if case.boxed else None)
    assert seen or zoom != 1, "nothing was compared"


@pytest.mark.slow
@every_graph
@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (53, 37)])
def test_odd_pictures_are_answered_alike(case: Case, exported: tuple[Weights, Any], shape: tuple[int, int]) -> None:
    # Not noise: in it places are as likely as others but for the last digit, which depends on the processor.
    scene = next(iter(case.clip(1))).frame.image
    image = np.asarray(cv2.resize(scene, shape[::-1], interpolation=cv2.INTER_AREA), np.uint8)
    boxes = (Instance("animal", (0.0, 0.0, float(shape[1]), float(shape[0]))),) if case.boxed else None
    agree(*exported, Frame(0, image, shape[1], shape[0]), boxes)


@pytest.mark.slow
@every_graph
def test_a_picture_of_nothing_is_answered_alike(case: Case, exported: tuple[Weights, Any]) -> None:
    agree(*exported, Frame(0, np.full((120, 160, 3), 128, np.uint8), 160, 120), () if case.boxed else None)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["points in boxes"])
def test_points_are_looked_for_in_each_box_and_nowhere_else(case: Case, exported: tuple[Weights, Any]) -> None:
    [one] = case.clip(1)
    [box] = one.instances[:1]
    other = replace(box, box=(3.0, 5.0, 40.0, 50.0))
    assert exported[1](one.frame.image, ()) == [], "no box, no points"
    assert agree(*exported, replace(one.frame, order=None), (box, other, box)) == 3


@pytest.mark.slow
def test_levels_a_background_and_a_second_member_come_along(tmp_path: Path) -> None:
    case = CASES["boxes"]
    still = clip(20, discs=2, squares=1).frames
    given = case.given(labeled=still[:12:3], unlabeled=[one.frame for one in still[12:]])
    weights = case.method.train(given, replace(case.short, levels=True)).weights
    assert BACKGROUND_TENSOR in weights.arrays
    other = case.method.train(replace(given, seed=5), case.short).weights
    blueprint = json.loads(weights.metadata["blueprint"])
    blueprint |= {"levels": [5, 220]}
    bright = replace(weights, metadata={**weights.metadata, "blueprint": json.dumps(blueprint)})
    both = methods.ensemble(bright, other)
    assert len(both.arrays) > len(bright.arrays)
    for n, one in enumerate((bright, both, methods.for_other_group(weights))):
        (tmp_path / str(n)).mkdir()
        session = session_of(one, case.labels, tmp_path / str(n))
        assert sum(agree(one, session, replace(frame.frame, order=None), None) for frame in still[:6])


@pytest.mark.slow
def test_large_objects_are_looked_for_at_half_the_scale_as_well(tmp_path: Path) -> None:
    case = CASES["boxes"]
    weights = case.method.train(case.given(20, 3), case.short.with_effort(EFFORT)).weights
    blueprint = json.loads(weights.metadata["blueprint"]) | {"large": 20.0}
    both = replace(weights, metadata={**weights.metadata, "blueprint": json.dumps(blueprint)})
    session = session_of(both, case.labels, tmp_path)
    assert sum(agree(both, session, zoomed(one.frame, zoom), None) for one in case.clip(3) for zoom in (1.0, 1.53))


def test_what_no_method_made_is_refused() -> None:
    with pytest.raises(WeightsUnusable, match="expected one of: detection by centre_heatmap"):
        graph_of(Weights({}, {"head": "smell"}))


def test_a_method_without_a_graph_is_refused_in_words() -> None:
    case = CASES[WITHOUT_GRAPH]
    weights = case.method.train(case.given(4), case.quick).weights
    with pytest.raises(WeightsUnusable, match="no ONNX graph"):
        graph_of(weights)
