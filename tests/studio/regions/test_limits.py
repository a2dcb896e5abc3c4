"""What nobody draws: said in a few words, with little memory, and without harm to what else there is."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from backend.studio import tags
from backend.studio.compare import regions_of
from backend.studio.labeling_config import parse
from backend.studio.regions import limits
from backend.tracks import VideoSize
from backend.types import Control

CONFIG = '<View><Image name="image" value="$image"/><Video name="video" value="$video"/>{}</View>'
LABEL = '<Label value="a"/>'
SIZE = (160, 120)


def control(tag: str, to: str = "image", inner: str = LABEL) -> Control:
    [found] = parse(CONFIG.format(f'<{tag} name="l" toName="{to}">{inner}</{tag}>')).controls
    return found


def item(kind: str, id_: str, **value: Any) -> dict[str, Any]:
    size = {"original_width": SIZE[0], "original_height": SIZE[1]}
    return {"id": id_, "from_name": "l", "to_name": "image", "type": kind, **size, "value": {kind: ["a"], **value}}


def box(n: int) -> dict[str, Any]:
    return item("rectanglelabels", f"b{n}", x=n % 90, y=n % 80, width=5, height=5, rotation=0)


def point(n: int) -> dict[str, Any]:
    return item("keypointlabels", f"p{n}", x=n % 90, y=n % 80, width=1)


def ellipse(n: int) -> dict[str, Any]:
    return item("ellipselabels", f"e{n}", x=50, y=50, radiusX=5, radiusY=5, rotation=0)


def polygon(n: int, points: int = 4, high: float = 20.0) -> dict[str, Any]:
    corners = [[10 + 60 * i / points, 10 + (high if i % 2 else 0)] for i in range(points)]
    return item("polygonlabels", f"y{n}", points=corners, closed=True)


def choice(n: int) -> dict[str, Any]:
    return {"id": f"c{n}", "from_name": "l", "type": "choices", "value": {"choices": ["a"]}}


@pytest.mark.parametrize(
    ("tag", "make", "most"),
    [
        ("RectangleLabels", box, limits.MOST_REGIONS),
        ("EllipseLabels", ellipse, limits.MOST_REGIONS),
        ("PolygonLabels", polygon, limits.MOST_REGIONS),
        ("KeyPointLabels", point, limits.MOST_POINTS),
    ],
)
def test_too_many_regions_are_one_problem_and_none_is_learnt_from(
    tag: str, make: Callable[[int], dict[str, Any]], most: int
) -> None:
    of = control(tag)
    some = tags.for_control(of).read([make(n) for n in range(50)], of, SIZE)
    assert some.usable
    assert some.instances
    found = tags.for_control(of).read([make(n) for n in range(most + 1)], of, SIZE)
    assert not found.usable
    assert found.instances == ()
    [problem] = found.problems
    assert f"'l' has more than {most:,} regions" in problem


def test_as_many_boxes_as_are_allowed_are_read() -> None:
    of = control("RectangleLabels")
    found = tags.for_control(of).read([box(n) for n in range(limits.MOST_REGIONS)], of, SIZE)
    assert (len(found.instances), found.problems, found.usable) == (limits.MOST_REGIONS, (), True)


def test_too_many_choices() -> None:
    of = control("Choices", inner='<Choice value="a"/><Choice value="b"/>')
    assert not tags.for_control(of).read([choice(n) for n in range(limits.MOST_REGIONS + 1)], of, SIZE).usable
    many = {"id": "c", "from_name": "l", "type": "choices", "value": {"choices": ["z"] * 100_000}}
    assert len(tags.for_control(of).read([many], of, SIZE).problems) <= limits.PROBLEMS_TOLD + 1


def test_regions_of_other_controls_do_not_count() -> None:
    of = control("RectangleLabels")
    others = [{**box(n), "from_name": "other"} for n in range(limits.MOST_REGIONS + 1)]
    found = tags.for_control(of).read([*others, box(1)], of, SIZE)
    assert (len(found.instances), found.usable) == (1, True)


def test_a_polygon_of_a_million_points_costs_itself_alone() -> None:
    of = control("PolygonLabels")
    found = tags.for_control(of).read([polygon(1, limits.MOST_VERTICES + 1), polygon(2)], of, SIZE)
    assert [one.region_id for one in found.instances] == ["y2"]
    assert found.usable
    assert found.problems == ("region y1 of 'l': has 10,001 points; expected at most 10,000",)


def test_many_polygons_of_many_points_are_too_much_together() -> None:
    of = control("PolygonLabels")
    count = limits.MOST_VERTICES_IN_ALL // limits.MOST_VERTICES + 1
    found = tags.for_control(of).read([polygon(n, limits.MOST_VERTICES, 0.01) for n in range(count)], of, SIZE)
    assert (found.usable, found.instances) == (False, ())
    assert "vertices" in found.problems[0]


def test_a_polygon_to_and_fro_over_a_large_image_takes_no_gigabytes() -> None:
    of = control("PolygonLabels")
    tracemalloc.start()
    found = tags.for_control(of).read([polygon(1, 8_000, 80.0)], of, (8000, 8000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not found.usable
    assert "rows crossed" in found.problems[0]
    assert peak < 50_000_000


def test_masks_that_do_not_fit_into_memory_are_not_all_made(monkeypatch: pytest.MonkeyPatch) -> None:
    from backend.studio.regions import item as items

    monkeypatch.setattr(items, "MOST_MASK_PIXELS", 10 * SIZE[0] * SIZE[1])
    of = control("EllipseLabels")
    assert tags.for_control(of).read([ellipse(n) for n in range(10)], of, SIZE).usable
    found = tags.for_control(of).read([ellipse(n) for n in range(11)], of, SIZE)
    assert not found.usable
    assert "pixels in all its masks" in found.problems[0]


def test_packed_masks_of_absurd_length() -> None:
    of = control("BrushLabels")
    long = item("brushlabels", "long", format="rle", rle=[0] * (limits.MOST_PACKED + 1))
    found = tags.for_control(of).read([long], of, SIZE)
    assert (found.usable, found.instances) == (True, ())
    assert "rle of 5,000,001 bytes; expected at most 5,000,000" in found.problems[0]
    half = item("brushlabels", "half", format="rle", rle=[0] * limits.MOST_PACKED)
    assert not tags.for_control(of).read([half, {**half, "id": "2"}, {**half, "id": "3"}], of, SIZE).usable


def test_long_words_and_many_labels_are_told_shortly() -> None:
    of = control("RectangleLabels")
    named = {**box(1), "id": "i" * 100_000}
    named["value"] = {**named["value"], "rectanglelabels": ["z" * 1_000_000, *map(str, range(100_000))]}
    found = tags.for_control(of).read([named], of, SIZE)
    assert len(found.problems) <= limits.PROBLEMS_TOLD + 1
    assert sum(map(len, found.problems)) < 10_000
    assert found.problems[-1].startswith("and ")


@pytest.mark.parametrize(
    ("tag", "value", "said"),
    [
        ("TimelineLabels", {"ranges": [{"start": 1, "end": 2}] * (limits.MOST_RANGES + 1)}, "ranges"),
        (
            "VideoRectangle",
            {"sequence": [{"frame": 1, "x": 1, "y": 1, "width": 9, "height": 9}] * (limits.MOST_KEYFRAMES + 1)},
            "keyframes",
        ),
    ],
)
def test_too_much_on_a_video(tag: str, value: dict[str, Any], said: str) -> None:
    pair = '<VideoRectangle name="l" toName="video"/><Labels name="k" toName="video"><Label value="a"/></Labels>'
    alone = f'<TimelineLabels name="l" toName="video">{LABEL}</TimelineLabels>'
    config = f'<View><Video name="video" value="$video"/>{pair if tag == "VideoRectangle" else alone}</View>'
    [of] = parse(config).controls
    kind = "videorectangle" if tag == "VideoRectangle" else "timelinelabels"
    drawn = {"id": "t", "from_name": "l", "type": kind, "value": {**value, "labels": ["a"], "timelinelabels": ["a"]}}
    found = tags.for_video(of).read([drawn], of, VideoSize(160, 120, 50, 25.0))
    assert (found.usable, found.tracks) == (False, ())
    assert said in found.problems[0]


def test_what_people_did_to_a_million_regions_is_not_counted_to_the_last() -> None:
    many = [box(n) for n in range(3 * limits.MOST_POINTS + 10)]
    assert len(regions_of(many)) == 3 * limits.MOST_POINTS
