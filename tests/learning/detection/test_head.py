import numpy as np
import pytest
import torch

from backend.learning.detection.candidates import TrainingCrop
from backend.learning.detection.head import DetectionHead


def _head(labels: int = 2) -> DetectionHead:
    torch.manual_seed(0)
    return DetectionHead(labels, 8, (20.0, 10.0), floor=0.3, most=10, overlap=0.55)


def _crop(boxes: list[list[float]], classes: list[int], ignored: list[list[float]] | None = None) -> TrainingCrop:
    return TrainingCrop(
        image=torch.zeros(3, 64, 64),
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        classes=np.array(classes, np.int64),
        ignored=np.array(ignored or [], np.float32).reshape(-1, 4),
        outlines=np.ones(len(boxes), np.float32),
    )


def test_before_training_nothing_is_seen_and_boxes_are_typical() -> None:
    head = _head()
    output = head(torch.zeros(1, 8, 16, 16))
    assert len(head.decode(output)[0]) == 0
    x0, y0, x1, y1 = head.boxes(output)[0, :, 5, 5].tolist()
    assert (x1 - x0, y1 - y0) == pytest.approx((20, 10), abs=0.1)
    assert (x0 + x1) / 2 == pytest.approx(22, abs=0.1)


def test_an_empty_crop_has_a_finite_loss() -> None:
    head = _head()
    loss = head.loss(head(torch.zeros(1, 8, 16, 16)), [_crop([], [])])
    assert torch.isfinite(loss)
    loss.backward()


def test_a_better_output_has_a_smaller_loss() -> None:
    head, crops = _head(), [_crop([[12, 24, 32, 34]], [1])]
    output = head(torch.zeros(1, 8, 16, 16)).detach()
    right, wrong = output.clone(), output.clone()
    right[0, 1, 7, 5] = 3.0
    wrong[0, 0, 7, 5] = 3.0
    assert head.loss(right, crops) < head.loss(output, crops) < head.loss(wrong, crops)


def test_ignored_areas_cost_nothing() -> None:
    head = _head()
    output = head(torch.zeros(1, 8, 16, 16)).detach()
    output[0, 0, 3, 3] = 4.0
    without, with_ = _crop([], []), _crop([], [], [[8, 8, 20, 20]])
    assert head.loss(output, [with_]) < head.loss(output, [without]) / 10


def test_what_is_written_into_the_output_is_decoded() -> None:
    head = _head()
    output = head(torch.zeros(1, 8, 16, 16)).detach()
    output[0, 0, 7, 5] = 2.0
    output[0, 1, 2, 12] = 4.0
    output[0, 1, 2, 13] = 3.0
    output[0, 2:6:2, 2, 13] = torch.tensor([14 / 10, 6 / 10]).log()  # left and right, of the same box
    [found] = head.decode(output)
    assert found.classes.tolist() == [1, 0]
    assert found.boxes[0] == pytest.approx([40, 5, 60, 15], abs=0.1)
    assert found.boxes[1] == pytest.approx([12, 25, 32, 35], abs=0.1)


def test_the_cells_around_a_peak_vote_on_its_box_by_the_square_of_their_scores() -> None:
    head = _head()
    output = head(torch.zeros(1, 8, 16, 16)).detach()
    output[0, 0, 7, 5], output[0, 0, 7, 6] = 2.0, 1.0
    output[0, 2:6:2, 7, 6] = torch.tensor([10 / 10, 14 / 10]).log()
    [found] = head.decode(output)
    sure, less = torch.sigmoid(torch.tensor([2.0, 1.0])).square().tolist()
    left, right = (12 * sure + 16 * less) / (sure + less), (32 * sure + 40 * less) / (sure + less)
    assert len(found) == 1
    assert found.boxes[0] == pytest.approx([left, 25, right, 35], abs=0.1)


def test_two_objects_in_one_cell_and_one_at_the_corner() -> None:
    head = _head()
    crop = _crop([[12, 24, 32, 34], [13, 24, 33, 34], [60, 60, 67, 67]], [0, 1, 0])
    assert torch.isfinite(head.loss(head(torch.zeros(1, 8, 16, 16)), [crop]))


@pytest.mark.parametrize("apart", [1, 2, 3])
def test_the_next_object_has_no_vote(apart: int) -> None:
    head = _head()
    output = head(torch.zeros(1, 8, 16, 16)).detach()
    output[0, 0, 7, 5], output[0, 0, 7 + 2 * apart, 5] = 4.0, 4.0
    [found] = head.decode(output)
    assert sorted(found.boxes[:, 1].tolist()) == pytest.approx([25, 25 + 8 * apart], abs=0.1)


def test_at_the_edge_of_the_frame_there_are_fewer_votes() -> None:
    head = _head()
    output = head(torch.zeros(1, 8, 16, 16)).detach()
    output[0, 0, 0, 15] = 4.0
    [found] = head.decode(output)
    assert found.boxes[0] == pytest.approx([52, -3, 72, 7], abs=0.1)
