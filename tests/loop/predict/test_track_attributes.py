"""One class for each track of a video, from a few of its frames."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from backend.learning.fitting.training_input import EnclosingBoxes
from backend.loop.data.video_frames import Clip
from backend.loop.data.video_training_set import VideoTrainingSet
from backend.loop.predict.track_attributes import LOOKS, predict_attributes
from backend.studio.labeling_config import parse
from backend.tracks import Keyframe, Track, VideoPrediction, VideoSize
from backend.types import Frame, Instance, LabeledFrame, Prediction

SIZE = VideoSize(100, 80, 40, 10.0)
BOX = (0.0, 0.0, 20.0, 20.0)


@dataclass
class Says:
    """Says of each box what is written for its frame and region, else "walks"."""

    otherwise: dict[tuple[int, str], tuple[str, float]] = field(default_factory=dict)
    asked: list[tuple[int, str]] = field(default_factory=list)
    nbytes = 1

    def predict(
        self,
        frames: Iterable[Frame],
        labeled: Sequence[LabeledFrame] = (),
        enclosing_boxes: EnclosingBoxes | None = None,
    ) -> list[Prediction]:
        found = []
        for frame in frames:
            boxes = (enclosing_boxes or {})[frame.task]
            self.asked += [(frame.task, box.region_id or "") for box in boxes]
            said = [(box, *self.otherwise.get((frame.task, box.region_id or ""), ("walks", 0.9))) for box in boxes]
            found.append(Prediction(frame.task, tuple(Instance(c, b.box, s, b.region_id) for b, c, s in said), 0.5))
        return found


def track(id: str, first: int = 1, last: int = 40, label: str = "person") -> Track:
    return Track(label, (Keyframe(first, BOX), Keyframe(last, BOX, enabled=False)), region_id=id)


def predict(model: Says, tracks: Sequence[Track], drawn: Sequence[Track] = (), more: str = "") -> VideoPrediction:
    _, control = parse(
        '<View><Video name="v" value="$v"/><Labels name="l" toName="v"><Label value="person"/></Labels><VideoRectangle '
        f'name="b" toName="v"/><Choices name="does" toName="v" perRegion="true" {more}><Choice value="walks"/>'
        '<Choice value="sits"/></Choices></View>'
    ).controls
    picture = np.zeros((80, 100, 3), np.uint8)
    clip = Clip(7, SIZE, 1000, lambda clip, n: Frame(clip.start + n, picture, 100, 80, float(n)))
    [found] = predict_attributes(model, control, [VideoTrainingSet(clip, tuple(drawn), (), frozenset())], {7: tracks})
    return found


def classes(found: VideoPrediction) -> list[tuple[str | None, str]]:
    return [(one.region_id, one.label) for one in found.tracks]


def test_nothing() -> None:
    assert predict(Says(), []) == VideoPrediction(7, SIZE, (), 1.0)


def test_a_few_frames_of_each_track_are_looked_at() -> None:
    model = Says()
    found = predict(model, [track("a"), track("b", 5, 7)])
    assert classes(found) == [("a", "walks"), ("b", "walks")]
    assert [n - 1000 for n, id in model.asked if id == "b"] == [5, 6, 7]
    looks = [n - 1000 for n, id in model.asked if id == "a"]
    assert (len(looks), looks[0], looks[-1]) == (LOOKS, 1, 40)
    assert found.score == 0.5


def test_most_looks_decide() -> None:
    model = Says({(1000 + n, "a"): ("sits", 0.8) for n in (1, 2)})
    assert classes(predict(model, [track("a", 1, 5)])) == [("a", "walks")]
    model = Says({(1000 + n, "a"): ("sits", 0.8) for n in (1, 2, 3, 4)})
    [one] = predict(model, [track("a", 1, 5)]).tracks
    assert (one.label, round(one.score, 3)) == ("sits", round(4 * 0.8 / 5, 3))


def test_what_a_person_said_stays_and_is_not_asked_for() -> None:
    model = Says()
    found = predict(model, [track("a"), track("b")], [track("a", label="sits"), track("gone", label="sits")])
    assert classes(found) == [("a", "sits"), ("b", "walks")]
    assert {id for _, id in model.asked} == {"b"}


def test_where_several_may_be_the_likely_ones_are_shown() -> None:
    model = Says({(1000 + n, "a"): ("sits", 0.8) for n in (1, 2, 3)})
    found = predict(model, [track("a", 1, 6)], more='choice="multiple"')
    assert found.tracks == (), "each is there in half of the looks"
