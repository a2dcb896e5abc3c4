import numpy as np
import pytest
import torch

from backend.learning.detection.candidates import Candidates
from backend.learning.detection.decision import FrameCandidates, FrameDetections
from backend.learning.detection.pseudo_labels import picture_of
from backend.learning.tracking.detections import Detections


def test_sure_boxes_teach_doubtful_ones_are_ignored_and_mistakes_are_background() -> None:
    boxes = np.array([[10, 10, 20, 20], [30, 10, 40, 20], [50, 10, 60, 20], [70, 10, 80, 20]], np.float32)
    found = Candidates(boxes, np.array([0.9, 0.6, 0.5, 0.1], np.float32), np.zeros(4, np.int64))
    shown = Detections(0.0, boxes[:2].astype(float), np.array([0.9, 0.2]))
    seen = FrameDetections(FrameCandidates(1, 0.0, (100, 50), found), (shown,))
    picture = picture_of(seen, torch.zeros((3, 100, 200), dtype=torch.uint8), 2.0, 0.5, 0.3)
    assert picture.boxes.tolist() == [[20, 20, 40, 40]]
    assert picture.ignored.tolist() == [[60, 20, 80, 40], [100, 20, 120, 40]]
    assert picture.hard.tolist() == [[150, 30]]
    assert not picture.labelled
    assert picture.outlines.tolist() == pytest.approx([0.3])
