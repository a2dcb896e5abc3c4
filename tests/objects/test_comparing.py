"""Tables, suggestions, and what labels ask for."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.errors import TrainingError
from backend.instances import Instances
from backend.objects.abstain import abstain
from backend.objects.comparing import compare
from backend.objects.fitting import LazyFrames, fit
from backend.objects.routing import by_time
from backend.objects.suggesting import suggest
from backend.objects.truth import control_of, head_of, labeled_frame, labels_of
from backend.types import Frame, Head
from tests.objects.made import boxes, frame

CAT = boxes(["cat"], [(3, 4, 0.9, 0)])
TWO = boxes(["cat"], [(3, 4, 0.9, 0), (20, 20, 0.9, 0)])
TRUTH = [Instances([(3, 4, 11, 12)], ["cat"])] * 4


def ticks() -> Iterator[float]:
    n = 0.0
    while True:
        yield n
        n += 0.25


def test_models_are_compared_in_a_table() -> None:
    clock = ticks()
    table = compare({"cat": CAT, "nothing": abstain}, [frame()] * 4, TRUTH, clock=lambda: next(clock))
    assert (table.measure, table.frames, table.labels) == ("F1 at IoU 0.5", 4, 4)
    assert (table["cat"].score, table["cat"].actions, table["cat"].seconds, table["cat"].nbytes) == (1.0, 0, 0.25, 16)
    assert (table["nothing"].score, table["nothing"].actions, table["nothing"].nbytes) == (0.0, 4, 0)
    assert str(table).splitlines()[1].split() == ["cat", "1.000", "0", "250", "0.0"]
    with pytest.raises(KeyError, match="'cat', 'nothing'"):
        table["dog"]
    with pytest.raises(TrainingError, match="3 frames and 4 labels"):
        compare({}, [frame()] * 3, TRUTH)


def test_files_are_told_apart(tmp_path: Path) -> None:
    for name in "ab":
        Image.fromarray(frame()).save(tmp_path / f"{name}.png")
    table = compare({"cat": CAT}, tmp_path, [TRUTH[0], Instances([(30, 30, 38, 38)], ["cat"])])
    assert (table["cat"].score, table["cat"].actions) == (0.5, 2)


def test_of_frames_alike_the_first_suggested_make_the_others_less_useful() -> None:
    found = suggest(TWO, [frame()] * 9, TRUTH, most=3)
    assert [one.index for one in found] == [0, 4, 8]
    assert [one.doubt for one in found] == [0.25] * 3
    assert suggest(CAT, [], TRUTH) == []
    assert len(suggest(CAT, [frame()] * 3, most=99)) == 3


def test_a_frame_with_more_than_was_ever_drawn_comes_first() -> None:
    film = by_time({(0, 2): CAT, (2, 3): TWO, (3, None): CAT})
    found = suggest(film, [frame()] * 5, TRUTH, most=1)
    assert [one.index for one in found] == [2]


SEEN = Frame(0, frame(), 40, 40)
POINTS = Instances([(0, 0, 9, 9)], ["cat"], keypoints=[[(1, 2)]], keypoint_names=["nose"])
MASK = Instances([(0, 0, 9, 9)], ["cat"], mask=np.ones((1, 40, 40)))


@pytest.mark.parametrize(
    ("labels", "head"),
    [
        (TRUTH[0], Head.DETECTION), (POINTS, Head.POSE), (MASK, Head.SEGMENTATION),
        (Instances([(0, 0, 40, 40)], ["cat"]), Head.CLASSIFICATION),
    ],
)  # fmt: skip
def test_labels_say_what_they_ask_for(labels: Instances, head: Head) -> None:
    assert head_of([SEEN, SEEN], [Instances(), labels]) is head


def test_nothing_drawn_asks_for_nothing() -> None:
    with pytest.raises(TrainingError, match="an object at least"):
        head_of([SEEN], [Instances()])
    with pytest.raises(TrainingError, match="2 frames and 1 labels"):
        fit([frame()] * 2, TRUTH[:1])


def test_the_label_set_keeps_the_order_of_the_start() -> None:
    labels = [Instances([(0, 0, 1, 1)] * 3, ["b", "c", "a"])]
    assert labels_of(Head.DETECTION, labels, ["x", "c"]) == ("c", "a", "b")
    assert labels_of(Head.POSE, [POINTS]) == ("nose",)


def test_points_of_nothing_that_come_twice_are_counted() -> None:
    def drawn(label: str) -> list[object]:
        both = Instances([(0, 0, 9, 9)] * 2, [label] * 2, keypoints=[[(1, 2)], [(5, 6)]], keypoint_names=["cell"])
        return [labeled_frame(SEEN, both)]

    assert control_of(Head.POSE, ["cell"], drawn(""), "").counted  # type: ignore[arg-type]
    assert not control_of(Head.POSE, ["cell"], drawn("cat"), "").counted  # type: ignore[arg-type]


def test_the_rest_is_decoded_when_it_is_looked_at() -> None:
    rest = LazyFrames([frame(3), "missing.png"], 5)
    assert (len(rest), rest[0].task, rest[0].image[0, 0, 0]) == (2, 5, 3)
    with pytest.raises(IndexError):
        rest[2]
