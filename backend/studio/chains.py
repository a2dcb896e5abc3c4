"""Masks that are made from boxes: `model_masks_from="box"` on a control of masks, beside boxes of the same labels."""

from collections.abc import Sequence

from backend.errors import LabelingConfigError
from backend.types import Control, Head


def check_chains(controls: Sequence[Control]) -> None:
    """Raises LabelingConfigError where masks are to be made from what has no boxes of all their labels."""
    boxes = {one.from_name: one for one in controls if one.head is Head.DETECTION and one.drawn_with is None}
    for control in controls:
        source = boxes.get(control.masks_from or "")
        if control.masks_from and (
            source is None
            or control.head is not Head.SEGMENTATION
            or source.to_name != control.to_name
            or not set(control.labels) <= set(source.labels)
        ):
            raise LabelingConfigError(
                f"{control.tag} {control.from_name!r} has model_masks_from={control.masks_from!r}. Expected on a control "
                f"of masks the name of the RectangleLabels of the same image that has the labels {', '.join(control.labels)}."
            )
