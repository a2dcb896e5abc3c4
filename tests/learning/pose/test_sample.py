import numpy as np
import torch

from backend.learning.geometry.scaling import to_tensor
from backend.learning.pose.plan import plan
from backend.learning.pose.recipe import PoseRecipe
from backend.learning.pose.sample import Sample, arrays_of, point_bounds, random_view, sample_of, targets_of
from backend.learning.pose.scene import crop_of, scene_of
from backend.types import Keypoint
from tests.learning.pose.synthetic import COLOURS, NAMES, herd

RECIPE = PoseRecipe(crop=96)
INDEX = {name: i for i, name in enumerate(NAMES)}


def _sample() -> Sample:
    frame = herd(1, boxed=True)[0]
    config = plan([frame], NAMES, RECIPE)
    image, factor = to_tensor(frame.frame, config.fine)
    [one] = frame.instances
    return sample_of(image, factor, one.box, *arrays_of(one.keypoints, INDEX), config)


def test_points_of_no_and_of_two_labels() -> None:
    places, present = arrays_of([], INDEX)
    assert places.shape == (4, 2)
    assert not present.any()
    places, present = arrays_of([Keypoint("tail", 1, 2), Keypoint("tail", 3, 4), Keypoint("x", 5, 6)], INDEX)
    assert present.tolist() == [False, True, False, False]
    assert places[1].tolist() == [1, 2]


def test_a_hull_has_an_area() -> None:
    assert point_bounds(np.array([[3.0, 4.0]])) == (3, 4, 4, 5)


def test_points_lie_on_their_colours_and_mirrors_swap_sides() -> None:
    """Whatever the view, the left paw's target is where the left paw's colour is, or in a mirror the right one's."""
    frames = herd(4, boxed=True)
    config = plan(frames, NAMES, RECIPE)
    assert config.mirrors
    sample, rng = _sample(), np.random.default_rng(0)
    mirrored = set[bool]()
    for _ in range(20):
        view, mirror = random_view(sample, config, rng)
        mirrored.add(mirror)
        targets = targets_of([sample], [(view, mirror)], config, torch.device("cpu"))
        crop = view.cut(sample.image)
        order = [0, 1, 3, 2] if mirror else [0, 1, 2, 3]
        for k, (x, y) in enumerate(targets.points[0].tolist()):
            if 2 <= x < 94 and 2 <= y < 94 and targets.weight[0, k]:
                colour = torch.tensor(COLOURS[NAMES[order[k]]]) / 255
                assert (crop[:, int(y), int(x)] - colour).abs().max() < 0.25
    assert mirrored == {False, True}


def test_points_outside_the_view_teach_nothing_and_absent_ones_do() -> None:
    sample = _sample()
    sample.points[0] += 500
    sample.present[1] = False
    config = plan(herd(1, boxed=True), NAMES, RECIPE)
    view, _ = random_view(sample, config, np.random.default_rng(0))
    targets = targets_of([sample], [(view, False)], config, torch.device("cpu"))
    assert targets.weight[0, :2].tolist() == [0, 1]
    assert targets.present[0, :2].tolist() == [True, False]


def test_names_without_sides_are_not_mirrored() -> None:
    frames = herd(2, boxed=True)
    config = plan(frames, ("head", "tail"), RECIPE)
    rng = np.random.default_rng(0)
    assert not any(random_view(_sample(), config, rng)[1] for _ in range(20))


def test_whole_frames_without_and_with_an_object() -> None:
    frame, rng = herd(1)[0], np.random.default_rng(0)
    config = plan([frame], NAMES, RECIPE)
    for points in ([], [np.array([[p.x, p.y] for p in frame.instances[0].keypoints])]):
        scene = scene_of(frame.frame, points, config, torch.device("cpu"))
        crops = [crop_of(scene, config, 96, rng) for _ in range(8)]
        assert all(len(crop.boxes) + len(crop.ignored) == len(points) for crop in crops)
        assert all(0 <= crop.image.min() <= crop.image.max() <= 1 for crop in crops)
