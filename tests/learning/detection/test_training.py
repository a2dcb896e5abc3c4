import dataclasses

import numpy as np
import pytest
import torch

from backend.learning.detection import micro_model, training
from backend.learning.detection.refinement_training import STEP_COST
from backend.learning.fitting.recipe import FEWEST_STEPS
from backend.types import Frame, Instance, LabeledFrame, Progress
from tests.learning.cases import CASES
from tests.learning.synthetic import LABELS, clip

BOXES = CASES["boxes"]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(min(torch.get_num_threads(), 2))


def test_odd_boxes_cost_nothing_but_themselves() -> None:
    [frame] = clip(1).frames
    odd = [
        Instance("disc", (5, 5, 5, 9)),
        Instance("disc", (-300, -200, -250, -150)),
        Instance("unicorn", (1, 1, 9, 9)),
    ]
    trained = BOXES.trained(labeled=[dataclasses.replace(frame, instances=(*frame.instances, *odd))], unlabeled=())
    assert np.isfinite(trained.metrics["loss"])


def test_progress_counts_what_refines_the_boxes() -> None:
    told: list[Progress] = []
    BOXES.trained(progress=told.append)
    alone: list[Progress] = []
    BOXES.trained(dataclasses.replace(BOXES.quick, refinement=False), progress=alone.append)
    done, steps = [progress.done for progress in told], len(alone)
    assert len(told) == steps + FEWEST_STEPS
    assert done[steps - 1] == pytest.approx(steps / (steps + STEP_COST * FEWEST_STEPS))
    assert done == sorted(set(done))
    assert done[-1] == alone[-1].done == 1.0


@pytest.mark.slow
def test_an_empty_clip_stays_empty() -> None:
    frames, chosen = clip(12, discs=0), (2, 6, 9)
    bare = [f.frame for f in frames.others(*chosen)]
    labeled = frames.labeled(*chosen)
    trained = BOXES.trained(BOXES.short, labeled=labeled, unlabeled=bare)
    assert not any(p.instances for p in micro_model.load(trained.weights, "cpu").predict(bare, labeled))


def test_hard_negatives_are_looked_for_where_there_is_least_to_see_and_all_over_time() -> None:
    one = Instance(LABELS[0], (1.0, 1.0, 9.0, 9.0))
    image = np.zeros((16, 16, 3), np.uint8)
    frames = [LabeledFrame(Frame(i, image, 16, 16, float(i)), () if i in (7, 25) else (one,)) for i in range(30)]
    tasks = [found.frame.task for found in training.select_frames_for_mining(frames, 12)]
    assert {7, 25} <= set(tasks)
    assert len(tasks) <= 12
    assert tasks == sorted(tasks)
    assert max(np.diff([*tasks, 30])) <= 6
    assert training.select_frames_for_mining(frames[:5], 12) == frames[:5]
    assert training.select_frames_for_mining([], 12) == []


def test_hard_negatives_are_looked_for_in_bare_frames_that_are_half_of_all() -> None:
    image = np.zeros((16, 16, 3), np.uint8)
    frames = [LabeledFrame(Frame(i, image, 16, 16, float(i)), ()) for i in range(100)]
    assert len(training.select_frames_for_mining(frames, 12)) == 12
