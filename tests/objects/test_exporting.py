"""A detection model under onnxruntime says what it says here, in pictures of any size."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from backend.instances import Instances
from backend.learning.detection.head import BACKGROUND_TENSOR
from backend.learning.detection.refinement import without_refinement
from backend.objects.fitting import fit
from backend.objects.micro_model import MicroModel
from tests.learning.synthetic import clip

BOX_PIXELS, SCORE = 1.0, 0.03
"""How far answers may be from each other: here networks may compute in bfloat16, there in float32."""
SURE = 0.6
"""Score from which an object must be shown by both: what is doubtful may be left out by one."""
Run = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]]


@pytest.fixture(scope="module", params=["alone", "before a background"])
def model(request: pytest.FixtureRequest) -> MicroModel:
    """Trained on two discs and a square, so that counts differ; with the other frames, before a background."""
    still = request.param == "before a background"
    frames = clip(20 if still else 12, discs=2, squares=1).frames
    labeled, rest = frames[:12:3], [one.frame for one in frames[12:]] if still else []
    found = fit([one.frame for one in labeled], [Instances.of(one.instances) for one in labeled], rest=rest, effort=0.3)
    assert (BACKGROUND_TENSOR in found.weights.arrays) == still
    return found


@pytest.fixture(scope="module")
def run(model: MicroModel, tmp_path_factory: pytest.TempPathFactory) -> Run:
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    model.export(path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["labels"]) == ["disc", "square"]
    assert about["digest"] == model.digest
    assert json.loads(about["left_out"]) == ["refinement of boxes"]
    return lambda image: session.run(["boxes", "scores", "labels"], {"image": image})  # type: ignore[no-any-return]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "discs", "squares"),
    [
        ((160, 120), 2, 1),
        ((160, 120), 5, 3),
        ((320, 180), 2, 2),
        ((91, 203), 1, 0),
        ((200, 150), 3, 3),
        ((44, 44), 0, 0),
    ],
)
def test_answers_are_the_same(model: MicroModel, run: Run, size: tuple[int, int], discs: int, squares: int) -> None:
    seen = 0
    for one in clip(3, size=size, discs=discs, squares=squares, seed=3).frames:
        boxes, scores, labels = run(one.frame.image)
        here, there = without_second_look(model)(one.frame), Instances(boxes, [model.labels[n] for n in labels], scores)
        for found, other in ((here, there), (there, here)):
            for n in np.flatnonzero(found.score >= SURE):
                seen += 1
                assert is_among(found, int(n), other)
    assert seen or size != (160, 120), "nothing was compared in pictures like those it learnt from"


def without_second_look(model: MicroModel) -> MicroModel:
    """As it is exported."""
    return MicroModel(without_refinement(model.weights))


def is_among(found: Instances, n: int, other: Instances) -> bool:
    """Whether the other one shows the same object."""
    near = np.abs(other.xyxy - found.xyxy[n]).max(1, initial=0) <= BOX_PIXELS
    alike = np.abs(other.score - found.score[n]) <= SCORE
    return bool((near & alike & (other.label == found.label[n])).any())


@pytest.mark.slow
def test_a_picture_without_anything_is_answered(run: Run) -> None:
    boxes, scores, labels = run(np.zeros((1, 1, 3), np.uint8))
    assert (boxes.shape[1:], len(scores), len(labels)) == ((4,), len(boxes), len(boxes))


@pytest.mark.slow
def test_places_that_fool_the_network_and_a_companion_are_exported(model: MicroModel, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    from backend.learning import methods

    image = clip(2, discs=2, squares=1).frames[1].frame.image
    found = model(image)
    blueprint = json.loads(model.weights.metadata["blueprint"])
    x0, y0, x1, y1 = found.xyxy[0]
    place = {
        "label": model.labels.index(str(found.label[0])),
        "box": [x0 / 160, y0 / 120, x1 / 160, y1 / 120],
        "score": 0.95,
    }
    metadata = {**model.weights.metadata, "blueprint": json.dumps({**blueprint, "hard_negatives": [place]})}
    fooled = MicroModel(replace(methods.ensemble(model.weights, model.weights), metadata=metadata))
    fooled.export(tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    own, (boxes, scores, _) = without_second_look(fooled)(image), session.run(None, {"image": image})
    assert own != found
    assert len(boxes) == len(own)
    assert np.sort(scores) == pytest.approx(np.sort(own.score), abs=SCORE)
