import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.demo import data_set
from backend.demo.data_set import DataSet, DemoFrame
from backend.demo.hand_labels import truth_of_frames
from backend.errors import DemoError
from backend.types import Head, Instance

BUNNY = Path(data_set.__file__).with_name("big_buck_bunny.json")


def frames(count: int, truth: bool = True) -> DataSet:
    some = Instance("ball", (0, 0, 1, 1))
    made = tuple(DemoFrame(Path(f"{n}.jpg"), n, (some,) if truth else None) for n in range(count))
    return DataSet("made", 6, 4, ("ball",), made)


@given(st.integers(2, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n - 1))))
def test_labelled_and_evaluated_frames_never_meet(case: tuple[int, int]) -> None:
    count, labels = case
    group = frames(count)
    labelled = group.labelled(labels)
    assert 1 <= len(labelled) <= labels
    assert list(labelled) == sorted(set(labelled))
    assert sorted({*labelled, *group.evaluation(labelled)}) == list(range(count))


@pytest.mark.parametrize("labels", [0, 6, 7])
def test_an_impossible_number_of_labels_is_refused(labels: int) -> None:
    with pytest.raises(DemoError, match="of 6 frames"):
        frames(6).labelled(labels)


def test_each_class_is_labelled_as_often() -> None:
    truth = [(Instance("in" if n < 8 else "out", (0, 0, 6, 4)),) for n in range(30)]
    made = tuple(DemoFrame(Path(f"{n}.jpg"), n, shown) for n, shown in enumerate(truth))
    group = DataSet("made", 6, 4, ("in", "out"), made, head=Head.CLASSIFICATION)
    labelled = group.labelled(3)
    assert [position < 8 for position in labelled] == [True] * 3 + [False] * 3
    assert len(group.evaluation(labelled)) == 24


def test_a_class_with_too_few_frames_is_refused() -> None:
    made = tuple(DemoFrame(Path(f"{n}.jpg"), n, (Instance("in", (0, 0, 6, 4)),)) for n in range(9))
    with pytest.raises(DemoError, match="3 of 0 frames"):
        DataSet("made", 6, 4, ("in", "out"), made, head=Head.CLASSIFICATION).labelled(3)


def test_frames_nobody_looked_at_cannot_be_labelled() -> None:
    with pytest.raises(DemoError, match="no labels for the frames at"):
        frames(9, truth=False).labelled(2)


def test_the_bunnys_boxes_are_where_the_demo_labels() -> None:
    described = json.loads(BUNNY.read_text())
    made = truth_of_frames(described, Head.DETECTION)
    count = described["frame_count"]
    group = data_set.described_set(described, [DemoFrame(Path(f"{n}"), n, made.get(n)) for n in range(count)])
    labelled = group.labelled(5)
    assert list(labelled) == described["labelled"] == [22, 44, 66, 87, 109]
    assert len(group.evaluation(labelled)) == 15
    for frame in group.frames:
        for instance in frame.truth or ():
            x0, y0, x1, y1 = instance.box
            assert 0 <= x0 < x1 <= group.width
            assert 0 <= y0 < y1 <= group.height
            assert instance.label in group.classes


def test_a_clip_of_another_length_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_set, "installed_clip", lambda *_: tmp_path)
    monkeypatch.setattr(data_set, "write_frames", lambda *_: {0: tmp_path})
    with pytest.raises(DemoError, match="has 1 frames; its labels are of a clip of 132"):
        data_set.big_buck_bunny(tmp_path)
