from dataclasses import replace

import numpy as np
import torch

from backend.learning.detection.augmentation import BoxSample, Shares, crops

GREEN = np.array([30, 200, 40], np.uint8)


def _picture(boxes: list[list[float]]) -> BoxSample:
    image = np.full((90, 120, 3), 20, np.uint8)
    for x0, y0, x1, y1 in boxes:
        image[int(y0) : int(y1), int(x0) : int(x1)] = GREEN
    return BoxSample(
        image=torch.from_numpy(image).permute(2, 0, 1),
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        classes=np.zeros(len(boxes), np.int64),
        outlines=np.linspace(1, 0.5, len(boxes), dtype=np.float32),
        hard=np.zeros((0, 2), np.float32),
    )


def test_pictures_without_objects_give_crops_without() -> None:
    for crop in crops([_picture([])], 4, 64, Shares(0.6, 0.2), np.random.default_rng(0)):
        assert crop.image.shape == (3, 64, 64)
        assert crop.boxes.shape == (0, 4)


def test_boxes_move_with_the_pixels() -> None:
    seen = 0
    for crop in crops([_picture([[40, 30, 70, 60]])], 40, 96, Shares(1.0, 0.0), np.random.default_rng(1)):
        for x0, y0, x1, y1 in crop.boxes:
            if x0 < 0 or y0 < 0 or x1 > 96 or y1 > 96:
                continue
            seen += 1
            inside = crop.image[:, int(y0) + 6 : int(y1) - 6, int(x0) + 6 : int(x1) - 6].mean((1, 2))
            assert inside[1] > inside[0] + 0.2
            edge = crop.image[1, int(y0 + y1) // 2, [max(int(x0) - 9, 0), min(int(x1) + 9, 95)]]
            assert (edge < inside[1] - 0.1).all()
    assert seen > 10


def test_objects_whose_centre_is_cut_off_are_ignored_not_background() -> None:
    for crop in crops(
        [_picture([[0, 0, 40, 40], [80, 50, 118, 88]])], 30, 48, Shares(1.0, 0.0), np.random.default_rng(2)
    ):
        assert len(crop.boxes) + len(crop.ignored) == 2
        centres = (crop.boxes[:, :2] + crop.boxes[:, 2:]) / 2
        assert ((centres >= 0) & (centres < 48)).all()


def test_same_seed_same_crops() -> None:
    first, second = (
        crops([_picture([[40, 30, 70, 60]])], 3, 64, Shares(0.5, 0.2), np.random.default_rng(3)) for _ in range(2)
    )
    assert all(torch.equal(a.image, b.image) for a, b in zip(first, second, strict=True))


def test_values_stay_in_range() -> None:
    for crop in crops([_picture([[40, 30, 70, 60]])], 20, 64, Shares(0.5, 0.2), np.random.default_rng(4)):
        assert 0 <= float(crop.image.min()) <= float(crop.image.max()) <= 1


def test_the_difference_from_the_background_keeps_its_values_and_is_none_beyond_the_frame() -> None:
    picture = _picture([[40, 30, 70, 60]])
    planes = torch.cat([picture.image, torch.full_like(picture.image, 51)])
    for crop in crops([replace(picture, image=planes)], 10, 128, Shares(0.5, 0.2), np.random.default_rng(5)):
        assert crop.image.shape == (6, 128, 128)
        assert crop.image[3:].max() <= 0.2 + 1e-6
        assert crop.image[3:].min() == 0  # the crop is larger than the frame
        assert ((crop.image[3:] - 0.2).abs() < 1e-4).any()
