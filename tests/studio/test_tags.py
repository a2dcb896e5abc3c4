"""Over the table of control tags: whatever row is added to it has to pass."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backend.errors import LabelingConfigError
from backend.loop.review.compare import Tally, compare
from backend.studio import tags
from backend.studio.compare import regions_of
from backend.studio.labeling_config import parse
from backend.tracks import Keyframe, Track, VideoSize
from backend.types import Control, Head, Instance, Keypoint, Media

SIZE = (160, 120)
CLIP = VideoSize(160, 120, 50, 25.0)


def control(name: str) -> Control:
    """The one control of a config with this tag."""
    media = tags.BY_NAME[name].media.value
    choice = "Choice" if name == "Choices" else "Label"
    labels = f'<{choice} value="A"/><{choice} value="B"/>'
    if name == tags.BY_NAME[name].bare:
        drawn = f'<{name} name="c" toName="m" closable="true"/><Labels name="l" toName="m">{labels}</Labels>'
    else:
        drawn = f'<{name} name="c" toName="m" closable="true">{labels}</{name}>'
    [found] = parse(f'<View><{media.capitalize()} name="m" value="$m"/>{drawn}</View>').controls
    return found


def drawn(of: Control, label: str = "A", shift: int = 0, id: str = "r1") -> list[dict[str, Any]]:
    """One region as the converter writes it, `shift` pixels to the right."""
    box = (20.0 + shift, 20.0, 60.0 + shift, 50.0)
    if of.media is Media.VIDEO:
        track = Track(label, (Keyframe(1 + shift, box), Keyframe(40, box, enabled=False)), region_id=id)
        return tags.for_video(of).write([track], of, CLIP)
    mask = np.zeros((SIZE[1], SIZE[0]), np.bool_)
    mask[20:50, 20 + shift : 60 + shift] = True
    points = (Keypoint(label, *box[:2], region_id=id),) if of.head is Head.POSE else ()
    own_id = None if points else id  # a point may not take the id of its object
    instance = Instance("" if points else label, box, region_id=own_id, mask=mask, keypoints=points)
    return tags.for_control(of).write([instance], of, SIZE)


def tally(shown: Sequence[dict[str, Any]], result: Sequence[dict[str, Any]], label: str = "A") -> Tally:
    return compare(shown, result)["c", label]


NAMES = list(tags.BY_NAME)


def test_the_rows_do_not_get_into_each_others_way() -> None:
    assert len(tags.BY_NAME) == sum(len(tag.names) for tag in tags.TAGS)
    assert len(tags.BY_SHAPE) == len(tags.TAGS)
    assert not tags.INSTEAD.keys() & tags.BY_NAME.keys()
    for tag in tags.TAGS:
        assert tag.names
        assert (tag.regions is None) != (tag.tracks is None)


@pytest.mark.parametrize("name", NAMES)
def test_the_config_gives_what_the_row_says(name: str) -> None:
    of, tag = control(name), tags.BY_NAME[name]
    assert (of.tag, of.head, of.media, of.labels) == (name, tag.head, tag.media, ("A", "B"))
    assert of.labels_from == (None if name == tag.own else "l")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_is_of_the_rows_shape(name: str) -> None:
    of = control(name)
    assert [region.shape for region in regions_of(drawn(of))] == [tags.BY_NAME[name].shape]


@pytest.mark.parametrize("name", NAMES)
def test_every_deed_of_a_person_counts(name: str) -> None:
    of = control(name)
    assert tally(drawn(of), drawn(of)) == Tally(accepted=1, labels=tally([], drawn(of)).labels)
    assert tally([], drawn(of)).added >= 1
    assert tally(drawn(of), []).deleted == 1
    assert tally(drawn(of), drawn(of, "B"), "B").relabelled == 1
    moved = tally(drawn(of), drawn(of, shift=8)).moved
    assert moved == 0 if name == "Choices" else moved >= 1  # classes have no place


@pytest.mark.parametrize("name", NAMES)
def test_the_texts_of_errors_name_every_tag(name: str) -> None:
    tag = tags.BY_NAME[name]
    form = name if name == tag.own else f"{name} with Labels"
    assert form in tags.supported(tag.media)
    assert tag.makes in tags.supported(tag.media)
    other = Media.VIDEO if tag.media is Media.IMAGE else Media.IMAGE
    assert form not in tags.supported(other).replace("VideoRectangle", "")


@pytest.mark.parametrize("convert", [tags.for_control, tags.for_video])
def test_tags_without_a_converter_are_named_with_those_that_have_one(convert: Any) -> None:
    foreign = replace(control("RectangleLabels"), tag="Taxonomy")
    with pytest.raises(LabelingConfigError, match=r"'c' is a Taxonomy\. Expected one of: \w+"):
        convert(foreign)
