import pytest

from backend.errors import LabelingConfigError
from backend.studio.labeling_config import parse
from backend.types import Control

BOXES = '<RectangleLabels name="b" toName="i"><Label value="A"/><Label value="B"/></RectangleLabels>'


def config(tag: str, source: str, label: str = "A", to: str = "i", more: str = "") -> str:
    made = f'<{tag} name="m" toName="{to}" closable="true" model_masks_from="{source}"><Label value="{label}"/></{tag}>'
    return f'<View><Image name="i" value="$i"/><Image name="j" value="$j"/>{made}{BOXES}{more}</View>'


@pytest.mark.parametrize("tag", ["BrushLabels", "BitmaskLabels", "PolygonLabels", "EllipseLabels", "VectorLabels"])
def test_masks_from_boxes(tag: str) -> None:
    masks, boxes = parse(config(tag, "b")).controls
    assert (masks.masks_from, boxes.masks_from) == ("b", None)
    assert control_of(config(tag, "")).masks_from is None


def control_of(xml: str) -> Control:
    return parse(xml).controls[0]


@pytest.mark.parametrize(
    "xml",
    [
        config("BrushLabels", "gone"),
        config("BrushLabels", "m"),
        config("BrushLabels", "b", label="C"),
        config("BrushLabels", "b", to="j"),
        config("KeyPointLabels", "b"),
        config("RectangleLabels", "b"),
    ],
)
def test_what_gives_no_masks(xml: str) -> None:
    with pytest.raises(LabelingConfigError, match="Expected on a control of masks"):
        parse(xml)
